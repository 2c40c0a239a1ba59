"""Rows in an order that does not tell the source's: of the rows of one row group all orders are equally likely.

It is drawn from the system's randomness and kept by nobody. Who knows where some rows of a row group went learns
nothing of the others; the state of a faster generator could be worked out.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MOST = 1 << 20
"""Rows that are permuted together, so that memory is bounded however short they are."""

MOST_ELEMENTS = 1 << 23
"""Elements whose new places are told to numpy, at eight bytes each. More of them are left to Arrow."""


def shuffled(rows: pa.Table) -> pa.Table:
    """The same rows; of more than `MOST` each stretch of so many by itself."""
    parts = [_permuted(rows.slice(start, MOST)) for start in range(0, rows.num_rows, MOST)]
    return pa.concat_tables(parts) if parts else rows


def permutation(number: int) -> npt.NDArray[np.int64]:
    """The numbers below ``number``, `MOST` at most, sorted by 44 random bits or more each: two hardly have the same."""
    bits = np.uint64(max(number - 1, 1).bit_length())
    keys: npt.NDArray[np.uint64] = np.frombuffer(os.urandom(8 * number), np.uint64) << bits
    keys |= np.arange(number, dtype=np.uint64)
    keys.sort()
    keys &= (np.uint64(1) << bits) - np.uint64(1)
    return keys.astype(np.int64)


def _permuted(rows: pa.Table) -> pa.Table:
    if rows.num_rows == 1:
        return rows
    at = permutation(rows.num_rows)
    return pa.Table.from_arrays([_taken(column.combine_chunks(), at) for column in rows.columns], schema=rows.schema)


def _taken(values: pa.Array, at: npt.NDArray[np.int64]) -> pa.Array:
    """As ``values.take(at)``, of texts of one length, as pseudonyms are, in a third of the time; so of those within
    structs and lists."""
    if pa.types.is_struct(values.type) and values.type.num_fields:
        fields = [_taken(values.field(place), at) for place in range(values.type.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(values.type), mask=_nulls(values, at))
    if pa.types.is_list(values.type) and len(values.values) <= MOST_ELEMENTS:
        return _lists_taken(values, at)
    return _texts_taken(values, at)


def _lists_taken(values: pa.ListArray, at: npt.NDArray[np.int64]) -> pa.ListArray:
    """The elements of each list stay side by side."""
    offsets = values.offsets.to_numpy()
    lengths, nulls = np.diff(offsets)[at], _nulls(values, at)
    if nulls is not None:
        lengths[nulls.to_numpy(zero_copy_only=False)] = 0  # a null may stand over elements
    begin = np.zeros(len(at) + 1, np.int32)
    np.cumsum(lengths, out=begin[1:])
    elements = np.repeat((offsets[at] - begin[:-1]).astype(np.int64), lengths)
    elements += np.arange(begin[-1])
    taken = _taken(values.values, elements)
    return pa.ListArray.from_arrays(pa.array(begin), taken, type=values.type, mask=nulls)


def _nulls(values: pa.Array, at: npt.NDArray[np.int64]) -> pa.BooleanArray | None:
    return values.is_null().take(pa.array(at)) if values.null_count else None


def _texts_taken(values: pa.Array, at: npt.NDArray[np.int64]) -> pa.Array:
    offsets = _offsets(values)
    width = 0 if offsets is None else int(offsets[1] - offsets[0])
    if offsets is None or width == 0 or bool((np.diff(offsets) != width).any()):
        return values.take(pa.array(at))
    texts: Any = np.frombuffer(values.buffers()[2], np.dtype((np.void, width)), len(values), offsets[0])
    begin = np.arange(len(at) + 1, dtype=np.int32) * np.int32(width)
    taken = texts.take(at, mode="clip")  # no place is outside, and without a check it is faster
    return pa.Array.from_buffers(values.type, len(at), [None, pa.py_buffer(begin), pa.py_buffer(taken)])


def _offsets(values: pa.Array) -> npt.NDArray[np.int32] | None:
    """Where each text begins, and the last one ends; None where it is no text, or some of it is null."""
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)) or values.null_count or not len(values):
        return None
    return np.frombuffer(values.buffers()[1], np.int32, len(values) + 1, 4 * values.offset)
