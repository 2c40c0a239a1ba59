"""Targets that others changed, before a run that follows changes or meanwhile, or that cannot take single rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.lake.problems import CommitConflict
from jobs.spark_app import session
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, lakes
from tests.helpers.changing import COLUMNS, TARGET, check_as_in_full, deleted, made, names, put, run, source
from tests.helpers.sweeps import but_for


def conf(lake: Path) -> Any:
    entry = lakes.table("t", lake, COLUMNS)
    entry["source"]["format"] = "delta"
    entry["target"] |= TARGET
    return lakes.configured(lake, entry)


def forgotten(spark: SparkSession, lake: Path) -> set[str]:
    """Delete one subject in the target; those that are left."""
    growing.delta(spark, lake / "treated" / "t").delete(f"id = '{min(names(spark, lake))}'")
    return names(spark, lake)


def test_an_update_does_not_bring_back_what_was_deleted(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    left = forgotten(spark, lake)
    put(spark, lake, range(10), 1)
    deleted(spark, lake, [9])
    changed = run(spark, lake).changed
    assert changed is not None
    assert changed["updated"] + changed["deleted"] + changed["stale"] == 10 - (changed["stale"] == 0)
    assert names(spark, lake) <= left
    put(spark, lake, [40], 1)
    assert run(spark, lake).changed == {"inserted": 1, "updated": 0, "deleted": 0, "stale": 0}
    put(spark, lake, range(8), 2)
    run(spark, lake)
    assert len(names(spark, lake) - left) == 1, "a row that is inserted comes"


@pytest.mark.sweep
def test_nothing_else_brings_back_what_was_deleted(spark: SparkSession, lake: Path) -> None:
    """Neither another key, nor a run in full, unless somebody accepts that."""
    made(spark, lake, range(10))
    run(spark, lake)
    forgotten(spark, lake)
    source(spark, lake).update("id = 'c2'", {"id": "'c99'"})
    with pytest.raises(LakenymError, match="nobody knows whether one of them is a deleted one"):
        run(spark, lake)
    anew: list[dict[str, Any]] = [{"mode": "full"}, {"retreat": True, "columns": {**COLUMNS, "note": "drop"}}]
    for heals in anew:
        with pytest.raises(LakenymError, match=r"version 1 \(DELETE, fewer than 10 rows\)\. Those that the source"):
            run(spark, lake, **heals)
    run(spark, lake, mode="full", accept_deleted_rows=True)
    put(spark, lake, [3], 3)
    assert run(spark, lake).mode == "changes"
    check_as_in_full(spark, lake)


@pytest.mark.sweep
def test_a_source_that_is_emptied_and_filled_again_does_not_bring_back_what_was_deleted(
    spark: SparkSession, lake: Path
) -> None:
    """In two commits: each row counts as deleted and as a new one."""
    made(spark, lake, range(10))
    run(spark, lake)
    source(spark, lake).delete()
    made(spark, lake, range(10))
    assert run(spark, lake).changed == {"inserted": 0, "updated": 10, "deleted": 0, "stale": 0}
    left = forgotten(spark, lake)
    source(spark, lake).delete()
    made(spark, lake, range(11))
    with pytest.raises(LakenymError, match=r"1 were deleted and inserted again in the source, .*--mode full"):
        run(spark, lake)
    assert names(spark, lake) == left


@pytest.mark.sweep
def test_a_row_that_the_target_lacks_stops(spark: SparkSession, lake: Path) -> None:
    """Nobody deleted it: what the last run left is not what its source had."""
    made(spark, lake, range(10))
    entry = {"entry": {"rows": "id <> 'c3'"}}
    run(spark, lake, **entry)
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))
    text = log[0].read_text()
    assert len([line for line in text.splitlines() if '"add"' in line]) > 1
    growing.delta(spark, lake / "treated" / "t").delete(f"id = '{min(names(spark, lake))}'")
    spark.sql(f"OPTIMIZE delta.`{lake}/treated/t`").collect()
    delete = log[0].parent / f"{1:020d}.json"
    delete.write_text(delete.read_text().replace('"dataChange":true', '"dataChange":false'))
    (log[0].parent / f".{delete.name}.crc").unlink(missing_ok=True)
    put(spark, lake, range(10), 1)
    with pytest.raises(LakenymError, match=r"lacks 1 rows that the source had in the last run.*--mode full"):
        run(spark, lake, **entry)


def test_a_target_that_others_changed_stops(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    put(spark, lake, [1], 1)
    run(spark, lake)
    put(spark, lake, [2], 1)
    target = growing.delta(spark, lake / "treated" / "t")
    target.restoreToVersion(0)
    with pytest.raises(LakenymError, match=r"RESTORE.* changed its rows since the last run.*--mode full"):
        run(spark, lake)


@pytest.mark.sweep
def test_rows_that_others_wrote_stop(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    put(spark, lake, [2], 1)
    target = growing.delta(spark, lake / "treated" / "t")
    target.update("day = date'2026-01-01'", {"note": "'x'"})
    with pytest.raises(LakenymError, match=r"changed its rows since the last run|rows that no run of this job wrote"):
        run(spark, lake)


@pytest.mark.sweep
def test_another_treatment_is_refused_or_all_are_treated_anew(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    put(spark, lake, [1], 1)
    other = {"columns": {**COLUMNS, "note": "drop"}}
    with pytest.raises(LakenymError, match=r"note \(technique.*--retreat"):
        run(spark, lake, **other)
    anew = run(spark, lake, retreat=True, **other)
    assert (anew.mode, anew.rows) == ("full", 10)
    put(spark, lake, [1], 2)
    assert run(spark, lake, retreat=True, **other).mode == "changes", "nothing differs any more"
    check_as_in_full(spark, lake, **other)


ALTERED = [
    ("SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')", "change data feed, whose readers would take"),
    ("SET TBLPROPERTIES ('delta.enableRowTracking' = 'true')", "row tracking, and rows that are copied"),
    ("ADD CONSTRAINT dated CHECK (day > date'2000-01-01')", "has constraints"),
]


@pytest.mark.parametrize(("statement", "why"), but_for(ALTERED[:1], ALTERED))
def test_targets_whose_rows_cannot_be_replaced_one_by_one(
    spark: SparkSession, lake: Path, statement: str, why: str
) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` {statement}")
    put(spark, lake, [1], 1)
    version = growing.delta(spark, lake / "treated" / "t").history(1).collect()[0]["version"]
    with pytest.raises(LakenymError, match=why):
        run(spark, lake)
    assert growing.delta(spark, lake / "treated" / "t").history(1).collect()[0]["version"] == version


@pytest.mark.sweep
def test_of_two_runs_at_once_one_changes(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    put(spark, lake, [1, 30], 1)
    own = session.for_run(spark)
    late = pseudonymize.prepare(own, conf(lake), "t")
    assert run(spark, lake).version == 1
    with pytest.raises(CommitConflict):
        pseudonymize.execute(own, late)
    assert run(spark, lake).execution == "none"
    check_as_in_full(spark, lake)


@pytest.mark.parametrize("others", but_for(["append"], ["append", "delete", "compact"]))
def test_what_another_program_does_meanwhile_is_a_conflict(spark: SparkSession, lake: Path, others: str) -> None:
    """Also a row that is only added: it could have a key that the run changes."""
    made(spark, lake, range(5))
    made(spark, lake, range(5, 10))
    run(spark, lake)
    put(spark, lake, [1], 1)
    own, place = session.for_run(spark), lake / "treated" / "t"
    late = pseudonymize.prepare(own, conf(lake), "t")
    if others == "append":
        lakes.treated(spark, lake).limit(1).write.format("delta").mode("append").save(str(place))
    elif others == "delete":
        growing.delta(spark, place).delete(f"id = '{max(names(spark, lake))}'")
    else:
        spark.sql(f"OPTIMIZE delta.`{place}`").collect()
    before = lakes.treated(spark, lake).count()
    with pytest.raises(CommitConflict):
        pseudonymize.execute(own, late)
    assert lakes.treated(spark, lake).count() == before


def test_a_run_that_fails_while_writing_leaves_the_table_as_it_was(spark: SparkSession, lake: Path) -> None:
    columns = {"columns": {**COLUMNS, "note": {"technique": "truncate_ip"}}}
    made(spark, lake, range(10))
    source(spark, lake).update(set={"note": "'10.1.2.3'"})
    run(spark, lake, **columns)
    put(spark, lake, [3], 1)
    with pytest.raises(LakenymError, match="note"):
        run(spark, lake, **columns)
    assert lakes.treated(spark, lake).count() == 10


@pytest.mark.sweep
def test_a_run_that_failed_while_writing_goes_on_once_it_is_mended(spark: SparkSession, lake: Path) -> None:
    columns = {"columns": {**COLUMNS, "note": {"technique": "truncate_ip"}}}
    made(spark, lake, range(10))
    source(spark, lake).update(set={"note": "'10.1.2.3'"})
    run(spark, lake, **columns)
    put(spark, lake, [3], 1)
    with pytest.raises(LakenymError, match="note"):
        run(spark, lake, **columns)
    source(spark, lake).update("id = 'c3'", {"note": "'10.9.9.9'"})
    assert run(spark, lake, **columns).changed == {"inserted": 0, "updated": 1, "deleted": 0, "stale": 0}
    check_as_in_full(spark, lake, **columns)
