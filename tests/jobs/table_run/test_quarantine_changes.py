"""Runs that follow changes while rows are refused: each row is in the target or in quarantine, and as in full."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.lake.changed import ENABLED
from jobs.run_events.events import Event, Warned
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, lakes
from tests.helpers.kills import killed
from tests.helpers.quarantines import aside, check_as_in_full, put, rows, run
from tests.helpers.sweeps import but_for

BY_KEY = {"mode": "changes", "key": ["id"]}


def merged(spark: SparkSession, lake: Path, ids: Iterable[int], turn: int, bad: Iterable[int] = ()) -> None:
    """Insert or update rows. bad: those of them with a value that is refused."""
    refused = ", ".join(map(str, {-1, *bad}))
    given = rows(spark, 0, 60, f"id in ({refused})").where(F.col("id").isin(*map(str, ids)))
    given = given.withColumn("note", F.concat("note", F.lit(f"-{turn}")))
    merge = DeltaTable.forPath(spark, str(lake / "raw" / "t")).alias("t").merge(given.alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def deleted(spark: SparkSession, lake: Path, ids: Iterable[int]) -> None:
    DeltaTable.forPath(spark, str(lake / "raw" / "t")).delete(F.col("id").isin(*map(str, ids)))


def begun(spark: SparkSession, lake: Path, bad: str) -> None:
    put(rows(spark, 0, 20, bad), lake)
    spark.sql(f"ALTER TABLE delta.`{lake}/raw/t` SET TBLPROPERTIES ('{ENABLED}' = 'true')")
    run(spark, lake, target=BY_KEY)


def test_changes_of_rows_that_are_refused(spark: SparkSession, lake: Path) -> None:
    """From the target to quarantine and back, anew, and out of both."""
    begun(spark, lake, "id in (1, 2, 3, 4)")
    merged(spark, lake, [1, 2, 5, 6, 30, 31], 1, bad=[2, 5, 30])
    deleted(spark, lake, [3, 8])
    events: list[Event] = []
    result = run(spark, lake, target=BY_KEY, report=events.append)
    assert result.changed == {"inserted": 2, "updated": 1, "deleted": 2, "stale": 0}, "1 and 31; 6; 5 and 8"
    told = "3 of 6 rows were refused and stand in quarantine, beside 1 of earlier runs"
    assert Warned("t", told) in events, "of those that came, however many were written anew beside them"
    assert (result.mode, result.rows, result.quarantined) == ("changes", result.rows, 3)
    assert len(aside(spark, lake)) == 4, "2, 4, 5 and 30"
    assert growing.told(spark, lake)[-1]["quarantined"] == 3
    merged(spark, lake, [40], 2, bad=[40])
    only = run(spark, lake, target=BY_KEY)
    assert (only.changed, only.quarantined) == ({"inserted": 0, "updated": 0, "deleted": 0, "stale": 0}, 1)
    merged(spark, lake, [5], 3)
    stop = run(spark, lake, target=BY_KEY, on_refused="stop")
    assert stop.changed == {"inserted": 1, "updated": 0, "deleted": 0, "stale": 0}
    check_as_in_full(spark, lake, target=BY_KEY)


@pytest.mark.parametrize("seed", but_for([], range(8)))
def test_random_changes_end_as_in_full(spark: SparkSession, lake: Path, seed: int) -> None:
    chance = random.Random(seed)
    begun(spark, lake, "id in (1, 2, 3)")
    there = set(range(20))
    for turn in range(1, 9):
        some = set(chance.sample(range(40), 4)) | set(chance.sample(sorted(there), 2))
        if chance.random() < 0.3:
            deleted(spark, lake, some)
            there -= some
        else:
            merged(spark, lake, some, turn, chance.sample(sorted(some), 3))
            there |= some
        if chance.random() < 0.5:
            run(spark, lake, target=BY_KEY, quarantine={"at_most": 1.0})
    run(spark, lake, target=BY_KEY, quarantine={"at_most": 1.0})
    assert lakes.treated(spark, lake).count() + len(aside(spark, lake)) == len(there)
    check_as_in_full(spark, lake, target=BY_KEY)


def test_a_row_that_may_have_been_erased_does_not_come_out_of_quarantine(spark: SparkSession, lake: Path) -> None:
    begun(spark, lake, "id in (1, 2)")
    spark.sql(f"DELETE FROM delta.`{lake}/treated/t` WHERE note = 'note-4-n'")
    merged(spark, lake, [1], 1)
    with pytest.raises(LakenymError, match=r"1 were .*updated while they stood in quarantine: .*--mode full"):
        run(spark, lake, target=BY_KEY)
    deleted(spark, lake, [1])
    assert run(spark, lake, target=BY_KEY).quarantined == 0
    assert len(aside(spark, lake)) == 1


def test_rows_that_went_missing_in_quarantine_stop_changes(spark: SparkSession, lake: Path) -> None:
    begun(spark, lake, "id in (1, 2)")
    DeltaTable.forPath(spark, str(lake / "quarantine")).delete("number = 0")
    merged(spark, lake, [9], 1)
    with pytest.raises(LakenymError, match="with those in quarantine, and its source has 20"):
        run(spark, lake, target=BY_KEY)


# -- what ends in the middle ------------------------------------------------------------------------------------------

STEPS = {
    "nothing is written": ("jobs.table_run.reconciled", "moves", "after"),
    "rows are set aside": ("jobs.lake.quarantine_table", "append", "after"),
    "files are written": ("jobs.lake.delta_commit.replace_files", "committed", "before"),
    "it is committed": ("jobs.lake.delta_commit.replace_files", "committed", "after"),
    "rows are to be taken out": ("jobs.lake.quarantine_table", "remove_rows", "before"),
    "rows are taken out": ("jobs.lake.quarantine_table", "remove_rows", "after"),
}
"""What a run has done when it dies: the three last ones have committed."""


@pytest.mark.sweep
@pytest.mark.parametrize("step", STEPS)
def test_killed_and_run_again(spark: SparkSession, lake: Path, step: str) -> None:
    """The target is as before or as it should be; run again, it is as if the run had not been broken."""
    begun(spark, lake, "id in (1, 2, 3)")
    merged(spark, lake, [1, 4, 5, 30], 1, bad=[5])
    deleted(spark, lake, [2, 6])
    killed(lake, *STEPS[step])
    is_there = [*STEPS].index(step) > 2
    assert len(growing.told(spark, lake)) == 1 + is_there
    assert (lakes.treated(spark, lake).where("note LIKE '%-1'").count() > 0) == is_there
    again = run(spark, lake, target=BY_KEY)
    assert again.version == 1
    changed = None if is_there else {"inserted": 2, "updated": 1, "deleted": 2, "stale": 0}
    assert (again.changed, again.quarantined) == (changed, 0 if is_there else 1)
    assert lakes.treated(spark, lake).count() == 17
    check_as_in_full(spark, lake, target=BY_KEY)
