"""Units of the proleptic Gregorian calendar, years 0001 to 9999, and their first instants in a time zone.

Time zones come from `zoneinfo`, not from Arrow's compute functions: those ignore the rules that hold after the last
listed transition (pyarrow 26 is an hour off in the summers after 2037). `zoneinfo` is asked once per unit that
occurs, never per value.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Unit = Literal["year", "quarter", "month", "week", "decade"]
Int64s = npt.NDArray[np.int64]

FIRST_DAY = -719_162  # 0001-01-01, in days since 1970-01-01
LAST_DAY = 2_932_896  # 9999-12-31
DAY = 86_400_000_000  # microseconds
_EPOCH = datetime.date(1970, 1, 1)
_SECOND = datetime.timedelta(seconds=1)


def in_calendar(days: Int64s) -> npt.NDArray[np.bool_]:
    """Which days lie in the years 0001 to 9999."""
    return (days >= FIRST_DAY) & (days <= LAST_DAY)


def day_number(day: datetime.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def unit_starts(days: Int64s, unit: Unit) -> Int64s:
    """The first day of the unit that each day is in; days since 1970-01-01, in and out.

    Weeks begin on Monday (ISO 8601); a decade at a year that ends in 0, but the first one with the calendar.
    """
    dates = pa.array(days.astype(np.int32)).view(pa.date32())
    if unit == "decade":
        floors = pc.floor_temporal(dates, 10, "year")  # counted from 1970
    else:
        floors = pc.floor_temporal(dates, unit=unit, week_starts_monday=True)
    starts: Int64s = np.maximum(floors.view(pa.int32()).to_numpy().astype(np.int64), FIRST_DAY)
    return starts


def unit_first_instants(instants: Int64s, unit: Unit, zone: str) -> Int64s:
    """The first instant of the unit that each instant is in, by the clocks of ``zone``. Microseconds since 1970 UTC.

    A unit lasts from its first instant to that of the next. An offset is under a day, so that the unit is one of
    those that the UTC day before, the same, and the one after are in.
    """
    days = pc.unique(pa.array(instants // DAY)).to_numpy()
    near = np.clip(np.concatenate([days - 1, days, days + 1]), FIRST_DAY, LAST_DAY)
    starts = np.array([first_instant(zone, int(day)) for day in np.unique(unit_starts(near, unit))], np.int64)
    return starts[np.searchsorted(starts, instants, side="right") - 1] if len(starts) else instants


@lru_cache(maxsize=1 << 16)
def first_instant(zone: str, day: int) -> int:
    """The first instant of a day by the clocks of ``zone``, in microseconds since 1970 UTC.

    Where midnight comes twice the first counts; where it is skipped, the instant at which the clocks went forward.
    The first day of the calendar begins in every zone with the first instant that can be told, 0001-01-01 UTC.
    """
    if day == FIRST_DAY:
        return FIRST_DAY * DAY
    midnight = datetime.datetime.combine(_EPOCH + datetime.timedelta(days=day), datetime.time())
    clocks = ZoneInfo(zone)
    before, after = (_offset(clocks, midnight, fold) for fold in (0, 1))
    second = day * 86_400 - before
    if after > before:  # skipped: PEP 495 reads fold 0 with the offset before the gap, fold 1 with the one after it
        second = _first_second_at(clocks, midnight, day * 86_400 - after, second)
    return second * 1_000_000


def _offset(clocks: ZoneInfo, midnight: datetime.datetime, fold: int) -> int:
    offset = clocks.utcoffset(midnight.replace(fold=fold))
    assert offset is not None
    return offset // _SECOND


def _first_second_at(clocks: ZoneInfo, midnight: datetime.datetime, low: int, high: int) -> int:
    """The first UTC second after ``low``, up to ``high``, at which the clocks show ``midnight`` or later."""
    start = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    while high - low > 1:
        middle = (low + high) // 2
        shown = (start + datetime.timedelta(seconds=middle)).astimezone(clocks).replace(tzinfo=None)
        low, high = (low, middle) if shown >= midnight else (middle, high)
    return high
