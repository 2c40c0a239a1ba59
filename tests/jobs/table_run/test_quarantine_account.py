"""What stands in quarantine run after run: no share of a table gets lost, and nothing of failed ones stays."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from delta.exceptions import ProtocolChangedException
from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.models import Execution
from jobs.console.exit_codes import Refused
from jobs.lake import quarantine_table
from jobs.lake.address import Address
from jobs.lake.problems import CommitConflict
from jobs.named_keys import key_use
from jobs.run_events.events import Event, Warned
from jobs.spark_app import session
from jobs.table_run import aside as set_aside
from jobs.table_run import commits
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, lakes
from tests.helpers.growing import PATHS
from tests.helpers.quarantines import NULLED, aside, ids, put, rows, run
from tests.helpers.sweeps import but_for

GROWS = {"mode": "incremental"}
BAD = "id in (101, 102, 103, 104, 106, 110, 111, 113, 114, 115, 120, 121, 122, 123, 124)"
"""Five of each ten."""

# -- how many ---------------------------------------------------------------------------------------------------------


def test_few_rows_of_each_batch_of_a_stream_are_no_matter_of_course(spark: SparkSession, lake: Path) -> None:
    """Ten may be set aside whatever share of a batch they are, but not again and again; and each batch tells of its."""
    target = {"mode": "stream"}
    put(rows(spark, 0, 100), lake)
    run(spark, lake, target=target, quarantine={"at_most": 0.1})
    for start in (100, 110, 120):
        put(rows(spark, start, start + 10, BAD).coalesce(1), lake)
    events: list[Event] = []
    with pytest.raises(LakenymError) as caught:
        run(spark, lake, target=target, files_per_batch=1, quarantine={"at_most": 0.1}, report=events.append)
    told = "t: 5 rows are refused (5 by truncate_ip of ip) beside 10 of earlier runs in quarantine, of 130 in all, and "
    told += "quarantine.at_most (0.1) lets 13 stand there: mend the rules and treat them again with --requeue, or raise"
    assert told in str(caught.value), "of 110 rows of the target, 10 in quarantine and 10 that are new"
    first = "5 of 10 rows were refused and stand in quarantine"
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert warned == [first, f"{first}, beside 5 of earlier runs"]
    assert (len(aside(spark, lake)), lakes.treated(spark, lake).count()) == (10, 110), "no batch before is lost"


@pytest.mark.sweep
def test_rows_that_are_replaced_count_once(spark: SparkSession, lake: Path) -> None:
    target = {"mode": "partitions", "partition_by": ["day"]}
    put(rows(spark, 0, 30, "id % 3 = 0 or id = 1"), lake, partition="day")
    assert run(spark, lake, target=target, mode="full").quarantined == 9
    put(rows(spark, 0, 30, "id % 3 = 0 or id in (1, 2, 5)"), lake, mode="overwrite", partition="day")
    with pytest.raises(LakenymError, match=r"beside 9 of earlier runs in quarantine, of 30 in all, .* lets 10 stand"):
        run(spark, lake, target=target, where="day = 2", quarantine={"at_most": 0.35})
    assert len(aside(spark, lake)) == 9
    assert run(spark, lake, target=target, where="day = 2", quarantine={"at_most": 0.37}).quarantined == 2, "11 of 30"


def test_more_runs_than_a_commit_names_stop_and_forget_nothing(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside, "MOST_RUNS", 2)
    for start in (0, 10):
        put(rows(spark, start, start + 10, f"id = {start + 1}"), lake)
        run(spark, lake, target=GROWS)
    put(rows(spark, 20, 30, "id = 22"), lake)
    with pytest.raises(LakenymError, match=r"rows of 2 runs stand in quarantine.*--requeue, or .*--mode full"):
        run(spark, lake, target=GROWS)
    assert (len(aside(spark, lake)), lakes.treated(spark, lake).count()) == (2, 18)
    assert len(growing.told(spark, lake)[-1]["quarantine"]["runs"]) == 2


# -- runs that fail ---------------------------------------------------------------------------------------------------

RISK: dict[str, Any] = {
    "risk": {"k": 2},
    "subject": "id",
    "columns": {"seen[].ip": lakes.column({"technique": "truncate_ip"}, "non_personal")},
}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_what_a_refused_run_has_set_aside_is_taken_away_at_once(
    spark: SparkSession, lake: Path, execution: Execution
) -> None:
    """Of a table that there is none of yet, and of one that there is; what earlier runs set aside stays."""
    put(rows(spark, 0, 20, "id = 3"), lake)
    with pytest.raises(Refused, match="k is 1, and 2 is asked"):
        run(spark, lake, execution, target=GROWS, **RISK)
    assert aside(spark, lake) == []
    first = run(spark, lake, execution, target=GROWS, columns=RISK["columns"], subject="id")
    put(rows(spark, 20, 40, "id = 22"), lake)
    with pytest.raises(Refused, match="k is 1, and 2 is asked"):
        run(spark, lake, execution, target=GROWS, **RISK)
    assert [row["run_id"] for row in aside(spark, lake)] == [first.run_id]


@pytest.mark.sweep
def test_what_cannot_be_taken_away_hides_no_error(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    monkeypatch.setattr(quarantine_table, "remove_runs", lambda *_: 1 / 0)
    events: list[Event] = []
    with pytest.raises(Refused, match="k is 1, and 2 is asked"):
        run(spark, lake, target=GROWS, report=events.append, **RISK)
    assert "were not taken away; the next run does it" in str(events[-1])
    (orphan,) = aside(spark, lake)
    monkeypatch.undo()
    again = run(spark, lake, target=GROWS, columns=RISK["columns"], subject="id")
    assert [row["run_id"] for row in aside(spark, lake)] == [again.run_id] != [orphan["run_id"]]


@pytest.mark.sweep
def test_what_counts_after_all_is_not_taken_away(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store may report a conflict with the very commit that it took."""
    committed = commits.committed

    def taken(*given: Any) -> Any:
        committed(*given)
        raise CommitConflict("the store says so")

    put(rows(spark, 0, 20, "id = 3"), lake)
    monkeypatch.setattr(commits, "committed", taken)
    with pytest.raises(CommitConflict, match="the store says so"):
        run(spark, lake, target=GROWS)
    monkeypatch.undo()
    assert len(aside(spark, lake)) == growing.told(spark, lake)[-1]["quarantined"] == 1
    assert run(spark, lake, target=GROWS, requeue=True, columns=NULLED).rows == 1
    assert ids(spark, lake) == sorted(f"note-{at}-n" for at in range(20))


