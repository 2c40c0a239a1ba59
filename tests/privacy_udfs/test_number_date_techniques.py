"""Laws of `generalize_date`, `generalize_number`, `date_shift` and `add_noise`, against oracles in plain Python."""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
import hmac
import math
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, settings
from hypothesis import given as given_within_a_deadline
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.errors import TypeRefused, ValueRefused
from privacy_udfs.kernels.numbers.noise import natural_log
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.add_noise import AddNoise
from privacy_udfs.techniques.date_shift import DateShift
from privacy_udfs.techniques.generalize_date import GeneralizeDate
from privacy_udfs.techniques.generalize_number import GeneralizeNumber

KEY = bytes(range(32))
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
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBER = st.decimals(-1000, 1000, places=2)
WIDTH = st.decimals(Decimal("0.01"), 1000, places=2)
SUBJECTS = st.one_of(st.integers(0, 5).map(str), st.text(st.characters(exclude_categories=["Cs"])))


def given(*strategies: Any) -> Callable[[Any], Any]:
    """Hypothesis' own, without its deadline: on a shared machine the clock says nothing about a law."""
    decorate: Any = given_within_a_deadline(*strategies)
    return lambda test: settings(deadline=None)(decorate(test))


def binning(**parameters: Any) -> GeneralizeNumber:
    return GeneralizeNumber.model_validate(parameters)


def noising(**parameters: Any) -> AddNoise:
    return AddNoise.model_validate(parameters)


# -- dates ------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("technique", [GeneralizeDate(timezone="Asia/Tokyo"), DateShift(max_days=1)])
def test_what_lies_outside_the_calendar_is_refused(technique: Technique) -> None:
    key = None if technique.key_size() is None else KEY
    for kind, per_day in (
        (pa.date32(), 1),
        (pa.timestamp("us"), 86_400_000_000),
        (pa.timestamp("us", "UTC"), 86_400_000_000),
    ):
        storage = pa.int32() if kind == pa.date32() else pa.int64()
        ends = [-719_162 * per_day - 1, (2_932_896 + 1) * per_day, np.iinfo(storage.to_pandas_dtype()).max]
        values = pa.array([*ends, -np.iinfo(storage.to_pandas_dtype()).max, 0, None], storage).view(kind)
        with pytest.raises(ValueRefused) as caught:
            technique.apply(values, key, pa.array(["a"] * 6))
        assert str(caught.value) == f"{technique.technique} cannot treat 4 of 6 values in this batch"
        lenient = technique.model_copy(update={"on_refused": "null"})
        outcome = lenient.apply(values, key, pa.array(["a"] * 6))
        assert outcome[1:] == (1, 1, 4)
        assert outcome.values.is_null().to_pylist() == [True] * 4 + [False, True]


# -- dates and numbers in text ----------------------------------------------------------------------------------------

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


@given(st.lists(st.tuples(st.dates(), SUBJECTS)), st.integers(1, 500))
def test_dates_in_text_move_as_dates_do(rows: list[tuple[dt.date, str]], most: int) -> None:
    days, subjects = pa.array([day for day, _ in rows], pa.date32()), pa.array([who for _, who in rows], pa.string())
    technique = DateShift(max_days=most, input_format="%d.%m.%Y", on_refused="null")
    moved = technique.apply(days, KEY, subjects).values.to_pylist()
    texts = pa.array([f"{day.day:02d}.{day.month:02d}.{day.year:04d}" for day, _ in rows], pa.string())
    got = technique.apply(texts, KEY, subjects).values.to_pylist()
    assert got == [None if day is None else f"{day.day:02d}.{day.month:02d}.{day.year:04d}" for day in moved]


NEARLY_NUMBERS = st.text(st.sampled_from("0123456789+-.,eE \u0661"), max_size=24)


