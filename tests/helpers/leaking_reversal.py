"""A reversal within the journey about leaks: by both paths, to tables, files and by themselves, and one that fails."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.lake.java import java_class
from jobs.reversal.asked import Asked
from tests.helpers import reversals

FOLDER = "back"
SHOWN = ("canary-1@example.org", "canary-2@example.org", "Canary Street 1", "4000123412341234", "sku-1")
OUTPUTS = {
    "columnar": {"where": "amount < 100"},
    "spark": {"where": "amount + 0 < 100"},
    "csv": {"where": "amount < 100", "written_as": "csv"},
    "json": {"where": "amount < 100", "written_as": "json"},
}
COLUMNS: dict[str, Any] = {
    name: reversals.COLUMNS[name] for name in ("email", "card", "home.street", "orders[].sku", "amount")
}
DRIVER = """
from tests.helpers import leaking_reversal
leaking_reversal.run(spark, Path(sys.argv[1], "..").resolve())
"""


def run(spark: SparkSession, lake: Path) -> None:
    """What each way came to is printed; nothing of what is shown is."""
    own = lake / FOLDER
    own.mkdir()
    raw = spark.createDataFrame(reversals.rows(), reversals.SCHEMA).select("email", "card", "home", "orders", "amount")
    raw.withColumn("home", F.expr("IF(home IS NULL, NULL, struct(home.street AS street))")).withColumn(
        "orders", F.expr("transform(orders, each -> struct(each.sku AS sku))")
    ).write.parquet(f"{own}/raw/t")
    conf = reversals.configured(own, COLUMNS)
    pseudonymize.run(spark, conf, "t")
    columns = ("email", "card", "home.street", "orders[].sku")
    for name, more in OUTPUTS.items():
        given = columns[:2] if name == "csv" else columns
        told(spark, own, conf, name, reversals.asked(*given, where=more["where"]), more.get("written_as", "delta"))
    spoiled = spark.read.format("delta").load(f"{own}/treated/t").limit(1)
    spoiled.withColumn("email", F.lit("none of ours")).write.format("delta").mode("append").save(f"{own}/treated/t")
    for name, more in OUTPUTS.items():
        wanted = reversals.asked("email", where=more["where"])
        told(spark, own, conf, f"{name}-spoiled", wanted, more.get("written_as", "delta"))
    environment = java_class(spark._jvm, "org.apache.spark.SparkEnv").get()
    kept = [Path(str(each)) for each in environment.blockManager().diskBlockManager().localDirs()]
    files = [path for folder in kept for path in folder.rglob("*") if path.is_file()]
    holding = [path for path in files if any(value.encode() in path.read_bytes() for value in SHOWN)]
    print("BACK kept on disk", len(holding))


def told(spark: SparkSession, own: Path, conf: Config, name: str, wanted: Asked, form: str) -> None:
    try:
        approval = reversals.approved(spark, own, conf, wanted)
        made = reversals.turned(spark, conf, wanted, approval, output=str(own / "shown" / name), written_as=form)
        print("BACK", name, made.rows, made.execution, repr(made))
        if form == "delta":
            alone = reversals.turned(spark, conf, wanted, reversals.approved(spark, own, conf, wanted))
            print("BACK", name, "by itself", alone.rows, repr(alone))
    except Exception as error:
        print("BACK", name, "FAILED", type(error).__name__)
        traceback.print_exc(file=sys.stdout)


def is_shown(path: Path, lake: Path) -> bool:
    """Whether a file is where values in clear are to be: what was read, and what was shown to whom it was for."""
    parts = path.relative_to(lake).parts
    own = parts[0] == FOLDER and parts[1] in ("raw", "keys", "conf")
    return own or (
        parts[:2] == (FOLDER, "shown")
        and path.suffix in (".parquet", ".csv", ".json", ".crc")
        and ("_delta_log" not in parts)
    )
