"""Laws of `generalize_date`, against `datetime` and `zoneinfo`, one value at a time."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, settings
from hypothesis import given as given_within_a_deadline
from hypothesis import strategies as st

from privacy_udfs.errors import TypeRefused
from privacy_udfs.techniques.generalize_date import GeneralizeDate
from tests.helpers.technique_laws import given

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
DAYS = ["year", "quarter", "month", "week", "decade", "century", "millennium", "day"]
CLOCK = {"hour": 3600, "minute": 60, "second": 1}
UNITS = st.sampled_from(DAYS)
ZONES = st.sampled_from(
    [
        *("UTC", "Europe/Berlin", "America/St_Johns", "America/Sao_Paulo", "America/Havana", "Asia/Beirut"),
        *("Asia/Kolkata", "Asia/Amman", "Pacific/Apia", "Pacific/Kiritimati", "Australia/Lord_Howe"),
        "Africa/Casablanca",
    ]
)


def unit_start(day: dt.date, unit: str) -> dt.date:
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    if unit == "day":
        return day
    month = {"quarter": day.month - (day.month - 1) % 3, "month": day.month}.get(unit, 1)
    year = {"decade": max(1, day.year - day.year % 10), "century": (day.year + 99) // 100 * 100 - 99}.get(
        unit, day.year
    )
    return dt.date((day.year + 999) // 1000 * 1000 - 999 if unit == "millennium" else year, month, 1)


@given(UNITS, st.lists(st.none() | st.dates()))
@example("decade", [dt.date.min, dt.date(9, 12, 31), dt.date(10, 1, 1), dt.date.max])
@example("week", [dt.date.min, dt.date(1969, 12, 28), dt.date(2021, 1, 3), dt.date.max])
def test_dates_agree_with_datetime(unit: Any, days: list[dt.date | None]) -> None:
    got = GeneralizeDate(unit=unit).apply(pa.array(days, pa.date32())).values
    assert got.type == pa.date32()
    assert got.to_pylist() == [None if day is None else unit_start(day, unit) for day in days]


@pytest.mark.parametrize("unit", DAYS)
def test_every_day_of_the_calendar(unit: Any) -> None:
    ordinals = np.arange(1, dt.date.max.toordinal() + 1)
    days = pa.array((ordinals - EPOCH.toordinal()).astype(np.int32)).view(pa.date32())
    starts = GeneralizeDate(unit=unit).apply(days).values.view(pa.int32()).to_numpy() + EPOCH.toordinal()
    begins = all_beginnings(unit)
    assert np.array_equal(starts, np.array(begins)[np.searchsorted(begins, ordinals, side="right") - 1])


def all_beginnings(unit: str) -> list[int]:
    if unit == "week":
        assert dt.date.min.weekday() == 0
        return list(range(1, dt.date.max.toordinal() + 1, 7))
    if unit == "day":
        return list(range(1, dt.date.max.toordinal() + 1))
    many = {
        "century": range(1, 10_000, 100),
        "millennium": range(1, 10_000, 1000),
        "decade": [1, *range(10, 10_000, 10)],
    }
    years = many.get(unit, range(1, 10_000))
    months = {"quarter": (1, 4, 7, 10), "month": range(1, 13)}.get(unit, (1,))
    return [dt.date(year, month, 1).toordinal() for year in years for month in months]


@given(UNITS, st.lists(st.none() | st.datetimes()))
def test_timestamps_without_zone_agree_with_datetime(unit: Any, times: list[dt.datetime | None]) -> None:
    got = GeneralizeDate(unit=unit, timezone="Asia/Tokyo").apply(pa.array(times, pa.timestamp("us"))).values
    wanted = [None if t is None else dt.datetime.combine(unit_start(t.date(), unit), dt.time()) for t in times]
    assert got.to_pylist() == wanted


def first_instant(day: dt.date, zone: str) -> dt.datetime:
    """The first second at which clocks show ``day`` or later: found by walking through minutes, and back."""
    clocks = ZoneInfo(zone)
    instant = dt.datetime.combine(day, dt.time(), UTC) - dt.timedelta(hours=16)
    while instant.astimezone(clocks).date() < day:
        instant += dt.timedelta(minutes=1)
    while (instant - dt.timedelta(seconds=1)).astimezone(clocks).date() >= day:
        instant -= dt.timedelta(seconds=1)
    return instant


def zoned_start(instant: dt.datetime, unit: str, zone: str) -> dt.datetime:
    """The latest beginning of a unit that is not after ``instant``."""
    tomorrow = instant.astimezone(ZoneInfo(zone)).date() + dt.timedelta(days=1)
    day = unit_start(tomorrow, unit)
    while first_instant(day, zone) > instant:
        day = unit_start(day - dt.timedelta(days=1), unit)
    return first_instant(day, zone)


@given(UNITS, ZONES, st.lists(st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(9990, 1, 1)), max_size=5))
@example("month", "America/St_Johns", [dt.datetime(2009, 11, 1, 2, 30), dt.datetime(2009, 11, 1, 3, 20)])
@example("month", "America/Havana", [dt.datetime(2015, 11, 1, 3, 59), dt.datetime(2015, 11, 1, 5, 30)])
@example("month", "Asia/Beirut", [dt.datetime(1984, 4, 30, 21, 59, 59), dt.datetime(1984, 4, 30, 22)])
@example("month", "Europe/Berlin", [dt.datetime(2500, 6, 30, 21, 59, 59), dt.datetime(2500, 6, 30, 22)])
@example(
    "week", "America/Toronto", [dt.datetime(1919, 3, 31, 4, 29, 59), dt.datetime(1919, 3, 31, 4, 30)]
)  # 23:30 to 0:30
@example("week", "Pacific/Apia", [dt.datetime(2011, 12, 30, 9, 59), dt.datetime(2011, 12, 30, 10)])
def test_timestamps_with_zone_agree_with_zoneinfo(unit: Any, zone: str, times: list[dt.datetime]) -> None:
    instants = [t.replace(tzinfo=UTC) for t in times]
    values = pa.array(instants, pa.timestamp("us", "UTC"))
    got = GeneralizeDate(unit=unit, timezone=zone).apply(values).values
    assert got.to_pylist() == [zoned_start(instant, unit, zone) for instant in instants]
    shown = GeneralizeDate(unit=unit, timezone=zone).apply(values.cast(pa.timestamp("us", "Asia/Tokyo"))).values
    assert shown.cast(values.type).equals(got)


def offset_at(instant: dt.datetime, zone: str) -> dt.timedelta:
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset


def clock_start(instant: dt.datetime, unit: str, zone: str) -> dt.datetime:
    """Back from ``instant``, second by second, while clocks show the same unit and are not changed."""
    offset = offset_at(instant, zone)
    shown = int((instant - EPOCH + offset).total_seconds() // CLOCK[unit])
    start = instant.replace(microsecond=0)
    while offset_at(start - dt.timedelta(seconds=1), zone) == offset:
        if int((start - dt.timedelta(seconds=1) - EPOCH + offset).total_seconds() // CLOCK[unit]) != shown:
            break
        start -= dt.timedelta(seconds=1)
    return start


@settings(max_examples=30, deadline=None)
@given_within_a_deadline(
    st.sampled_from([*CLOCK]),
    ZONES,
    st.lists(st.datetimes(dt.datetime(1850, 1, 1), dt.datetime(9990, 1, 1)), max_size=2),
)
@example("hour", "Europe/Berlin", [dt.datetime(2024, 10, 27, hour, 30) for hour in (0, 1, 2)])
@example("hour", "Europe/Berlin", [dt.datetime(2500, 7, 1, 12, 30), dt.datetime(1893, 3, 31, 23, 6, 31)])
@example("hour", "Australia/Lord_Howe", [dt.datetime(2024, 4, 6, 15, 10), dt.datetime(2024, 4, 6, 15, 0)])
@example("hour", "Australia/Lord_Howe", [dt.datetime(2024, 10, 5, 15, 45), dt.datetime(2024, 10, 5, 16, 29, 59)])
@example("minute", "Africa/Monrovia", [dt.datetime(1972, 1, 7, 0, 44, 29), dt.datetime(1972, 1, 7, 0, 44, 30)])
@example("hour", "Asia/Kolkata", [dt.datetime(2024, 1, 1, 18, 29, 59), dt.datetime(2024, 1, 1, 18, 30)])
def test_clock_units_agree_with_zoneinfo(unit: Any, zone: str, times: list[dt.datetime]) -> None:
    instants = [t.replace(tzinfo=UTC) for t in times]
    technique = GeneralizeDate(unit=unit, timezone=zone)
    got = technique.apply(pa.array(instants, pa.timestamp("us", "UTC"))).values
    assert got.to_pylist() == [clock_start(instant, unit, zone) for instant in instants]
    assert technique.apply(got).values.equals(got)
    bare = technique.apply(pa.array(times, pa.timestamp("us"))).values
    assert bare.to_pylist() == [clock_start(instant, unit, "UTC").replace(tzinfo=None) for instant in instants]


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_clock_units_at_the_ends_of_the_calendar(zone: str) -> None:
    first, last = -719_162 * 86_400_000_000, 2_932_897 * 86_400_000_000 - 1
    values = pa.array([first, first + 1, last], pa.int64()).view(pa.timestamp("us", "UTC"))
    technique = GeneralizeDate(unit="hour", timezone=zone)
    got = technique.apply(values).values.view(pa.int64()).to_pylist()
    assert got[:2] == [first, first]
    assert last - 3_600_000_000 < got[2] <= last


def test_a_date_has_no_hours() -> None:
    for unit in CLOCK:
        technique = GeneralizeDate.model_validate({"unit": unit, "input_format": "%Y-%m-%d"})
        for kind in (pa.date32(), pa.string()):
            with pytest.raises(TypeRefused, match="a date has none"):
                technique.output_type(kind)


@given(UNITS, ZONES, st.lists(st.datetimes()), st.none() | st.dates())
def test_generalizing_dates_is_idempotent_and_keeps_the_order(
    unit: Any, zone: str, times: list[dt.datetime], bottom: dt.date | None
) -> None:
    technique = GeneralizeDate(unit=unit, timezone=zone, bottom=bottom)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us"), pa.date32()):
        once = technique.apply(pa.array(sorted(times), pa.timestamp("us")).cast(kind, safe=False)).values
        assert technique.apply(once).values.equals(once)
        numbers = once.view(pa.int32() if kind == pa.date32() else pa.int64()).to_pylist()
        assert numbers == sorted(numbers)


@given(st.lists(st.dates(), min_size=1), st.dates())
def test_all_dates_before_bottom_share_its_unit(days: list[dt.date], bottom: dt.date) -> None:
    wanted = [dt.date(max(day, bottom).year, 1, 1) for day in days]
    for kind in (pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        got = GeneralizeDate(bottom=bottom).apply(pa.array(days).cast(kind)).values
        assert got.type == kind
        assert got.cast(pa.date32()).to_pylist() == wanted


FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%m/%d/%Y %H:%M", "%Y-%m-%dT%H:%M:%S.%fZ", "%H%M%S%f on %d %m %Y"]


def strictly(text: str, form: str) -> dt.datetime | None:
    """What Python reads, if it writes the same again."""
    try:
        read = dt.datetime.strptime(text.strip(), form)
    except ValueError:
        return None
    return read if written(read, form) == text.strip() else None


def written(time: dt.datetime, form: str) -> str:
    return time.strftime(form.replace("%Y", f"{time.year:04d}"))  # glibc writes years before 1000 shorter


NEARLY_TIMES = st.text(st.sampled_from("0123456789-./: TZé\u0661\0"), max_size=27)


@given(st.sampled_from(FORMATS), st.lists(st.datetimes()), st.lists(NEARLY_TIMES))
@example(
    "%Y-%m-%d",
    [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)],
    ["2023-02-29", "2024-02-30", "2024-2-09", "-001-01-01"],
)
@example("%Y-%m-%d", [], ["0000-01-01", "2024-00-01", "2024-01-00", "2024-01-32", "2024-01-0\u0661", "2024/01/01"])
def test_dates_in_text_are_read_strictly(form: str, times: list[dt.datetime], others: list[str]) -> None:
    texts = [*(written(time, form) for time in times), *others]
    technique = GeneralizeDate.model_validate({"unit": "month", "input_format": form, "on_refused": "null"})
    outcome = technique.apply(pa.array([*texts, None], pa.string()))
    read = [strictly(text, form) for text in texts]
    wanted = [
        None if t is None else written(t.replace(day=1, hour=0, minute=0, second=0, microsecond=0), form) for t in read
    ]
    assert outcome.values.to_pylist() == [*wanted, None]
    assert outcome.refused == wanted.count(None)


def test_it_says_its_unit_and_its_oldest_date() -> None:
    coarse = GeneralizeDate(unit="year", bottom=dt.date(1936, 11, 27))
    assert (coarse.date_unit(), coarse.oldest_date()) == ("year", dt.date(1936, 11, 27))
    assert GeneralizeDate().oldest_date() is None
