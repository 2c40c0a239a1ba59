"""Streams and runs that follow changes, killed at a step and run again: the table is that of a run nobody killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.helpers import changing, growing, lakes
from tests.helpers.kills import killed
from tests.helpers.streams import added, streamed
from tests.helpers.sweeps import but_for

CHANGES = {
    "nothing is written": ("jobs.table_run.reconciled", "moves", "after"),
    "files are written": ("jobs.lake.delta_commit.replace_files", "committed", "before"),
    "the commit is made": ("jobs.lake.delta_commit.replace_files", "committed", "after"),
}
BATCHES = {
    "nothing is written": ("jobs.lake.delta_commit.append_rows", "added", "before"),
    "files are written": ("jobs.lake.delta_commit.append_rows", "committed", "before"),
    "a batch is committed": ("jobs.lake.delta_commit.append_rows", "committed", "after"),
}


def commits(lake: Path) -> int:
    return len(list((lake / "treated" / "t" / "_delta_log").glob("*.json")))


@pytest.mark.sweep
@pytest.mark.parametrize("step", CHANGES)
def test_a_run_that_follows_changes(spark: SparkSession, lake: Path, step: str) -> None:
    changing.made(spark, lake, range(20))
    changing.run(spark, lake)
    files = {path.name for path in (lake / "treated" / "t").glob("*.parquet")}
    changing.put(spark, lake, [2, 3, 40], 1)
    changing.deleted(spark, lake, [4])
    before = changing.told(lakes.treated(spark, lake))
    killed(lake, *CHANGES[step])
    is_made = step == "the commit is made"
    assert commits(lake) == (2 if is_made else 1)
    left = {path.name for path in (lake / "treated" / "t").glob("*.parquet")} - files
    assert bool(left) == (step != "nothing is written")
    assert is_made or changing.told(lakes.treated(spark, lake)) == before
    again = changing.run(spark, lake)
    assert again.changed == (None if is_made else {"inserted": 1, "updated": 2, "deleted": 1, "stale": 0})
    assert commits(lake) == 2
    changing.check_as_in_full(spark, lake)


@pytest.mark.parametrize("step", but_for(["a batch is committed"], BATCHES))
def test_a_stream(spark: SparkSession, lake: Path, step: str) -> None:
    growing.grown(spark, lake, 0, 10)
    streamed(spark, lake)
    for start in (10, 20, 30):
        growing.grown(spark, lake, start, start + 10)
    killed(lake, *BATCHES[step], mode="stream", files_per_batch=1)
    is_made = step == "a batch is committed"
    assert added(spark, lake) == [10, 10] if is_made else [10]
    assert streamed(spark, lake, files_per_batch=1).rows == (20 if is_made else 30)
    assert added(spark, lake) == [10, 10, 10, 10]
    assert [each["source_position"]["version"] for each in growing.told(spark, lake)] == [0, 1, 2, 3]
    growing.check_as_in_full(spark, lake)