@given(
    st.lists(NEARLY_NUMBERS | st.decimals(-(10**12), 10**12, places=6).map(str)),
    st.sampled_from(["decimal_point", "decimal_comma"]),
    WIDTH,
)
@example(
    ["9" * 19 + "." + "9" * 18, "0" * 30 + "1", "1" * 20, "1." + "1" * 19, "-0", "+0.0"], "decimal_point", Decimal(7)
)
def test_numbers_in_text_are_binned_exactly(texts: list[str], mark: Any, width: Decimal) -> None:
    point = {"decimal_point": ".", "decimal_comma": ","}[mark]
    number = re.compile(rf"[+-]?0*[0-9]{{1,19}}([{point}][0-9]{{1,18}})?", re.ASCII)
    read = [Fraction(t.strip().replace(point, ".")) if number.fullmatch(t.strip()) else None for t in texts]
    got = binning(width=width, input_format=mark, on_refused="null").apply(pa.array(texts, pa.string()))
    assert [None if t is None else ends_in(t) for t in got.values.to_pylist()] == [
        None if n is None else interval(n, width) for n in read
    ]
    lower = binning(width=width, input_format=mark, label="lower", on_refused="null").apply(
        pa.array(texts, pa.string())
    )
    assert lower.values.type == pa.string()
    assert [None if t is None else Fraction(t.replace(point, ".")) for t in lower.values.to_pylist()] == [
        None if n is None else interval(n, width)[0] for n in read
    ]


@pytest.mark.parametrize("technique", [GeneralizeDate(), DateShift(max_days=1), binning(width=1)])
def test_text_is_taken_only_when_told_so(technique: Technique) -> None:
    with pytest.raises(TypeRefused, match="input_format"):
        technique.output_type(pa.string())


# -- placeholders -----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.none() | st.dates(), st.none() | SUBJECTS), min_size=1), st.data())
def test_placeholders_say_nothing_of_the_subject(rows: list[Any], data: st.DataObject) -> None:
    days = [day for day, _ in rows if day is not None] or [dt.date.max]
    keep = data.draw(st.lists(st.sampled_from(days), unique=True))
    null = [day for day in data.draw(st.lists(st.sampled_from(days), unique=True)) if day not in keep]
    subjects = pa.array([subject for _, subject in rows], pa.string())
    for kind in (pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        values = pa.array([day for day, _ in rows], pa.date32()).cast(kind)
        plain = DateShift(max_days=99, on_refused="null").apply(values, KEY, subjects)
        technique = DateShift(max_days=99, keep_dates=tuple(keep), null_dates=tuple(null), on_refused="null")
        got = technique.apply(values, KEY, subjects)
        assert got.values.to_pylist() == [
            value if day in keep else None if day in null else moved
            for (day, _), value, moved in zip(rows, values.to_pylist(), plain.values.to_pylist(), strict=True)
        ]
        assert got.treated + got.null + got.refused == len(rows)
        assert got.refused <= plain.refused


# -- numbers ----------------------------------------------------------------------------------------------------------


def interval(number: Any, width: Any, origin: Any = 0) -> tuple[Fraction, Fraction]:
    w, o = Fraction(width), Fraction(origin)
    lower = o + (Fraction(number) - o) // w * w
    return lower, lower + w


def ends_in(text: str) -> tuple[Fraction, Fraction]:
    assert (text[0], text[-1]) == ("[", ")")
    lower, upper = text[1:-1].split(", ")
    assert not {"e", "E", "+"} & set(text)
    return Fraction(lower), Fraction(upper)


@given(st.lists(st.none() | INT64), WIDTH, NUMBER)
@example([2**63 - 1, -(2**63), None, 2**53 + 1], Decimal(1), Decimal(0))
@example([2**63 - 1, -(2**63), 0], Decimal("0.01"), Decimal(-1000))
@example([2**63 - 1, 0], Decimal(7), Decimal(-1000))
@example([-(2**63), 0], Decimal(7), Decimal(1000))
@example([0, None], Decimal("1e-30"), Decimal(0))
def test_integers_are_binned_exactly(numbers: list[int | None], width: Decimal, origin: Decimal) -> None:
    got = binning(width=width, origin=origin).apply(pa.array(numbers, pa.int64())).values
    wanted = [None if n is None else interval(n, width, origin) for n in numbers]
    assert [None if text is None else ends_in(text) for text in got.to_pylist()] == wanted


@given(st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=9)), WIDTH, NUMBER)
@example(
    [Decimal("-99999999999999999999.999999999"), Decimal("9999999999.999999999"), None], Decimal("0.03"), Decimal(0)
)
def test_decimals_are_binned_exactly(numbers: list[Decimal | None], width: Decimal, origin: Decimal) -> None:
    numbers = [n for n in numbers if n is None or abs(n) < 10**29]
    values = pa.array(numbers, pa.decimal128(38, 9))
    wanted = [None if n is None else interval(n, width, origin) for n in numbers]
    got = binning(width=width, origin=origin).apply(values).values
    assert [None if text is None else ends_in(text) for text in got.to_pylist()] == wanted
    for label in ("lower", "midpoint"):
        exact = binning(width=width, origin=origin, label=label, on_refused="null").apply(values).values
        assert pa.types.is_decimal(exact.type)
        for got_one, ends in zip(exact.to_pylist(), wanted, strict=True):
            number: Any = None if ends is None else ends[0] if label == "lower" else sum(ends) / 2
            if number is None or abs(number) >= 10**29:
                assert got_one is None
            else:
                assert Fraction(got_one) == number


