"""Laws of `generalize_number`, against exact fractions, one value at a time."""

from __future__ import annotations

import bisect
import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import example
from hypothesis import strategies as st

from tests.helpers.technique_laws import INT64, binning, given

NUMBER = st.decimals(-1000, 1000, places=2)
WIDTH = st.decimals(Decimal("0.01"), 1000, places=2)
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


@given(
    st.lists(st.integers(0, 200), min_size=1),
    st.sampled_from(
        [{"width": 7}, {"width": 5, "top": 90}, {"edges": (18, 65)}, {"edges": (18, 65, 99), "top": 70},
         {"edges": (18, 65), "labels": ("young", "middle", "old")}, {"preset": "hipaa_age", "width": 20}]
    ),
)  # fmt: skip
def test_from_its_top_on_all_numbers_share_one_result(numbers: list[int], parameters: Any) -> None:
    technique = binning(**parameters)
    top = technique.top_number()
    assert (top is None) is (parameters == {"width": 7})
    above = [number for number in numbers if top is not None and number >= top]
    assert len(set(technique.apply(pa.array(above, pa.int64())).values.to_pylist())) <= 1
