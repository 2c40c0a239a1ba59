"""Units of the proleptic Gregorian calendar, years 0001 to 9999, and their first instants in a time zone.

Time zones come from `zoneinfo`, not from Arrow's compute functions: those ignore the rules that hold after the last
listed transition (pyarrow 26 is an hour off in the summers after 2037). `zoneinfo` is asked once per unit that
occurs, never per value.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Unit = Literal["year", "quarter", "month", "week", "decade", "century", "millennium", "day", "hour", "minute", "second"]
Int64s = npt.NDArray[np.int64]

FIRST_DAY = -719_162  # 0001-01-01, in days since 1970-01-01
LAST_DAY = 2_932_896  # 9999-12-31
DAY = 86_400_000_000  # microseconds
TICKS: Mapping[Unit, int] = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}
"""Units of a clock, in microseconds."""
_YEARS: Mapping[Unit, tuple[int, int]] = {"decade": (10, 0), "century": (100, 1), "millennium": (1000, 1)}
"""Units of several years: how many, and the remainder of the year in which each begins."""
_EPOCH = datetime.date(1970, 1, 1)
_UTC_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_SECOND = datetime.timedelta(seconds=1)


def in_calendar(days: Int64s) -> npt.NDArray[np.bool_]:
    """Which days lie in the years 0001 to 9999."""
    return (days >= FIRST_DAY) & (days <= LAST_DAY)


def day_number(day: datetime.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def unit_starts(days: Int64s, unit: Unit) -> Int64s:
    """The first day of the unit that each day is in; days since 1970-01-01, in and out.

    Weeks begin on Monday (ISO 8601); a decade at a year that ends in 0, but the first one with the calendar; a century
    and a millennium at one that ends in 01 and 001 (2001), as PostgreSQL's ``date_trunc`` has them. Of a unit of the
    clock it is the day itself.
    """
    if unit == "day" or unit in TICKS:
        return days
    dates = pa.array(days.astype(np.int32)).view(pa.date32())
    if unit in _YEARS:
        return np.maximum(_years_floored(dates, *_YEARS[unit]), FIRST_DAY)
    floors = pc.floor_temporal(dates, unit=unit, week_starts_monday=True)
    starts: Int64s = np.maximum(floors.view(pa.int32()).to_numpy().astype(np.int64), FIRST_DAY)
    return starts


def _years_floored(dates: pa.Array, many: int, first: int) -> Int64s:
    years = pc.year(dates).to_numpy()
    begins = (years - first) // many * many + first
    days: Int64s = (begins - 1970).astype("M8[Y]").astype("M8[D]").astype(np.int64)
    return days


def clock_starts(instants: Int64s, unit: Unit, zone: str) -> Int64s:
    """The beginning of the second, minute or hour that each instant is in, by the clocks of ``zone``. Microseconds.

    Counted in the offset from UTC that is in force at the instant: an hour that comes twice when clocks go back is two.
    One in which clocks are changed is cut there: its second part begins at the change.
    """
    offsets, changes = _offsets(instants, zone)
    starts = (instants + offsets) // TICKS[unit] * TICKS[unit] - offsets
    result: Int64s = np.maximum(np.maximum(starts, changes), FIRST_DAY * DAY)
    return result


def _offsets(instants: Int64s, zone: str) -> tuple[Int64s, Int64s]:
    """The offset from UTC at each instant, and when the clocks were last changed if that was under an hour before, else
    a time long ago. `zoneinfo` is asked once per day of UTC that occurs, and per hour where clocks change on it."""
    days = pa.array(instants // DAY).dictionary_encode()
    of_day = np.array([_day(zone, day) for day in days.dictionary.to_pylist()], np.int64)
    offsets: Int64s = of_day[days.indices.to_numpy()]
    changes = np.full(len(instants), -_NEVER)
    varies = offsets == _NEVER
    if varies.any():
        offsets[varies], changes[varies] = _offsets_by_hour(instants[varies], zone)
    return offsets, changes


def _offsets_by_hour(instants: Int64s, zone: str) -> tuple[Int64s, Int64s]:
    hours = pa.array(instants // TICKS["hour"]).dictionary_encode()
    table = np.array([_hour(zone, hour) for hour in hours.dictionary.to_pylist()], np.int64)
    before, change, after, earlier = table[hours.indices.to_numpy()].T
    changed = instants >= change
    return np.where(changed, after, before), np.where(changed, change, earlier)


@lru_cache(maxsize=1 << 16)
def _day(zone: str, day: int) -> int:
    """The one offset of a day of UTC and of the hour before it, in microseconds; `_NEVER` where clocks are changed."""
    offsets = {_offset_at(zone, 86_400 * day + 3600 * hour) for hour in (-1, 0, 6, 12, 18, 24)}
    return offsets.pop() * 1_000_000 if len(offsets) == 1 else _NEVER


@lru_cache(maxsize=1 << 16)
def _hour(zone: str, hour: int) -> tuple[int, int, int, int]:
    """Of an hour of UTC: the offset at its start, when in it clocks are changed, the offset after that, and when they
    were changed in the hour before. Microseconds; far away where they were not."""
    before, after = (_offset_at(zone, 3600 * at) for at in (hour, hour + 1))
    change = _NEVER if before == after else _change(zone, 3600 * hour, 3600 * (hour + 1), before)
    at_start = _offset_at(zone, 3600 * (hour - 1))
    earlier = -_NEVER if at_start == before else _change(zone, 3600 * (hour - 1), 3600 * hour, at_start)
    return before * 1_000_000, change, after * 1_000_000, earlier


_NEVER = 1 << 62
_FIRST_SECOND, _LAST_SECOND = (FIRST_DAY + 1) * 86_400, (LAST_DAY - 1) * 86_400


@lru_cache(maxsize=1 << 16)
def _offset_at(zone: str, second: int) -> int:
    """The offset from UTC in force at a second since 1970, in seconds; that of the next or last but one day at the very
    ends of the calendar, where clocks of some zones show no year."""
    utc = _UTC_EPOCH + datetime.timedelta(seconds=min(max(second, _FIRST_SECOND), _LAST_SECOND))
    offset = utc.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset // _SECOND


def _change(zone: str, low: int, high: int, offset: int) -> int:
    """The first second after ``low``, up to ``high``, at which another offset is in force; in microseconds."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_at(zone, middle) == offset else (low, middle)
    return high * 1_000_000


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
    while high - low > 1:
        middle = (low + high) // 2
        shown = (_UTC_EPOCH + datetime.timedelta(seconds=middle)).astimezone(clocks).replace(tzinfo=None)
        low, high = (low, middle) if shown >= midnight else (middle, high)
    return high