@given(st.lists(st.floats(-1e12, 1e12)), WIDTH, NUMBER, st.sampled_from(["float32", "float64"]))
@example([0.1, 0.2, 0.3, 0.7, -0.1, 0.29999999999999993], Decimal("0.1"), Decimal(0), "float64")
def test_floats_lie_in_bins_of_nearest_floats(numbers: list[float], width: Decimal, origin: Decimal, kind: str) -> None:
    scalar = np.dtype(kind).type
    values = np.array(numbers, kind)
    technique = binning(width=width, origin=origin, on_refused="null")
    for value, text in zip(values, technique.apply(pa.array(values)).values.to_pylist(), strict=True):
        if text is None:
            assert np.spacing(np.abs(value) + scalar(abs(origin))) * 8 >= float(width) * 0.99
            continue
        lower, upper = ends_in(text)
        assert scalar(float(lower)) <= value < scalar(float(upper))
        assert (lower - Fraction(origin)) % Fraction(width) == 0
        assert upper - lower == Fraction(width)


@given(st.lists(st.none() | INT64), st.lists(st.integers(-50, 50) | INT64, min_size=1, unique=True).map(sorted))
def test_edges_agree_with_bisect(numbers: list[int | None], edges: list[int]) -> None:
    bins = [f"<{edges[0]}", *(f"[{a}, {b})" for a, b in pairwise(edges)), f">={edges[-1]}"]
    wanted = [None if n is None else bins[bisect.bisect_right(edges, n)] for n in numbers]
    technique = binning(edges=tuple(edges))
    assert technique.apply(pa.array(numbers, pa.int64())).values.to_pylist() == wanted
    small = pa.array([n for n in numbers if n is not None and abs(n) < 2**24], pa.float64())
    if all(abs(edge) < 2**24 for edge in edges):
        assert technique.apply(small).values.to_pylist() == [
            bins[bisect.bisect_right(edges, n)] for n in small.to_pylist()
        ]


@given(st.lists(INT64), WIDTH, st.integers(-60, 0), st.integers(1, 60))
def test_open_bins_cut_the_others(numbers: list[int], width: Decimal, bottom: int, top: int) -> None:
    got = binning(width=width, bottom=bottom, top=top).apply(pa.array([*numbers, bottom, top, 0], pa.int64())).values
    for n, text in zip([*numbers, bottom, top, 0], got.to_pylist(), strict=True):
        if n < bottom or n >= top:
            assert text == (f"<{bottom}" if n < bottom else f">={top}")
        else:
            lower, upper = interval(n, width)
            assert ends_in(text) == (max(lower, bottom), min(upper, top))


@given(
    st.lists(st.none() | st.integers(-(10**6), 10**6)),
    st.fixed_dictionaries({"width": WIDTH, "origin": NUMBER}) | st.just({"edges": (-7, 0, "2.5", 90)}),
    st.sampled_from([pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(20, 3)]),
    st.none() | st.integers(-100, -8),
    st.none() | st.integers(91, 10**5),
)
def test_lower_ends_are_idempotent(
    numbers: list[int | None], bins: dict[str, Any], kind: pa.DataType, bottom: int | None, top: int | None
) -> None:
    technique = binning(**bins, bottom=bottom, top=top, label="lower", on_refused="null")
    once = technique.apply(pa.array(numbers, kind)).values
    assert once.type == technique.output_type(kind)
    assert technique.apply(once).values.equals(once)


