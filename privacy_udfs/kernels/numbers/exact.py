"""Exact whole-array arithmetic on integers and decimals: as integers at a scale.

A *scaled* array holds ``number * 10**scale``: int64 where everything to be computed fits, Python integers in an
object array (exact, some ten times slower) where it does not: near the ends of int64, and past 18 digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Scaled = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
MAX_DIGITS = 38  # of decimal128
_INT64 = 1 << 63
_LOW = (1 << 64) - 1


def from_arrow(values: pa.Array, scale: int) -> Scaled:
    """``floor(value * 10**scale)`` of an integer or decimal128 array; 0 at nulls."""
    if not pa.types.is_decimal(values.type):
        return times(_integers(values), 10**scale)
    digits = values.type.scale
    if digits > scale:
        wide = values.cast(pa.decimal256(76, digits))  # room for the digit that rounding down may add
        values, digits = pc.round(wide, scale, "down").cast(pa.decimal128(38, scale)), scale
    return times(_decimals(values), 10 ** (scale - digits))


def _integers(values: pa.Array) -> Scaled:
    if pa.types.is_uint64(values.type):
        return _decimals(values.cast(pa.decimal128(20)))
    return np.asarray(pc.fill_null(values, 0).cast(pa.int64()))


def _decimals(values: pa.Array) -> Scaled:
    words = _words(values)
    low, high = words[:, 0], words[:, 1]
    if values.null_count:
        valid = values.is_valid().to_numpy(zero_copy_only=False)
        low, high = np.where(valid, low, 0), np.where(valid, high, 0)
    if (high == low >> 63).all():
        return low
    joined: Scaled = (high.astype(object) << 64) + low.view(np.uint64).astype(object)
    return joined


def _words(values: pa.Array) -> npt.NDArray[np.int64]:
    """The little-endian 64-bit words of a decimal128 array: low, high."""
    data = np.frombuffer(values.buffers()[1] or b"", np.int64).reshape(-1, 2)
    return data[values.offset : values.offset + len(values)]


def magnitude(numbers: Scaled) -> int:
    """The largest absolute value; 0 of none."""
    return max(abs(int(numbers.max())), abs(int(numbers.min()))) if len(numbers) else 0


def with_room(numbers: Scaled, room: int) -> Scaled:
    """The same numbers, as Python integers if adding up to ``room`` to one could leave int64."""
    return numbers if magnitude(numbers) + room < _INT64 else numbers.astype(object)


def times(numbers: Scaled, factor: int) -> Scaled:
    """Every number times a positive ``factor``."""
    if factor == 1:
        return numbers
    return (numbers if max(1, magnitude(numbers)) * factor < _INT64 else numbers.astype(object)) * factor


def fits(numbers: Scaled, kind: pa.DataType) -> Mask:
    """Which scaled numbers an integer or decimal128 type (of that scale) can hold."""
    low, high = limits(kind)
    inside: Mask = np.asarray((numbers >= low) & (numbers <= high), np.bool_)
    return inside


def limits(kind: pa.DataType) -> tuple[int, int]:
    """The smallest and the largest scaled number of an integer or decimal128 type."""
    if pa.types.is_decimal(kind):
        most = 10**kind.precision - 1
        return -most, most
    info = np.iinfo(kind.to_pandas_dtype())
    return int(info.min), int(info.max)


def to_arrow(numbers: Scaled, kind: pa.DataType, blank: Mask) -> pa.Array:
    """An integer or decimal128 array out of scaled numbers that fit ``kind``; null where ``blank``."""
    numbers = np.where(blank, 0, numbers)
    if not pa.types.is_decimal(kind):
        plain = numbers.astype(np.uint64 if pa.types.is_uint64(kind) else np.int64)
        return pa.array(plain, mask=blank).cast(kind)
    words = np.empty((len(numbers), 2), np.int64)
    if numbers.dtype == object:
        words[:, 0] = (numbers & _LOW).astype(np.uint64).view(np.int64)
        words[:, 1] = (numbers >> 64).astype(np.int64)
    else:
        words[:, 0], words[:, 1] = numbers, numbers >> 63
    valid = pa.array(~blank).buffers()[1]
    return pa.Array.from_buffers(kind, len(numbers), [valid, pa.py_buffer(words)])


def from_floats(numbers: npt.NDArray[np.float64], scale: int) -> Scaled:
    """``number * 10**scale`` of finite floats, rounded half to even."""
    rounded = np.rint(numbers * float(10**scale))
    if not len(rounded) or np.abs(rounded).max() < 2.0**62:
        return rounded.astype(np.int64)
    return np.array([int(number) for number in rounded.tolist()], object)


def at_least(numbers: Scaled, end: int) -> Scaled:
    """Each number, or ``end`` where that is larger."""
    return np.maximum(with_room(numbers, abs(end)), end)


def at_most(numbers: Scaled, end: int) -> Scaled:
    """Each number, or ``end`` where that is smaller."""
    return np.minimum(with_room(numbers, abs(end)), end)
