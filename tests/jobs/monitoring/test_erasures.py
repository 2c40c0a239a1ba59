"""What of erasures wants somebody: each rule, by what the audit log says."""

from __future__ import annotations

import datetime

import pytest

from jobs.audit_log.erasure_rows import BEGAN, DONE, FAILED, WAITS, Stands
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