def test_lower_ends_keep_whole_types_and_refuse_what_leaves_them() -> None:
    technique = binning(width=10, label="lower", on_refused="null")
    for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64()):
        low, high = (int(end) for end in (np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max))
        outcome = technique.apply(pa.array([low, high, -1, None], kind))
        assert outcome.values.type == kind
        assert outcome.values.to_pylist() == [None, high // 10 * 10, -10, None]
        assert outcome.refused == 1
    unsigned = binning(width=10, label="lower").apply(pa.array([2**64 - 1, 0], pa.uint64())).values
    assert unsigned.to_pylist() == [2**64 - 6, 0]


def test_floats_without_a_bin_are_refused() -> None:
    values = pa.array([float("nan"), float("inf"), -float("inf"), 1e300, -0.0, 5.0, None])
    outcome = binning(width=10, on_refused="null").apply(values)
    assert outcome.values.to_pylist() == [None, None, None, None, "[0, 10)", "[0, 10)", None]
    assert outcome[1:] == (2, 1, 4)
    topped = binning(edges=(0, 10), on_refused="null").apply(values)
    assert topped.values.to_pylist() == [None, None, None, ">=10", "[0, 10)", "[0, 10)", None]


@given(st.lists(st.integers(0, 127)))
def test_hipaa_ages(ages: list[int]) -> None:
    assert binning(preset="hipaa_age").apply(pa.array(ages, pa.int8())).values.to_pylist() == [min(n, 90) for n in ages]
    five = binning(preset="hipaa_age", width=20, label="range").apply(pa.array([79, 85, 90, 127])).values
    assert five.to_pylist() == ["[60, 80)", "[80, 90)", ">=90", ">=90"]


# -- date shift and noise ---------------------------------------------------------------------------------------------


def drawn(subject: str, size: int) -> int:
    return int.from_bytes(hmac.new(KEY, subject.encode(), hashlib.sha256).digest()[:size], "big")


def shift(subject: str, max_days: int, exclude_zero: bool) -> int:
    choices = [n for n in range(-max_days, max_days + 1) if n or not exclude_zero]
    return choices[drawn(subject, 16) % len(choices)]


@given(
    st.lists(st.tuples(st.none() | st.datetimes(), SUBJECTS)), st.integers(1, 400), st.booleans(),
    st.sampled_from([pa.date32(), pa.timestamp("us"), pa.timestamp("us", "America/New_York")]),
)  # fmt: skip
@example([(dt.datetime.min, "a"), (dt.datetime.max, "a"), (dt.datetime.max, "b")], 400, False, pa.date32())
def test_shifts_agree_with_hmac(rows: list[Any], max_days: int, exclude_zero: bool, kind: pa.DataType) -> None:
    values = pa.array([value for value, _ in rows], pa.timestamp("us")).cast(kind, safe=False)
    if kind != pa.date32():
        values = values.cast(pa.int64()).cast(pa.timestamp("us"))
    wanted = [
        _shifted(value, shift(subject, max_days, exclude_zero))
        for value, (_, subject) in zip(values.to_pylist(), rows, strict=True)
    ]
    technique = DateShift(max_days=max_days, exclude_zero=exclude_zero, on_refused="null")
    got = technique.apply(values.cast(kind), KEY, pa.array([subject for _, subject in rows], pa.string()))
    assert got.values.type == kind
    naive = got.values if kind == pa.date32() else got.values.cast(pa.int64()).cast(pa.timestamp("us"))
    assert naive.to_pylist() == wanted


def _shifted(value: Any, days: int) -> Any:
    try:
        return None if value is None else value + dt.timedelta(days=days)
    except OverflowError:
        return None


@given(
    st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=2),
    st.integers(1, 365),
    st.booleans(),
)
def test_intervals_within_a_subject_are_exact(times: list[dt.datetime], max_days: int, exclude_zero: bool) -> None:
    values = pa.array(times, pa.timestamp("us"))
    technique = DateShift(max_days=max_days, exclude_zero=exclude_zero)
    got = technique.apply(values, KEY, pa.array([7] * len(times))).values.to_pylist()
    moves = {after - before for before, after in zip(times, got, strict=True)}
    assert len(moves) == 1
    (move,) = moves
    assert abs(move.days) <= max_days
    assert move.seconds == move.microseconds == 0
    assert move.days or not exclude_zero
    as_text = technique.apply(values.cast(pa.date32(), safe=False), KEY, pa.array(["7"] * len(times))).values
    assert as_text.to_pylist() == [(value + move).date() for value in times]


