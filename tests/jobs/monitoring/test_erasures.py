"""What of erasures wants somebody: each rule, by what the audit log says."""

from __future__ import annotations

import datetime
import types
from typing import Any

import pytest

from jobs.audit_log import erasure_rows
from jobs.audit_log.erasure_rows import BEGAN, DONE, FAILED, OFF_BEGAN, OFF_LIST, WAITS, Stands
from jobs.audit_log.leaves import Leaf
from jobs.monitoring import erasures

NOW = datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.timezone.utc)
TODAY = NOW.date()
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("outcome", "began", "until", "by_hand", "expected"),
    [
        (BEGAN, "2026-11-28T11:30:00.000000Z", None, False, []),
        (BEGAN, "2026-11-28T10:30:00.000000Z", None, False, ["warn"]),
        (BEGAN, "2026-11-27T10:30:00.000000Z", None, False, ["alert"]),
        (FAILED, "2026-11-28T11:30:00.000000Z", None, False, ["alert"]),
        (WAITS, "2026-11-01T11:30:00.000000Z", TODAY + DAY, False, []),
        (WAITS, "2026-11-01T11:30:00.000000Z", TODAY, False, ["alert"]),
        (WAITS, "2026-11-01T11:30:00.000000Z", TODAY - DAY, True, ["alert", "warn"]),
        (WAITS, "2026-11-01T11:30:00.000000Z", None, True, ["warn"]),
        (DONE, "2026-01-01T11:30:00.000000Z", None, False, []),
    ],
)
def test_who_is_called(
    outcome: str, began: str, until: datetime.date | None, by_hand: bool, expected: list[str]
) -> None:
    stands = Stands("run-1", "customer", began, outcome, until, by_hand)
    found = list(erasures.of_one(stands, NOW))
    assert [each.level for each in found] == expected
    assert all("run-1" in each.message and each.what == "erasure" for each in found)


def row(at: int, outcome: str, same: str, **more: Any) -> Any:
    body = {"domain": "customer", "same": same, "sames": [same, f"old-{same}"], **more}
    return types.SimpleNamespace(
        time=f"2026-11-01T{at:02}:00:00.000000Z", run_id=f"run-{same}", outcome=outcome, body=body
    )


def test_nobody_is_told_to_erase_whom_the_list_let_go() -> None:
    """An erasure of those who were taken off it, under whichever version of the key; of others it is told that some
    were."""
    waits = [row(1, BEGAN, "a"), row(2, WAITS, "a", until="2026-11-08", remains=[{"until": "2026-11-08"}])]
    other = [row(1, BEGAN, "b"), row(2, WAITS, "b", until="2026-11-08", remains=[{"until": "2026-11-08"}])]
    began, off = row(3, OFF_BEGAN, "x", sames=None), row(4, OFF_LIST, "x", sames=["new-a", "old-a", "a"])

    def told(rows: list[Leaf]) -> list[str]:
        return [str(found.to_do) for each in erasure_rows.standing(rows) for found in erasures.of_one(each, NOW)]

    assert told(waits) == [erasures.AGAIN]
    assert told([*waits, began]) == [erasures.AGAIN], "nobody was taken off yet"
    assert told([*waits, began, off]) == []
    assert [run for run, _ in erasure_rows.let_go([*waits, *other, began, off])] == ["run-x"]
    ((_, left_open),) = erasure_rows.let_go([*waits, began, off])
    for day, told_then in (("2026-11-07", 0), ("2026-11-08", 1), ("2026-12-08", 1), ("2026-12-09", 0)):
        on = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        assert len([*erasures.of_let_go(left_open, on)]) == told_then, day
    assert not erasure_rows.let_go([*waits, began, off, row(5, BEGAN, "a")]), "an erasure anew sees to it"
    done = [row(1, BEGAN, "a"), row(2, DONE, "a")]
    assert not erasure_rows.let_go([*done, began, off]), "nothing was left"
    anew = [row(4, BEGAN, "a"), row(5, WAITS, "a", until="2026-11-08", remains=[{"until": "2026-11-08"}])]
    assert told([*waits, began, *anew, off]) == [erasures.AGAIN], "who is erased meanwhile is not let go"
    (left,) = told([*waits, *other, began, off])
    assert "without the ids that were taken off the list of the erased since 2026-11-01T04:00Z" in left
    assert told([*waits, off, row(5, BEGAN, "a"), row(6, FAILED, "a")]) == [erasures.AGAIN], "who is erased anew is"
