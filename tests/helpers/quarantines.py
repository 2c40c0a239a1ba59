"""A lake with rows that are refused, and the runs that set them aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.pseudonymize import Result
from privacy_udfs.keys import create_file
from tests.helpers import changing, lakes

CANARY = "canary-5f2c"
"""In every value of a refused row that tells people apart."""
FLAGS = ("mode", "requeue", "retreat", "report", "where", "files_per_batch")
NULLED = {"ip": {"technique": "truncate_ip", "on_refused": None}}
"""A rule of `COLUMNS` mended: it refuses nothing."""
COLUMNS: dict[str, Any] = {
    "id": {"domain": "customer"},
    "note": "keep",
    "ip": {"technique": "truncate_ip"},
    "home.zip": {"technique": "generalize_hierarchy", "levels": [["8001", "80"], ["8002", "80"]]},
    "home.street": "redact",
    "seen[].ip": {"technique": "truncate_ip"},
    "gone": "drop",
}


def rows(
    spark: SparkSession, start: int, end: int, bad: str = "false", bad_zip: str = "false", bad_seen: str = "false"
) -> DataFrame:
    """Rows by number. bad, bad_zip, bad_seen: conditions about ``id`` for values that are refused."""
    good = "concat('10.1.', id % 200, '.7')"
    ip = f"if({bad}, concat('{CANARY}-', id), {good})"
    code = f"if({bad_zip}, concat('{CANARY}z-', id), if(id % 2 = 0, '8001', '8002'))"
    seen = f"array(named_struct('ip', {good}), named_struct('ip', if({bad_seen}, concat('{CANARY}s-', id), {good})))"
    return spark.range(start, end, 1, 2).selectExpr(
        "cast(id AS string) AS id",
        "concat('note-', id, '-n') AS note",
        f"if(id % 7 = 0, null, {ip}) AS ip",
        f"if(id % 11 = 0, null, named_struct('zip', {code}, 'street', concat('street-', id))) AS home",
        f"if(id % 5 = 0, null, {seen}) AS seen",
        "concat('gone-', id) AS gone",
        "cast(id % 3 AS int) AS day",
    )


def put(frame: DataFrame, lake: Path, mode: str = "append", partition: str | None = None) -> None:
    writer = frame.write.format("delta").mode(mode)
    (writer.partitionBy(partition) if partition else writer).save(str(lake / "raw" / "t"))


def configured(lake: Path, name: str = "t", **more: Any) -> Config:
    """The configuration of one table with a quarantine, and with a key of its own for it. name: of its entry."""
    entry = {
        **lakes.table(
            name,
            lake,
            {**COLUMNS, "day": lakes.column("keep", "non_personal"), **more.pop("columns", {})},
            source={"format": "delta", "path": str(lake / "raw" / "t"), **more.pop("source", {})},
            target={"path": str(lake / "treated" / "t"), **more.pop("target", {})},
        ),
        "on_refused": more.pop("on_refused", "quarantine"),
        "quarantine": {"path": str(lake / "quarantine"), "key": "aside", "at_most": 0.5, **more.pop("quarantine", {})},
        **more,
    }
    for file in (lake / "conf" / "catalog").glob("*.yaml"):
        file.unlink()
    folder = lakes.write_conf(lake, entry)
    if not (lake / "keys" / "aside.json").exists():
        create_file(lake / "keys" / "aside.json")
    keys = yaml.safe_load((folder / "keys.yaml").read_text())
    keys["aside"] = {"keyset": f"file:{lake}/keys/aside.json"}
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys))
    return config.load(folder)


def run(spark: SparkSession, lake: Path, execution: Any = "auto", **more: Any) -> Result:
    flags = {name: more.pop(name) for name in FLAGS if name in more}
    return pseudonymize.run(spark, configured(lake, **more), more.get("name", "t"), execution=execution, **flags)


def aside(spark: SparkSession, lake: Path) -> list[Any]:
    """What stands in quarantine, in order."""
    found = spark.read.format("delta").load(str(lake / "quarantine"))
    return found.orderBy("run_id", "number").collect()


def ids(spark: SparkSession, lake: Path) -> list[str]:
    """The notes of the target's rows, which are kept."""
    return sorted(row[0] for row in lakes.treated(spark, lake).select("note").collect())


def check_as_in_full(spark: SparkSession, lake: Path, **more: Any) -> None:
    """Once what stands in quarantine is treated too, the target is the one that a run in full makes elsewhere."""
    target = more.pop("target")
    run(spark, lake, target=target, mode="incremental", requeue=True, columns=NULLED, **more)
    assert not aside(spark, lake)
    run(spark, lake, target={**target, "path": str(lake / "treated" / "full")}, mode="full", columns=NULLED, **more)
    ours, full = (spark.read.format("delta").load(str(lake / "treated" / name)) for name in ("t", "full"))
    assert changing.told(ours) == changing.told(full)
