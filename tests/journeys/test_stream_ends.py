"""Streams ended from outside: by a signal after the batch at work, or killed between two steps and begun again."""

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
from jobs.configuration.models import Execution
from tests.helpers.lakes import table, treated, write_conf
from tests.helpers.sweeps import but_for

MANY = 100_000
"""Rows of a commit: some time to write."""
ENTRY = {"id": {"domain": "customer"}, "note": "keep"}
KILLS = [
    ("while_writing", "spark", 2),
    ("after_commit", "columnar", 3),
    ("between_batches", "spark", 3),
]
"""Where, on which path, and how many commits there are then: the first was there before, the second is the stream's."""
DRIVER = """
import os, signal, sys, threading, time
from pathlib import Path
from jobs import pseudonymize
from jobs.configuration import config
from jobs.lake import delta_commit
from jobs.spark_app import session
conf_dir, target, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def die(): os.killpg(0, signal.SIGKILL)
def die_while_writing():
    there = set(target.glob("*"))
    while not any(path.suffix in (".parquet", ".crc") for path in set(target.glob("*")) - there):
        time.sleep(0.001)
    die()
batches, append = [], delta_commit.append
def appended(*given):
    written = append(*given)
    if point == "after_commit" and len(batches) == 2:
        die()
    return written
delta_commit.append = appended
def told(event):
    if event.name == "planned":
        batches.append(event)
        if point == "while_writing" and len(batches) == 2:
            threading.Thread(target=die_while_writing, daemon=True).start()
    if event.name == "committed" and point == "between_batches" and len(batches) == 2:
        die()
pseudonymize.run(session.start("killed"), config.load(conf_dir), "t", report=told, files_per_batch=1)
"""


def grown(spark: SparkSession, lake: Path, start: int, end: int) -> None:
    frame = spark.range(start, end).select("id", F.lit("x").alias("note")).coalesce(1)
    frame.write.format("delta").mode("append").save(str(lake / "raw" / "t"))


def configured(lake: Path, execution: Execution = "auto", name: str = "t") -> Path:
    entry = table("t", lake, ENTRY, execution=execution)
    entry["source"]["format"], entry["target"] = "delta", {"path": str(lake / "treated" / name), "mode": "stream"}
    return write_conf(lake, entry)


@pytest.mark.parametrize(("point", "execution", "commits"), but_for([], KILLS))
def test_killed_and_begun_again_gives_the_table_of_an_unbroken_one(
    spark: SparkSession, lake: Path, point: str, execution: Execution, commits: int
) -> None:
    conf = configured(lake, execution)
    grown(spark, lake, 0, 10)
    pseudonymize.run(spark, config.load(conf), "t")
    for start in range(10, 3 * MANY, MANY):
        grown(spark, lake, start, start + MANY)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(conf), str(lake / "treated" / "t"), point],
        capture_output=True,
        start_new_session=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert len(list((lake / "treated" / "t" / "_delta_log").glob("*.json"))) == commits
    again = pseudonymize.run(spark, config.load(conf), "t", files_per_batch=1)
    assert (again.version, again.rows) == (3, MANY * (4 - commits))
    whole = pseudonymize.run(spark, config.load(configured(lake, name="unbroken")), "t")
    ours, unbroken = treated(spark, lake), treated(spark, lake, "unbroken")
    assert whole.rows == ours.count() == 10 + 3 * MANY
    assert ours.exceptAll(unbroken).isEmpty()


def test_ctrl_c_ends_it_after_the_batch_at_work(spark: SparkSession, lake: Path) -> None:
    """A terminal sends it to Java and all others too. SIGTERM: tests/jobs/table_run/test_rounds.py."""
    conf = configured(lake)
    grown(spark, lake, 0, MANY)
    words = ["--conf", str(conf), "--table", "t", "--trigger", "1 hour"]
    with subprocess.Popen(
        [sys.executable, "jobs/pseudonymize.py", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        start_new_session=True,
    ) as stream:
        assert stream.stdout is not None
        told = []
        for line in stream.stdout:
            told.append(json.loads(line)["event"])
            if told[-1] == "planned":
                os.killpg(stream.pid, signal.SIGINT)
    assert stream.returncode == 0
    assert [each for each in told if each != "warning"] == ["checked", "planned", "committed"]
    assert treated(spark, lake).count() == MANY
