"""Runs of some partitions, and what other runs and programs do to the table meanwhile and afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.models import Execution
from jobs.lake.problems import CommitConflict
from jobs.pseudonymize import Result
from jobs.spark_app import session
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes, set_runs
from tests.helpers.growing import PATHS
from tests.helpers.partitioning import configured, full, held, prepared, put, rows, run
from tests.helpers.sweeps import but_for


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_runs_on_other_partitions_at_once(spark: SparkSession, lake: Path, execution: Execution) -> None:
    put(rows(spark, "int", [*range(6)], "old"), lake)
    run(spark, lake)
    put(rows(spark, "int", [*range(6)], "new"), lake)
    both = [prepared(spark, lake, where, execution) for where in ("part < 2", "part IN (2, 3)", "part >= 4")]
    outcomes = set_runs.at_once(both)
    assert [type(outcome) for outcome in outcomes] == [Result] * 3, outcomes
    lakes.check_equal(lakes.treated(spark, lake), full(spark, lake))
    assert run(spark, lake, "part = 1", execution).version == 4, "all of them count as runs"


SOON = [("the same", "spark"), ("elsewhere", "columnar")]
LATE = [("into it", "columnar"), ("the same", "columnar"), ("in full", "columnar"), ("incremental", "columnar")]


@pytest.mark.parametrize(("first", "execution"), but_for(SOON, SOON + LATE))
def test_who_came_first_between_look_and_commit(
    spark: SparkSession, lake: Path, first: str, execution: Execution
) -> None:
    put(rows(spark, "int", [0, 1, 2], "old"), lake)
    run(spark, lake)
    put(rows(spark, "int", [0, 1, 2], "new"), lake, "append")
    late = prepared(spark, lake, "part < 2", execution)
    if first == "the same":
        run(spark, lake, "part = 1")
    elif first in ("in full", "incremental"):
        run(spark, lake, mode="full" if first == "in full" else "incremental")
    else:
        theirs = lakes.treated(spark, lake).where(f"part = {1 if first == 'into it' else 2}")
        theirs.write.format("delta").mode("append").save(str(lake / "treated" / "t"))
    before = held(spark, lake)
    if first == "elsewhere":
        assert pseudonymize.execute(*late).version == 2
        return
    with pytest.raises(CommitConflict):
        pseudonymize.execute(*late)
    lakes.check_equal(lakes.treated(spark, lake), before)


def test_a_run_that_adds_after_one_of_partitions(spark: SparkSession, lake: Path) -> None:
    """What it gained since then may be in the partitions already."""
    put(rows(spark, "int", [0, 1, 2], "old"), lake)
    run(spark, lake)
    put(rows(spark, "int", [1, 2], "new"), lake, "append")
    run(spark, lake, "part = 1")
    with pytest.raises(LakenymError, match=r"kept no place to go on from.*--mode full"):
        run(spark, lake, mode="incremental")
    run(spark, lake)
    put(rows(spark, "int", [2], "newer"), lake, "append")
    assert run(spark, lake, mode="incremental").rows == 1
    late = prepared(spark, lake, "part = 1", "auto")
    other = session.for_run(spark)
    adding = pseudonymize.prepare(other, config.in_mode(configured(lake), "incremental"), "t")
    assert adding.unchanged
    pseudonymize.execute(*late)
    lakes.check_equal(lakes.treated(spark, lake), full(spark, lake))
