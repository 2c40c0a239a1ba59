"""Arrow arrays of byte strings without nulls: made, put together, cut apart, split by size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import ValueRefused
from privacy_udfs.kernels.arrays.utf8 import MAX_TEXT_BYTES, Bytes, Units

Many = Callable[[pa.BinaryArray], "pa.BinaryArray | None"]
One = Callable[[bytes], "bytes | None"]
SLICE = 1 << 16


def binary(messages: Units) -> pa.BinaryArray:
    """The messages as an Arrow array."""
    data, offsets = messages
    must_fit(int(offsets[-1]))
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def from_list(values: list[bytes]) -> pa.BinaryArray:
    """The values as an Arrow array."""
    must_fit(sum(map(len, values)))
    return pa.array(values, pa.binary())


def to_list(values: pa.BinaryArray) -> list[bytes]:
    """The inverse of `from_list`, several times faster than ``to_pylist``."""
    found: list[bytes] = values.to_numpy(zero_copy_only=False).tolist()
    return found


def rows_of(matrix: npt.NDArray[Any]) -> Units:
    """The rows of a matrix as messages of one length."""
    rows = np.ascontiguousarray(matrix).view(np.uint8)
    return Units(rows.reshape(-1), np.arange(len(rows) + 1) * rows.shape[1])


def joined(*parts: Units) -> pa.BinaryArray:
    """For each row, its message of every part, end to end."""
    must_fit(sum(int(part.offsets[-1]) for part in parts))
    return pc.binary_join_element_wise(*(binary(part) for part in parts), b"")


def prefixed(prefix: bytes, values: pa.BinaryArray) -> pa.BinaryArray:
    """Each value with ``prefix`` before it."""
    must_fit(values.nbytes + len(values) * len(prefix))
    return pc.binary_join_element_wise(pa.scalar(prefix, pa.binary()), values, b"")


def must_fit(size: int) -> None:
    """Raise `ValueRefused` where so many bytes are more than an array takes."""
    if size > MAX_TEXT_BYTES:
        raise ValueRefused("the values of this batch are over 2 GiB once treated; use smaller batches")


def shorter_than(values: pa.BinaryArray, size: int) -> bool:
    """Whether any value has fewer than ``size`` bytes."""
    return bool(len(values)) and bool(pc.min(pc.binary_length(values)).as_py() < size)


def without(values: pa.BinaryArray, size: int) -> pa.BinaryArray:
    """Each value without its first ``size`` bytes."""
    return pc.binary_slice(values, size, MAX_TEXT_BYTES)  # without an end, Arrow 26 reckons a negative size


def cut(values: pa.BinaryArray, start: int, size: int) -> Bytes:
    """``size`` bytes of each value as a matrix, from ``start`` on.

    Each value must have them; see `shorter_than`."""
    if not len(values):
        return np.zeros((0, size), np.uint8)
    offsets = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1, 4 * values.offset)
    data = values.buffers()[2]
    # an item of `size` bytes starts at every byte: picking items is many times faster than picking bytes
    items: npt.NDArray[Any] = np.ndarray((data.size - size + 1,), f"V{size}", data, 0, (1,))
    picked: Bytes = items[offsets[:-1] + np.intp(start)].view(np.uint8).reshape(-1, size)
    return picked


def by_size(values: pa.BinaryArray, limit: int, many: Many, one: One) -> pa.BinaryArray | None:
    """``many`` over the values of up to ``limit`` bytes, ``one`` over each longer one; None where either gives it."""
    long = pc.greater(pc.binary_length(values), limit).to_numpy(zero_copy_only=False)
    if not long.any():
        return many(values)
    short = many(values.filter(pa.array(~long)))
    rest = [one(value.as_py()) for value in values.filter(pa.array(long))]
    if short is None or None in rest:
        return None
    must_fit(short.nbytes + sum(map(len, filter(None, rest))))
    places = np.where(long, len(short) + np.cumsum(long), np.cumsum(~long)) - 1
    return pa.concat_arrays([short, pa.array(rest, pa.binary())]).take(pa.array(places))


def in_slices(values: pa.Array, treat: Callable[[pa.Array], pa.Array | None]) -> pa.Array | None:
    """``treat`` over slices of some ten thousand values, which bounds the memory of what it does; None where it is."""
    parts = []
    for at in range(0, max(len(values), 1), SLICE):
        part = treat(values.slice(at, SLICE))
        if part is None:
            return None
        parts.append(part)
    must_fit(sum(part.nbytes for part in parts))
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


def spread(dense: pa.Array, like: pa.Array) -> pa.Array:
    """The opposite of ``drop_null``: the values of ``dense`` where ``like`` is not null, null elsewhere."""
    if not like.null_count:
        return dense
    valid = like.is_valid().to_numpy(zero_copy_only=False)
    return dense.take(pa.array(np.cumsum(valid) - 1, mask=~valid))
