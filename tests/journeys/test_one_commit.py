"""Two runs at once, and runs killed between any two steps: the table is as before or as it should be, never between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Execution
from jobs.lake.problems import CommitConflict
from jobs.spark_app import session
from tests.helpers import set_runs
from tests.helpers.lakes import column, configured, table, write_conf
from tests.helpers.sweeps import but_for

ENTRY = {"id": {"domain": "customer"}, "note": "keep"}


def raw(spark: SparkSession, lake: Path, rows: int = 1000) -> Config:
    frame = spark.range(rows).select("id", F.lit("x").alias("note"))
    frame.repartition(4).write.parquet(str(lake / "raw" / "t"))
    return configured(lake, table("t", lake, ENTRY))


def prepare_and_hold(spark: SparkSession, conf: Config) -> tuple[SparkSession, pseudonymize.Prepared]:
    own = session.for_run(spark)
    return own, pseudonymize.prepare(own, conf, "t")


@pytest.mark.parametrize("existing", [False, True], ids=["create", "replace"])
def test_of_two_runs_that_saw_the_same_table_the_later_is_refused(
    spark: SparkSession, lake: Path, existing: bool
) -> None:
    conf = raw(spark, lake)
    if existing:
        pseudonymize.run(spark, conf, "t")
    first, second = (prepare_and_hold(spark, conf) for _ in range(2))
    version = pseudonymize.execute(*first).version
    with pytest.raises(CommitConflict, match="this run committed nothing"):
        pseudonymize.execute(*second)
    history = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`")
    assert history.count() == version + 1


@pytest.mark.parametrize("existing", [False, True], ids=["create", "replace"])
def test_two_runs_at_once(spark: SparkSession, lake: Path, existing: bool) -> None:
    conf = raw(spark, lake, 50_000)
    if existing:
        pseudonymize.run(spark, conf, "t")
    prepared = [prepare_and_hold(spark, conf) for _ in range(2)]
    outcomes = set_runs.at_once(prepared)
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["CommitConflict", "Result"], outcomes
    assert spark.read.format("delta").load(str(lake / "treated" / "t")).count() == 50_000


MORE = [("while_writing", "columnar"), ("while_writing", "spark"), ("after_commit", "columnar")]
KILLS = [
    ("after_prepare", "auto"),
    ("while_writing", "columnar"),
    ("while_writing", "spark"),
    ("after_commit", "columnar"),
    ("after_commit", "spark"),
]
DRIVER = """
import os, signal, sys, threading, time
from pathlib import Path
from jobs import pseudonymize
from jobs.configuration import config
from jobs.lake.delta_commit import replace_all
from jobs.spark_app import session
conf_dir, target, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def die(): os.killpg(0, signal.SIGKILL)
def die_while_writing():
    def files(): return {*target.glob("*"), *target.glob("*=*/*")}
    there = files()
    while not any(path.suffix in (".parquet", ".crc") for path in files() - there):
        time.sleep(0.001)
    die()
spark = session.start("killed")
own = session.for_run(spark)
where = sys.argv[4] or None
held = pseudonymize.prepare(own, config.in_partitions(config.load(conf_dir), where), "t")
if point == "after_prepare":
    die()
if point == "while_writing":
    threading.Thread(target=die_while_writing, daemon=True).start()
if point == "after_commit":
    replace_all.register = lambda *_: die()
def told(event):
    if event.name == "committed" and point == "after_commit":
        die()
