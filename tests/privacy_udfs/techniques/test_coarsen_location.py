"""Laws of `coarsen_location`, against exact rounding and bisection."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa
import pytest
from hypothesis import example
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.errors import TypeRefused
from privacy_udfs.techniques.coarsen_location import CoarsenLocation
from tests.helpers.technique_laws import given, run

DEGREES = st.floats(-180, 180)
BORDERS = st.integers(0, 2**20).map(lambda k: -180 + 360 * k / 2**20)


@given(st.lists(DEGREES, max_size=8), st.integers(0, 5))
@example([-1e-9, -0.0], 2)
def test_rounding_stays_near_and_is_done_once(values: list[float], decimals: int) -> None:
    technique = CoarsenLocation(decimals=decimals)
    got = run(technique, values, pa.float64())
    assert all(abs(g - v) <= 0.5 * 10**-decimals + 1e-12 for g, v in zip(got, values, strict=True))
    assert all(len(repr(g).partition(".")[2]) <= max(1, decimals) or "e-05" in repr(g) for g in got)
    assert "-0.0" not in map(repr, got)
    assert run(technique, got, pa.float64()) == got


@given(st.lists(st.decimals(-180, 180, places=6), max_size=8), st.integers(0, 5))
def test_rounding_of_decimals_is_exact(values: list[Decimal], decimals: int) -> None:
    got = run(CoarsenLocation(decimals=decimals), values, pa.decimal128(9, 6))
    assert got == [value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN) for value in values]


def bisected(latitude: float, longitude: float, precision: int) -> str:
    """Niemeyer's algorithm as it was written: halve, and take the upper half from its lower border on."""
    bits, around = "", {True: [-180.0, 180.0], False: [-90.0, 90.0]}
    for at in range(5 * precision):
        coordinate, (low, high) = (latitude, longitude)[at % 2 == 0], around[at % 2 == 0]
        middle = (low + high) / 2
        bits += "01"[coordinate >= middle]
        around[at % 2 == 0] = [middle, high] if coordinate >= middle else [low, middle]
    digits = (int(bits[at : at + 5], 2) for at in range(0, len(bits), 5))
    return "".join("0123456789bcdefghjkmnpqrstuvwxyz"[digit] for digit in digits)


@given(st.lists(st.tuples(DEGREES | BORDERS, DEGREES | BORDERS), max_size=6), st.integers(1, 12))
@example([(0.0, -1e-300), (-1e-300, 0.0), (180.0, 180.0), (-180.0, -180.0)], 12)
def test_geohash_is_that_of_bisection(places: list[tuple[float, float]], precision: int) -> None:
    places = [(latitude / 2, longitude) for latitude, longitude in places]
    kind = pa.struct([("lat", pa.float64()), ("lon", pa.float64())])
    structs = [{"lat": latitude, "lon": longitude} for latitude, longitude in places]
    got = run(CoarsenLocation(precision=precision), structs, kind)
    assert got == [bisected(*place, precision) for place in places]
    written = [f"{latitude:.25f},{longitude:.25f}" for latitude, longitude in places]
    read = [bisected(*map(float, text.split(",")), precision) for text in written]
    assert run(CoarsenLocation(precision=precision), written) == read


def test_geohash_of_structs_with_nulls() -> None:
    kind = pa.struct([("y", pa.decimal128(9, 6)), ("x", pa.float32())])
    both, none = {"y": Decimal("57.64911"), "x": 10.40744}, {"y": None, "x": None}
    half, far = {"y": Decimal(1), "x": None}, {"y": Decimal("90.5"), "x": 0.0}
    outcome = CoarsenLocation(precision=5, on_refused="null").apply(pa.array([both, None, none, half, far], kind))
    assert outcome.values.to_pylist() == ["u4pru", None, None, None, None]
    assert outcome.refused == 2


@pytest.mark.parametrize("precision", [None, 5])
def test_location_takes_no_other_types(precision: int | None) -> None:
    others = (pa.int64(), pa.struct([("lat", pa.float64())]), pa.struct([("a", pa.string()), ("b", pa.float64())]))
    for kind in others:
        with pytest.raises(TypeRefused):
            CoarsenLocation(precision=precision).output_type(kind)
    with pytest.raises(ValidationError):
        CoarsenLocation(decimals=2, precision=5)