@pytest.mark.parametrize("exclude_zero", [False, True])
def test_all_moves_are_equally_likely(exclude_zero: bool) -> None:
    count = 70_000
    values = pa.array(np.zeros(count, np.int32)).view(pa.date32())
    got = DateShift(max_days=3, exclude_zero=exclude_zero).apply(values, KEY, pa.array(range(count))).values
    seen = Counter(got.view(pa.int32()).to_pylist())
    assert set(seen) == set(range(-3, 4)) - ({0} if exclude_zero else set())
    expected = count / len(seen)
    assert sum((n - expected) ** 2 / expected for n in seen.values()) < 22.5  # chi-square, 6 degrees, 1 in 1000


def noise_of(subject: str, distribution: str, scale: float) -> float:
    u = (2 * (drawn(subject, 8) >> 11) + 1 - 2**53) / 2**53
    return scale * u if distribution == "uniform" else -scale * math.copysign(1, u) * math.log(1 - abs(u))


DISTRIBUTIONS = st.sampled_from(["uniform", "laplace"])


@given(st.lists(st.tuples(st.none() | INT64, SUBJECTS)), DISTRIBUTIONS, st.floats(1e-3, 1e20))
@example([(2**63 - 1, "1001"), (-(2**63), "1003"), (2**53 + 1, "ada")], "uniform", 10.0)
@example([(2**63 - 1, "1003"), (2**63 - 1, "ada")], "uniform", 10.0)
@example([(-(2**63), "1001"), (2**53 + 1, "ada")], "laplace", 10.0)
def test_noise_on_integers_is_exact(rows: list[Any], distribution: Any, scale: float) -> None:
    technique = noising(scale=scale, distribution=distribution, on_refused="null")
    subjects = pa.array([subject for _, subject in rows], pa.string())
    got = technique.apply(pa.array([n for n, _ in rows], pa.int64()), KEY, subjects).values.to_pylist()
    for (number, subject), result in zip(rows, got, strict=True):
        near = Fraction(noise_of(subject, distribution, scale))
        room = 1 + abs(near) * Fraction(1, 2**50)
        if number is None or result is None:
            assert number is None or not -(2**63) + room <= number + near < 2**63 - room
        else:
            assert abs(result - number - near) <= room - Fraction(1, 2)


@given(st.lists(st.tuples(st.none() | st.integers(-(10**38) + 1, 10**38 - 1), SUBJECTS)), DISTRIBUTIONS)
def test_noise_on_decimals_keeps_the_scale(rows: list[Any], distribution: Any) -> None:
    values = pa.array([None if n is None else Decimal(f"{n}E-18") for n, _ in rows], pa.decimal128(38, 18))
    technique = noising(scale=1000.0, distribution=distribution, on_refused="null")
    got = technique.apply(values, KEY, pa.array([subject for _, subject in rows], pa.string())).values
    assert got.type == values.type
    for (number, subject), result in zip(rows, got.to_pylist(), strict=True):
        near = Fraction(noise_of(subject, distribution, 1000.0))
        if number is None or result is None:
            assert number is None or abs(Fraction(number, 10**18) + near) > 10**20 - 1
        else:
            error = abs(Fraction(result) - Fraction(number, 10**18) - near)
            assert error <= abs(near) * Fraction(1, 2**50) + Fraction(1, 10**18)