pseudonymize.execute(own, held, told)
"""


def killed_run(lake: Path, point: str, where: str = "") -> None:
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(lake / "conf"), str(lake / "treated" / "t"), point, where],
        env=environ,
        capture_output=True,
        start_new_session=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


@pytest.mark.parametrize(("point", "execution"), but_for([KILLS[1]], KILLS))
def test_killed_and_run_again_gives_the_same_table(
    spark: SparkSession, lake: Path, point: str, execution: Execution
) -> None:
    frame = spark.range(400_000).select("id", F.lit("x").alias("note"))
    frame.repartition(8).write.parquet(str(lake / "raw" / "t"))
    write_conf(lake, table("t", lake, ENTRY, execution=execution))
    killed_run(lake, point)
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))
    assert len(log) == (1 if point == "after_commit" else 0)
    for commit in log:
        kinds = {next(iter(json.loads(line))) for line in commit.read_text().splitlines()}
        assert {"metaData", "add"} <= kinds
    conf = config.load(lake / "conf")
    assert pseudonymize.run(spark, conf, "t").execution in (execution, "columnar")
    again = spark.read.format("delta").load(str(lake / "treated" / "t"))
    write_conf(lake, {**table("t", lake, ENTRY), "target": {"path": str(lake / "never_killed")}})
    pseudonymize.run(spark, config.load(lake / "conf"), "t")
    whole = spark.read.format("delta").load(str(lake / "never_killed"))
    assert again.count() == whole.count() == 400_000
    assert again.exceptAll(whole).isEmpty()


@pytest.mark.parametrize(("point", "execution"), but_for(MORE[2:], MORE))
def test_an_incremental_run_killed_and_run_again_adds_once(
    spark: SparkSession, lake: Path, point: str, execution: Execution
) -> None:
    frame, place = spark.range(400_000).select("id", F.lit("x").alias("note")).repartition(8), str(lake / "raw" / "t")
    entry = table("t", lake, ENTRY, execution=execution)
    entry["source"]["format"], entry["target"]["mode"] = "delta", "incremental"
    write_conf(lake, entry)
    frame.where("id < 10").write.format("delta").save(place)
    pseudonymize.run(spark, config.load(lake / "conf"), "t")
    frame.where("id >= 10").write.format("delta").mode("append").save(place)
    killed_run(lake, point)
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))
    assert len(log) == (2 if point == "after_commit" else 1)
    again = pseudonymize.run(spark, config.load(lake / "conf"), "t")
    assert (again.version, again.rows) == ((1, 0) if point == "after_commit" else (1, 399_990))
    rows = spark.read.format("delta").load(str(lake / "treated" / "t"))
    assert rows.count() == rows.select("id").distinct().count() == 400_000


@pytest.mark.parametrize(("point", "execution"), but_for([], MORE))
def test_a_run_of_partitions_killed_and_run_again(
    spark: SparkSession, lake: Path, point: str, execution: Execution
) -> None:
    raw, treated, where = str(lake / "raw" / "t"), str(lake / "treated" / "t"), "half = 1"
    entry = table("t", lake, {**ENTRY, "half": column("keep", "non_personal")}, execution=execution)
    entry["source"]["format"] = "delta"
    entry["target"].update(mode="partitions", partition_by=["half"])
    write_conf(lake, entry)

    def put(note: str, rows: int) -> None:
        made = spark.range(rows).select("id", F.lit(note).alias("note"), (F.col("id") % 2).alias("half"))
        made.repartition(8).write.format("delta").mode("overwrite").partitionBy("half").save(raw)

    def counted() -> dict[tuple[int, str], int]:
        found = spark.read.format("delta").load(treated).groupBy("half", "note").count().collect()
        return {(row["half"], row["note"]): row["count"] for row in found}

    put("old", 1000)
    conf = config.load(lake / "conf")
    pseudonymize.run(spark, conf, "t", mode="full")
    put("new", 400_000)
    killed_run(lake, point, where)
    versions = len(sorted((lake / "treated" / "t" / "_delta_log").glob("*.json")))
    before, after = {(0, "old"): 500, (1, "old"): 500}, {(0, "old"): 500, (1, "new"): 200_000}
    assert (versions, counted()) == ((2, after) if point == "after_commit" else (1, before))
    assert pseudonymize.run(spark, conf, "t", where=where).version == versions
    assert counted() == after
