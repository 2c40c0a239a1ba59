"""Two runs at once, and runs killed between any two steps: the table is as before or as it should be, never between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
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
from jobs.spark_app.failures import translated
from tests.helpers.lakes import configured, table, write_conf

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
    outcomes: list[object] = []

    def execute(own: SparkSession, held: pseudonymize.Prepared) -> None:
        try:
            outcomes.append(translated("t", lambda: pseudonymize.execute(own, held)))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=execute, args=pair) for pair in prepared]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["CommitConflict", "Result"], outcomes
    assert spark.read.format("delta").load(str(lake / "treated" / "t")).count() == 50_000


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
from jobs.lake.delta_commit import commit
from jobs.spark_app import session
conf_dir, target, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def die(): os.killpg(0, signal.SIGKILL)
def die_while_writing():
    while not any(target.glob("*.parquet")) and not any(target.glob(".*.parquet*")):
        time.sleep(0.001)
    die()
spark = session.start("killed")
own = session.for_run(spark)
held = pseudonymize.prepare(own, config.load(conf_dir), "t")
if point == "after_prepare":
    die()
if point == "while_writing":
    threading.Thread(target=die_while_writing, daemon=True).start()
if point == "after_commit":
    commit._register = lambda *_: die()
pseudonymize.execute(own, held)
"""


def killed_run(lake: Path, point: str) -> None:
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(lake / "conf"), str(lake / "treated" / "t"), point],
        env=environ,
        capture_output=True,
        start_new_session=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


@pytest.mark.parametrize(("point", "execution"), KILLS)
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