@given(
    st.lists(st.tuples(st.none() | st.floats(width=32), SUBJECTS)), DISTRIBUTIONS, st.sampled_from(["float", "double"])
)
def test_noise_on_floats(rows: list[Any], distribution: Any, kind: str) -> None:
    values = pa.array([n for n, _ in rows], pa.type_for_alias(kind))
    technique = noising(scale=5.0, distribution=distribution, on_refused="null")
    outcome = technique.apply(values, KEY, pa.array([subject for _, subject in rows], pa.string()))
    for number, (_, subject), result in zip(values.to_pylist(), rows, outcome.values.to_pylist(), strict=True):
        if number is None or not math.isfinite(number):
            assert result is None
        else:
            tolerance = 1e-6 if kind == "float" else 1e-12
            assert result == pytest.approx(number + noise_of(subject, distribution, 5.0), rel=tolerance, abs=tolerance)
    assert outcome.refused == sum(n is not None and not math.isfinite(n) for n in values.to_pylist())


@given(st.lists(st.integers(-128, 127)), st.integers(-128, 0), st.integers(0, 127), DISTRIBUTIONS)
def test_clipped_noise_stays_inside(numbers: list[int], low: int, high: int, distribution: Any) -> None:
    technique = noising(scale=1e30, distribution=distribution, clip_min=low, clip_max=high)
    subjects = pa.array(range(len(numbers)), pa.int64())
    for kind in (pa.int8(), pa.float32(), pa.decimal128(5, 2)):
        got = technique.apply(pa.array(numbers, kind), KEY, subjects).values
        assert all(low <= n <= high for n in got.to_pylist())


def test_clipping_gives_infinities_no_way_in() -> None:
    values = pa.array([float("nan"), float("inf"), -float("inf"), None, 1.0])
    outcome = noising(scale=1.0, clip_min=0, clip_max=9, on_refused="null").apply(values, KEY, pa.array(range(5)))
    assert outcome[1:] == (1, 1, 3)
    assert outcome.values.is_null().to_pylist() == [True] * 4 + [False]


def test_noise_has_the_moments_of_its_distribution() -> None:
    count = 50_000
    zeros, subjects = pa.array(np.zeros(count)), pa.array(range(count))
    for distribution, variance in (("uniform", 1 / 3), ("laplace", 2.0)):
        got = noising(scale=1.0, distribution=distribution).apply(zeros, KEY, subjects).values.to_numpy()
        assert abs(got.mean()) < 4 * math.sqrt(variance / count)
        assert got.var() == pytest.approx(variance, rel=0.05)
        assert distribution == "laplace" or np.abs(got).max() < 1


@given(st.lists(st.integers(1, 2**53), min_size=1))
@example([1, 2**52, 2**53 - 1, 2**53, 6369051672525772])
def test_the_logarithm_is_right_to_the_last_bits(numerators: list[int]) -> None:
    numbers = np.array(numerators) / 2**53
    for number, got in zip(numbers.tolist(), natural_log(numbers).tolist(), strict=True):
        assert abs(got - math.log(number)) <= 2 * math.ulp(math.log(number))


@pytest.mark.parametrize("technique", [DateShift(max_days=5), noising(scale=2.0)])
def test_a_value_without_a_subject_is_refused(technique: Technique) -> None:
    kind = pa.date32() if technique.technique == "date_shift" else pa.int32()
    values = pa.array([1, 2, None, 4], pa.int32()).view(kind)
    subjects = pa.array(["a", None, None, "b"])
    with pytest.raises(ValueRefused, match="cannot treat 1 of 4"):
        technique.apply(values, KEY, subjects)
    lenient = technique.model_copy(update={"on_refused": "null"})
    assert lenient.apply(values, KEY, subjects).values.is_null().to_pylist() == [False, True, True, False]
    assert lenient.apply(values, KEY, pa.nulls(4, pa.string()))[1:] == (0, 1, 3)
    with pytest.raises(TypeRefused):
        technique.apply(values, KEY, None)


# -- what all four keep -----------------------------------------------------------------------------------------------

