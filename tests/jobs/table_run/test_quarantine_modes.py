"""Rows that are refused in runs that go on from what the target has: what stands in quarantine is kept account of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.models import Execution, Mode
from jobs.lake.problems import CommitConflict
from jobs.pseudonymize import Prepared
from jobs.spark_app import session
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, quarantines
from tests.helpers.growing import PATHS
from tests.helpers.quarantines import NULLED, aside, check_as_in_full, put, rows, run
from tests.helpers.sweeps import but_for

OTHERS: tuple[tuple[Mode, dict[str, Any]], ...] = (
    ("stream", {}),
    ("changes", {"key": ["id"]}),
    ("partitions", {"partition_by": ["day"]}),
)


@pytest.mark.parametrize(("mode", "target"), but_for(OTHERS[1:2], OTHERS))
def test_nothing_is_requeued_in_other_modes(
    spark: SparkSession, lake: Path, mode: Mode, target: dict[str, Any]
) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    run(spark, lake, target=target)
    where = {"where": "day = 1"} if mode == "partitions" else {}
    with pytest.raises(LakenymError, match=f"and the mode is {mode}: state --mode incremental"):
        run(spark, lake, target={**target, "mode": mode}, requeue=True, **where)
    with pytest.raises(LakenymError, match="--where belongs to mode: partitions"):
        run(spark, lake, target=target, requeue=True, where="day = 1")
    again = run(spark, lake, target={**target, "mode": mode}, mode="incremental", requeue=True, columns=NULLED)
    assert (again.rows, aside(spark, lake)) == (1, [])


# -- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_a_stream_sets_rows_aside_batch_by_batch(spark: SparkSession, lake: Path, execution: Execution) -> None:
    target = {"mode": "stream"}
    put(rows(spark, 0, 20, "id = 3"), lake)
    run(spark, lake, execution, target=target)
    for start, bad in ((20, "id in (22, 23)"), (30, "false"), (40, "id >= 40")):
        put(rows(spark, start, start + 10, bad).coalesce(1), lake)
    result = run(spark, lake, execution, target=target, files_per_batch=1, quarantine={"at_most": 1.0})
    assert (result.execution, result.mode, result.rows, result.quarantined) == (execution, "incremental", 20, 10)
    said = growing.told(spark, lake)
    assert [(each["rows"], each["quarantined"]) for each in said] == [(19, 1), (8, 2), (10, 0), (2, 8)]
    assert list(said[-1]["quarantine"]["runs"].values()) == [1, 2, 8], "of ids that divide by 7 the value is null"
    assert run(spark, lake, target=target).execution == "none"
    check_as_in_full(spark, lake, target=target)


# -- partitions -------------------------------------------------------------------------------------------------------

BY_DAY = {"mode": "partitions", "partition_by": ["day"]}


def partitions(spark: SparkSession, lake: Path, bad: str) -> None:
    put(rows(spark, 0, 30, bad), lake, mode="overwrite", partition="day")


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_rows_of_replaced_partitions_are_replaced_in_quarantine(
    spark: SparkSession, lake: Path, execution: Execution
) -> None:
    partitions(spark, lake, "id in (3, 4, 5, 10, 13)")
    first = run(spark, lake, execution, target=BY_DAY, mode="full")
    partitions(spark, lake, "id in (5, 9, 13, 16)")
    second = run(spark, lake, execution, target=BY_DAY, where="day = 1")
    assert (second.execution, second.mode, second.rows, second.quarantined) == (execution, "partitions", 8, 2)
    assert growing.told(spark, lake)[-1]["quarantine"]["runs"] == {first.run_id: 2, second.run_id: 2}
    assert [row["run_id"] for row in aside(spark, lake)].count(second.run_id) == 2
    assert len(aside(spark, lake)) == 4
    third = run(spark, lake, execution, target=BY_DAY, where="day = 0", on_refused="quarantine")
    assert (third.rows, third.quarantined) == (9, 1), "9 is refused now, and 3 no longer"
    check_as_in_full(spark, lake, target=BY_DAY)


def held(spark: SparkSession, lake: Path, where: str) -> tuple[SparkSession, Prepared]:
    own, conf = session.for_run(spark), quarantines.configured(lake, target=BY_DAY)
    return own, pseudonymize.prepare(own, config.in_partitions(conf, where), "t")


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_who_sets_rows_aside_is_alone(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Each commit says what stands in quarantine, so two of them must see each other; others go side by side, and take
    nothing away from one at work."""
    partitions(spark, lake, "false")
    run(spark, lake, execution, target=BY_DAY, mode="full")
    partitions(spark, lake, "id in (4, 5)")
    early, clean, late, clean_late = (held(spark, lake, f"day = {day}") for day in (1, 0, 2, 0))
    assert pseudonymize.execute(*clean).quarantined == 0
    with pytest.raises(CommitConflict):
        pseudonymize.execute(*early)
    assert aside(spark, lake) == [], "it was put there, and taken away at once"
    assert run(spark, lake, target=BY_DAY, where="day = 1").quarantined == 1
    for beaten in (late, clean_late):
        with pytest.raises(CommitConflict):
            pseudonymize.execute(*beaten)
    again, beside = held(spark, lake, "day = 1"), held(spark, lake, "day = 2")
    assert pseudonymize.execute(*beside).quarantined == 1
    with pytest.raises(CommitConflict):
        pseudonymize.execute(*again)
    run(spark, lake, target=BY_DAY, where="day = 1")
    assert len(aside(spark, lake)) == 2
    check_as_in_full(spark, lake, target=BY_DAY)


# -- several targets --------------------------------------------------------------------------------------------------


def test_targets_of_one_name_share_a_quarantine(spark: SparkSession, lake: Path, tmp_path_factory: Any) -> None:
    other = tmp_path_factory.mktemp("other")
    shared = {"quarantine": {"path": str(lake / "quarantine")}}
    for each in (lake, other):
        put(rows(spark, 0, 20, "id = 3"), each)
    firsts = [run(spark, each, **shared).run_id for each in (lake, other)]
    assert {row["run_id"] for row in aside(spark, lake)} == {*firsts}
    again = run(spark, other, **shared)
    assert {row["run_id"] for row in aside(spark, lake)} == {firsts[0], again.run_id}
    assert run(spark, lake, requeue=True, columns=NULLED, **shared).rows == 1
    assert {row["run_id"] for row in aside(spark, lake)} == {again.run_id}
