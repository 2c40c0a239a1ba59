"""Laws of `date_shift`, against HMAC and `datetime`, one value at a time."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example
from hypothesis import strategies as st

from privacy_udfs.techniques.date_shift import DateShift
from tests.helpers.technique_laws import KEY, SUBJECTS, drawn, given


@given(st.lists(st.tuples(st.dates(), SUBJECTS)), st.integers(1, 500))
def test_dates_in_text_move_as_dates_do(rows: list[tuple[dt.date, str]], most: int) -> None:
    days, subjects = pa.array([day for day, _ in rows], pa.date32()), pa.array([who for _, who in rows], pa.string())
    technique = DateShift(max_days=most, input_format="%d.%m.%Y", on_refused="null")
    moved = technique.apply(days, KEY, subjects).values.to_pylist()
    texts = pa.array([f"{day.day:02d}.{day.month:02d}.{day.year:04d}" for day, _ in rows], pa.string())
    got = technique.apply(texts, KEY, subjects).values.to_pylist()
    assert got == [None if day is None else f"{day.day:02d}.{day.month:02d}.{day.year:04d}" for day in moved]


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
