"""`coarsen_location`: coordinates with fewer decimals, or a short geohash of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs import result_shapes
from privacy_udfs.kernels.arrays import Array, utf8
from privacy_udfs.kernels.numbers import LATITUDE, LONGITUDE, geohash
from privacy_udfs.strength import LESS_IS_STRONGER, Shows
from privacy_udfs.technique import Key, TextTechnique, Treated

PAIR = r"^ *(?P<latitude>[-+]?[0-9]+(?:\.[0-9]*)?) *, *(?P<longitude>[-+]?[0-9]+(?:\.[0-9]*)?) *$"


class CoarsenLocation(TextTechnique):
    """Make a position coarser. Give one of:

    decimals: 0 to 5 decimals of a degree stay of one coordinate, a latitude or a longitude in degrees: float or decimal
    in, the same type out. Rounded to the nearest (of two, to the even one), so a result is the centre of its cell;
    never ``-0.0``. One decimal of latitude is 11 km, two (the default) 1.1 km, three 110 m; of longitude less towards
    the poles.
    precision: 1 to 12 characters of the geohash of both coordinates: a struct of two floats or decimals, latitude
    first, whatever their names, or text ``latitude,longitude`` in; text out. At the equator a cell is 156 km wide and
    high with 3 characters, 39 km by 20 with 4, 4.9 km by 4.9 with 5, 1.2 km by 0.6 with 6.

    Null in, null out; a struct of two nulls is null too. empty: an empty text can be made null, see `TextTechnique`.
    Refused: not a number, infinite, out of range (latitude beyond 90, longitude beyond 180 degrees; with ``decimals``
    beyond 180 either way), one null of two, text that is no pair.
    A cell hides a home among its neighbours, where there are any: in open country there are few. Several points of one
    person (a track) tell more than one.
    """

    technique: Literal["coarsen_location"] = "coarsen_location"
    decimals: Annotated[Annotated[int, Field(ge=0, le=5)] | None, LESS_IS_STRONGER] = None
    precision: Annotated[Annotated[int, Field(ge=1, le=12)] | None, LESS_IS_STRONGER] = None

    comes_out = "to decimals or a geohash"
    shows = Shows.A_PART

    @model_validator(mode="before")
    @classmethod
    def _two_decimals(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("decimals") is None and given.get("precision") is None:
            return {**given, "decimals": 2}
        return given

    @model_validator(mode="after")
    def _one_way(self) -> CoarsenLocation:
        if self.decimals is not None and self.precision is not None:
            raise ValueError("expected decimals or precision, not both")
        return self

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        if self.precision is not None:
            return result_shapes.matching(results, f"^[0-9b-hjkmnp-z]{{{self.precision}}}$")
        return (
            result_shapes.same_again(self, results) if _is_number(results.type) else self.refuse_type(results.type, "")
        )

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if self.precision is None:
            return values if _is_number(values) else self.refuse_type(values, "a coordinate: a float or a decimal")
        if pa.types.is_string(values) or pa.types.is_large_string(values):
            return pa.string()
        if pa.types.is_struct(values) and [_is_number(field.type) for field in values] == [True, True]:
            return pa.string()
        return self.refuse_type(values, "a struct of latitude and longitude, or text 'latitude,longitude'")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if self.precision is not None:
            return _geohashes(values, self.precision)
        rounded = _round_decimals if pa.types.is_decimal(values.type) else _round_floats
        coarse = rounded(values, self.decimals or 0)
        return Treated(coarse, pc.and_(values.is_valid(), coarse.is_null()))


def _is_number(column: pa.DataType) -> bool:
    return bool(pa.types.is_floating(column) or pa.types.is_decimal(column))


def _round_floats(values: pa.Array, decimals: int) -> pa.Array:
    """Rounded values; null for null and for what is no coordinate."""
    degrees = _doubles(values)
    inside = np.abs(degrees) <= LONGITUDE  # false for not-a-number too
    rounded = np.rint(np.where(inside, degrees, 0) * 10**decimals) / 10**decimals + 0.0  # -0.0 + 0.0 is 0.0
    return pa.array(rounded, mask=~inside).cast(values.type, safe=False)


def _round_decimals(values: pa.Array, decimals: int) -> pa.Array:
    """The same for decimals, exact; null also where a rounded value has more digits than the type."""
    kind = values.type
    wide = values.cast(pa.decimal256(min(76, max(kind.precision, kind.scale + 3) + 1), kind.scale))
    rounded = pc.round(wide, decimals, "half_to_even")
    fits = pc.less(pc.abs(rounded), 10.0 ** (kind.precision - kind.scale))
    inside = pc.and_(pc.less_equal(pc.abs(wide), LONGITUDE), fits)
    return pc.if_else(inside, rounded, pa.scalar(None, rounded.type)).cast(kind)


def _geohashes(values: pa.Array, precision: int) -> Treated:
    latitude, longitude, there = _pairs(values)
    good = (np.abs(latitude) <= LATITUDE) & (np.abs(longitude) <= LONGITUDE)
    cells = geohash(np.where(good, latitude, 0), np.where(good, longitude, 0), precision)
    texts = utf8.from_cells(cells, np.ones(cells.shape, np.bool_))
    texts = pc.if_else(pa.array(good), texts, pa.scalar(None, pa.string()))
    return Treated(texts, pa.array(there & ~good))


def _pairs(values: pa.Array) -> tuple[Array, Array, Array]:
    """Latitudes, longitudes (not-a-number for what is none), and where there is a value at all."""
    if pa.types.is_struct(values.type):
        latitude, longitude = values.flatten()
        there = pc.or_(latitude.is_valid(), longitude.is_valid())
    else:
        there = values.is_valid()
        pair = pc.extract_regex(utf8.well_formed(values)[0], PAIR)
        latitude, longitude = pair.flatten()
    return _doubles(latitude), _doubles(longitude), there.to_numpy(zero_copy_only=False)


def _doubles(values: pa.Array) -> Array:
    """The values as doubles, not-a-number for null."""
    doubles: Array = pc.fill_null(values.cast(pa.float64()), np.nan).to_numpy()
    return doubles