# -- names and places -------------------------------------------------------------------------------------------------


def test_a_table_that_is_called_otherwise_loses_no_row(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    run(spark, lake, target=GROWS)
    (row,) = aside(spark, lake)
    put(rows(spark, 20, 30, "id = 22"), lake)
    for flags in ({}, {"requeue": True}):
        with pytest.raises(LakenymError, match="stand in quarantine as those of table t: call the entry so"):
            run(spark, lake, name="u", target=GROWS, **flags)
    assert key_use.lookup(config.load(lake / "conf"))(row["key_id"]) == ["u"], "its key is needed all the same"
    full = run(spark, lake, name="u", mode="full")
    assert [(row["table"], row["run_id"]) for row in aside(spark, lake)] == [("u", full.run_id)] * 2
    assert run(spark, lake, name="u", target=GROWS, requeue=True, columns=NULLED).rows == 2
    assert run(spark, lake, target=GROWS, columns=NULLED).execution == "none", "with none there any name is fine"


def test_who_makes_the_quarantine_at_the_same_time_goes_on(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As processes do, of which none waits for another."""
    monkeypatch.setattr(quarantine_table, "MAKING", contextlib.nullcontext())
    address, starts = Address(path=str(tmp_path / "quarantine")), threading.Barrier(3)
    row = dict.fromkeys(quarantine_table.SCHEMA.names)

    def append(run_id: str) -> int:
        own = session.pinned(spark)
        starts.wait()
        return quarantine_table.append(own, address, [{**row, "table": "t", "run_id": run_id}], run_id)

    with ThreadPoolExecutor(3) as pool:
        versions = [*pool.map(append, "abc")]
    assert sorted(versions) == [1, 2, 3]
    assert sorted(row["run_id"] for row in address.read(spark).collect()) == ["a", "b", "c"]


def test_a_quarantine_that_others_never_leave_alone_is_named(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the target that was changed, so nobody looks there."""

    def beaten(*_: Any) -> None:
        raise ProtocolChangedException("[DELTA_PROTOCOL_CHANGED] by others")

    put(rows(spark, 0, 20, "id = 3"), lake)
    monkeypatch.setattr(quarantine_table, "_make", beaten)
    with pytest.raises(CommitConflict, match=r"others changed the quarantine delta\.`.*/quarantine` each of 5 times"):
        run(spark, lake)
    assert not (lake / "quarantine").exists()