TIMES = st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1))
ALL: list[Any] = [
    (GeneralizeDate(unit="week", timezone="America/St_Johns"), pa.timestamp("us", "UTC"), TIMES),
    (GeneralizeDate(unit="decade"), pa.date32(), TIMES.map(dt.datetime.date)),
    (GeneralizeDate(unit="hour", timezone="Australia/Lord_Howe"), pa.timestamp("us", "UTC"), TIMES),
    (GeneralizeDate(input_format="%Y-%m-%d"), pa.string(), TIMES.map(lambda time: str(time.date()))),
    (
        binning(edges=(0, 9), labels=("a", "b", "c"), input_format="decimal_point"),
        pa.string(),
        st.integers().map(lambda number: str(number % 1000)),
    ),
    (DateShift(max_days=10, input_format="%Y-%m-%d"), pa.string(), TIMES.map(lambda time: str(time.date()))),
    (binning(width=7, bottom=-50, top=50), pa.int16(), st.integers(-99, 99)),
    (binning(width="0.25", label="midpoint"), pa.decimal128(20, 4), st.integers(-99, 99).map(Decimal)),
    (binning(edges=(0, 10), label="lower"), pa.float32(), st.floats(-20, 20, width=32)),
    (DateShift(max_days=10), pa.date32(), TIMES.map(dt.datetime.date)),
    (noising(scale=3.0), pa.int64(), st.integers(-99, 99)),
    (noising(scale=3.0, distribution="laplace"), pa.decimal128(20, 4), st.integers(-99, 99).map(Decimal)),
]


@pytest.mark.parametrize(("technique", "kind", "element"), ALL)
@given(st.data())
def test_slices_and_splits_give_the_same(
    technique: Technique, kind: pa.DataType, element: Any, data: st.DataObject
) -> None:
    raw = pa.array(data.draw(st.lists(st.none() | element, min_size=1)), kind)
    subject = pa.array(data.draw(st.lists(SUBJECTS, min_size=len(raw), max_size=len(raw))), pa.string())
    key = None if technique.key_size() is None else KEY

    def apply(values: pa.Array, subjects: pa.Array) -> pa.Array:
        return technique.apply(values, key, subjects).values

    whole, at = apply(raw, subject), data.draw(st.integers(0, len(raw)))
    assert pa.concat_arrays(
        [apply(raw.slice(0, at), subject.slice(0, at)), apply(raw.slice(at), subject.slice(at))]
    ).equals(whole)
    assert len(whole) == len(raw)
    assert whole.is_null().equals(raw.is_null())
    assert technique.apply(pa.nulls(at, kind), key, subject.slice(0, at))[1:] == (0, at, 0)
    encoded = technique.apply(raw.dictionary_encode(), key, subject.dictionary_encode()).values
    assert encoded.equals(whole)
    assert type(technique).model_validate(technique.record()) == technique


