"""What of the log counts under a key, when clocks of those who wrote it went wrong; counted by hand."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jobs.audit_log import limits, uses
from jobs.audit_log.leaves import Kind, Leaf, MalformedLeaf, is_time, text_of
from jobs.audit_log.limits import LimitReached
from jobs.audit_log.log import Log, LogProblem
from jobs.audit_log.uses import Use
from jobs.configuration.limits_entry import Limits
from jobs.lake import audit_table
from jobs.lake.audit_table import INDEX, LEAF

DAY = "2026-11-28T"
NOW = f"{DAY}12:00:00.000000Z"


def at(clock: str) -> str:
    return clock if "T" in clock else f"{DAY}{clock}:00.000000Z"


def leaf(kind: str, clock: str, run_id: str = "r", **body: Any) -> Leaf:
    given = {"key": "crm", "key_id": 7, **body} if kind.startswith("key_") else body
    return Leaf(cast(Kind, kind), at(clock), "a", "s", "t", run_id, "", given)


def test_of_a_run_the_rows_count_that_it_treated() -> None:
    told = [
        leaf("run_started", "11:30"),
        leaf("key_use", "11:30", rows=9),
        leaf("key_use", "11:30", key="aside", **{"for": [["quarantine", "x"]]}),
        leaf("key_use", "11:30", "moved", mode="rotation", **{"for": [["deterministic_encryption", "x"]]}),
        leaf("key_rows", "11:40", rows=5),
        leaf("run_committed", "11:41"),
    ]
    assert uses.of_leaves(told, NOW) == [Use("r", "crm", 7, at("11:30"), 5, at("11:40"))]
    assert uses.of_leaves(told[:4], NOW) == [Use("r", "crm", 7, at("11:30"), 9, at("11:30"))], "it is at work"
    failed = [*told[:4], leaf("run_failed", "11:35")]
    assert uses.of_leaves(failed, NOW) == [Use("r", "crm", 7, at("11:30"))], "it said itself that nothing is there"
    killed = [*told[:4], leaf("run_failed", "11:50", told_by="others")]
    assert uses.of_leaves(killed, NOW)[0].rows == 9, "its files may be there"


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (["11:00", "11:30"], ["11:00", "11:30"]),
        (["11:00", "09:00"], ["11:00", "11:00"]),  # a clock that is slow, or was put back
        (["09:00", "11:00"], ["09:00", "11:00"]),
        (["13:00", "11:00"], ["11:00", "11:00"]),  # ahead: told before the row after it
        (["13:00", "09:00"], ["09:00", "09:00"]),
        (["11:00", "13:00", "09:00"], ["11:00", "11:00", "11:00"]),
        (["11:00", "13:00"], ["11:00", "12:00"]),  # ahead, and nothing after it: now
        (["2999-01-01T00:00:00.000000Z", "11:00", "11:10"], ["11:00", "11:00", "11:10"]),
    ],
)
def test_a_row_counts_where_it_stands_whatever_clock_dated_it(clocks: list[str], expected: list[str]) -> None:
    told = [leaf("key_rows", clock, run_id=str(number), rows=1) for number, clock in enumerate(clocks)]
    assert [use.rows_at for use in uses.of_leaves(told, NOW)] == [at(each) for each in expected]


def test_what_is_counted_leaves_the_span_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)

    def ago(minutes: float) -> str:
        return text_of(now - datetime.timedelta(minutes=minutes))

    told = [
        leaf("key_use", ago(61)),
        leaf("key_rows", ago(59), rows=4),
        leaf("key_use", ago(30), "s", key="renamed"),
        leaf("key_rows", ago(29), "s", key="renamed", rows=3),
        leaf("key_use", ago(20), "u", key="other", key_id=8, rows=90),
    ]
    stated = Limits.model_validate({"keys": {"crm": {"rows_per_hour": 8, "runs_per_hour": 2, "runs_per_day": 2}}})
    monkeypatch.setattr(audit_table, "rows_since", lambda *_: _rows(told))
    rooms = limits.rooms(cast(Log, SimpleNamespace(spark=None, address=None)), stated, {"crm": 7, "other": 8})
    assert [(room.name, room.used, room.left) for room in rooms] == [
        ("rows_per_hour", 7, 1),
        ("runs_per_hour", 1, 1),
        ("runs_per_day", 2, 0),
    ]
    log = cast(Log, SimpleNamespace(spark=None, address=None))
    with pytest.raises(LimitReached) as caught:
        limits.check_rows(log, stated, {"crm": 7}, {"crm": 2}, "mine")
    until = now + datetime.timedelta(minutes=1, seconds=1)
    assert str(caught.value) == (
        "key crm: policy.yaml, limits: rows_per_hour is 8, and 7 were counted within the last hour; this run is 2 "
        f"more: run it again from {until:%Y-%m-%d %H:%M:%S} UTC on, or raise the limit"
    )
    limits.check_rows(log, stated, {"crm": 7}, {"crm": 1}, "mine")
    limits.check_rows(log, stated, {"crm": 7}, {"crm": 4}, "s")  # its own are not counted twice
    limits.check_start(log, stated, {"other": 8}, 10**9)


def _rows(told: list[Leaf]) -> list[dict[str, Any]]:
    return [{INDEX: number, **each.derived, LEAF: each.text()} for number, each in enumerate(told, 3)]


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        (INDEX, None, LogProblem),
        (INDEX, 9, LogProblem),
        ("kind", "erasure", LogProblem),
        ("time", None, LogProblem),
        ("time", at("11:59"), LogProblem),
        ("actor", "else", LogProblem),
        (LEAF, None, MalformedLeaf),
        (LEAF, leaf("key_rows", "11:00", rows=-1).text(), MalformedLeaf),
        (LEAF, leaf("key_rows", "11:00", rows=None).text(), MalformedLeaf),
        (LEAF, leaf("key_rows", "11:00", key=3, rows=3).text(), MalformedLeaf),
    ],
)
def test_nobody_counts_by_rows_that_no_run_wrote(
    monkeypatch: pytest.MonkeyPatch, column: str, value: Any, error: type[Exception]
) -> None:
    told = _rows([leaf("key_rows", "11:00", rows=1), leaf("key_rows", "11:00", rows=1), leaf("run_failed", "11:01")])
    told[1][column] = value
    monkeypatch.setattr(audit_table, "rows_since", lambda *_: told)
    with pytest.raises(error, match=r"see jobs/audit\.py verify"):
        uses.since(cast(Log, SimpleNamespace(spark=None, address=None)), at("11:00"), NOW)


def test_a_time_has_one_spelling() -> None:
    assert is_time(NOW)
    for odd in (
        "soon",
        "",
        "2026-11-28",
        NOW.replace("Z", "+00:00"),
        NOW.replace("T12", "T24"),
        f" {NOW}",
        "٢" + NOW[1:],
    ):
        assert not is_time(odd)
