"""Laws of `add_noise`, against HMAC and exact fractions, one value at a time."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example
from hypothesis import strategies as st

from privacy_udfs.kernels.numbers.noise import natural_log
from tests.helpers.technique_laws import INT64, KEY, SUBJECTS, drawn, given, noising


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