FAULTY: list[tuple[type[Technique], dict[str, Any], str]] = [
    (GeneralizeDate, {"unit": "fortnight"}, "unit"),
    (GeneralizeDate, {"timezone": "Mars/Base"}, "IANA"),
    (GeneralizeDate, {"timezone": "../../etc/passwd"}, "IANA"),
    (GeneralizeDate, {"timezone": "localtime"}, "IANA"),
    (GeneralizeDate, {"bottom": "19340630"}, "YYYY-MM-DD"),
    (GeneralizeDate, {"bottom": "1934-02-30"}, "YYYY-MM-DD"),
    (GeneralizeNumber, {}, "exactly one of width and edges"),
    (GeneralizeNumber, {"width": 1, "edges": (1, 2)}, "exactly one of width and edges"),
    (GeneralizeNumber, {"width": 0}, "width must be above 0"),
    (GeneralizeNumber, {"width": True}, "expected a number"),
    (GeneralizeNumber, {"width": float("nan")}, "expected a finite number"),
    (GeneralizeNumber, {"width": "ten"}, "decimal notation"),
    (GeneralizeNumber, {"width": 10**38}, "at most 38 digits"),
    (GeneralizeNumber, {"edges": ()}, "edges"),
    (GeneralizeNumber, {"edges": (1, 1)}, "edges must increase"),
    (GeneralizeNumber, {"edges": (1, 2), "origin": 1}, "origin goes with width"),
    (GeneralizeNumber, {"edges": (1, 2), "top": 0}, "must be below top"),
    (GeneralizeNumber, {"width": 1, "bottom": 2, "top": 2}, "bottom must be below top"),
    (GeneralizeNumber, {"width": 0, "origin": 1, "bottom": 3, "top": 2}, "width must be above 0; .*must be below top"),
    (GeneralizeNumber, {"preset": "hipaa_age", "top": 95}, "needs top: 90"),
    (GeneralizeNumber, {"width": 1, "labels": ["a"]}, "labels go with edges"),
    (GeneralizeNumber, {"edges": (1, 2), "bottom": 0, "labels": ["a"]}, "labels go with edges, without bottom and top"),
    (GeneralizeNumber, {"edges": (1, 2, 3), "labels": ["a", "b", "c"]}, "labels: expected 2, one .*, or 4"),
    (GeneralizeNumber, {"edges": (1, 2), "labels": ["a"], "label": "lower"}, "they go with label: range"),
    (GeneralizeNumber, {"edges": (1,), "labels": ["a", "b"], "other": "c"}, "other goes with labels for the bins"),
    (GeneralizeNumber, {"edges": (1, 2), "labels": ["\ud800"]}, "lone surrogate"),
    (GeneralizeNumber, {"width": 1, "other": "c"}, "nothing lies outside"),
    (GeneralizeNumber, {"width": 1, "input_format": "%Y"}, "input_format"),
    (GeneralizeDate, {"input_format": "%Y-%m"}, "expected %Y, %m and %d"),
    (GeneralizeDate, {"input_format": "%Y-%m-%d %d"}, "each part once"),
    (GeneralizeDate, {"input_format": "%d %b %Y"}, "no other %"),
    (GeneralizeDate, {"input_format": "%Y-%m-%d %M"}, "without those before it"),
    (GeneralizeDate, {"input_format": "%Y年%m%d"}, "ASCII"),
    (GeneralizeDate, {"input_format": "yyyy-MM-dd"}, "expected %Y, %m and %d"),
    (GeneralizeDate, {"input_format": "%Y%m%d%"}, "no other %"),
    (DateShift, {"max_days": 1, "keep_dates": ["1900-1-1"]}, "YYYY-MM-DD"),
    (
        DateShift,
        {"max_days": 1, "keep_dates": ["1900-01-01"], "null_dates": ["1900-01-01"]},
        "in keep_dates and in null",
    ),
    (DateShift, {"max_days": 1, "normalize": ["trim", "nfkc"]}, "nfkc comes before trim"),
    (DateShift, {"max_days": 1, "normalize": ["nfc", "nfkc"]}, "name one of the two"),
    (DateShift, {"max_days": 1, "normalize": ["nfc", "strip_zero_width"]}, "strip_zero_width comes first"),
    (DateShift, {}, "max_days"),
    (DateShift, {"max_days": 0}, "max_days"),
    (DateShift, {"max_days": 1.0}, "max_days"),
    (DateShift, {"max_days": 1, "normalize": ["upper"]}, "normalize"),
    (AddNoise, {"scale": 0}, "scale"),
    (AddNoise, {"scale": float("inf")}, "scale"),
    (AddNoise, {"scale": 1, "distribution": "gauss"}, "distribution"),
    (AddNoise, {"scale": 1, "clip_min": 2, "clip_max": 1}, "clip_min must not be above"),
]


@pytest.mark.parametrize(("technique", "parameters", "message"), FAULTY)
def test_faulty_parameters_fail_at_construction(
    technique: type[Technique], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        technique.model_validate(parameters)


@pytest.mark.parametrize("kind", [pa.string(), pa.bool_(), pa.binary(), pa.timestamp("ns"), pa.date64(), pa.float16()])
def test_types_that_are_not_taken_are_refused(kind: pa.DataType) -> None:
    for technique in (GeneralizeDate(), binning(width=1), DateShift(max_days=1), noising(scale=1)):
        with pytest.raises(TypeRefused, match="it takes"):
            technique.output_type(kind)
