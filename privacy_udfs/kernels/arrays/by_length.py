"""Byte strings of one length are rows of a matrix: what treats them so has no ends to look after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.arrays.byte_arrays import binary, must_fit
from privacy_udfs.kernels.arrays.utf8 import Bytes, Units, to_bytes

FEWEST = 64  # rows of one length from which on a matrix of their own costs less than to go with all others (measured)

Places = npt.NDArray[Any]
Rows = Callable[[Bytes], Bytes]
Rest = Callable[[pa.BinaryArray], pa.BinaryArray]
EachRows = Callable[[Places, Bytes], "Bytes | None"]
Opened = Callable[[Bytes], "list[tuple[Places, Bytes]] | None"]
"""What comes of rows of one length: rows of several lengths, each with which of the given ones they are of."""


def by_length(values: pa.BinaryArray, longest: int, rows: Rows, rest: Rest) -> pa.BinaryArray:
    """``rows`` over the values of each length that is frequent and at most ``longest``, ``rest`` over all others, in
    one call. ``rows`` gives a matrix of as many rows; ``rest`` keeps the order. No nulls."""
    done = opened_by_length(values, longest, lambda given: [(np.arange(len(given)), rows(given))], rest)
    assert done is not None, "of rows that are made something always comes"
    return done


def opened_by_length(
    values: pa.BinaryArray, longest: int, rows: Opened, rest: Callable[[pa.BinaryArray], pa.BinaryArray | None]
) -> pa.BinaryArray | None:
    """As `by_length`, where what comes of values of one length has several; None where either gives it."""
    data, offsets = to_bytes(values)
    lengths = np.diff(offsets)
    order, groups = _groups(lengths, longest)
    parts = list[tuple[Places, Bytes]]()
    for at in groups:
        opened = rows(_matrix(data, offsets[at], int(lengths[at[0]])))
        if opened is None:
            return None
        parts += [(at[within], matrix) for within, matrix in opened]
    done = sum(len(at) for at, _ in parts)
    if done == len(values) and done:
        return _placed(parts, done)
    others = np.sort(order[done:])
    left = rest(values.take(pa.array(others)) if done else values)
    if not done or left is None:
        return left
    places = np.empty(len(values), np.int64)
    places[np.concatenate([*(at for at, _ in parts), others])] = np.arange(len(values))
    return pa.concat_arrays([*(_array(matrix, left.type) for _, matrix in parts), left]).take(pa.array(places))


def each_length(values: pa.BinaryArray, rows: EachRows) -> pa.BinaryArray | None:
    """``rows`` over the values of each length, with their places; None where it gives that. It gives a matrix of as
    many rows. No nulls."""
    data, offsets = to_bytes(values)
    lengths = np.diff(offsets)
    order = np.argsort(lengths.astype(np.uint16) if lengths.max(initial=0) < 1 << 16 else lengths, kind="stable")
    parts = list[tuple[Places, Bytes]]()
    for at in _split(order, np.flatnonzero(np.diff(lengths[order], append=-1)) + 1):
        made = rows(at, _matrix(data, offsets[at], int(lengths[at[0]])))
        if made is None:
            return None
        parts.append((at, made))
    return _placed(parts, len(values))


def _groups(lengths: npt.NDArray[Any], longest: int) -> tuple[npt.NDArray[Any], list[npt.NDArray[Any]]]:
    """All places, those of the frequent lengths first; and these apart, length by length, each in order."""
    short = np.minimum(lengths, longest + 1)
    counts = np.bincount(short, minlength=longest + 2)
    frequent = counts >= FEWEST
    frequent[-1] = False
    rank = np.full(longest + 2, longest + 2, np.uint16)
    rank[frequent] = np.flatnonzero(frequent)
    order = np.argsort(rank[short], kind="stable")
    ends = np.cumsum(counts[frequent])
    return order, list(_split(order, ends))


def _split(order: npt.NDArray[Any], ends: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    start = 0
    for end in ends.tolist():
        yield order[start:end]
        start = end


def _matrix(data: Bytes, starts: npt.NDArray[Any], length: int) -> Bytes:
    """The values that begin at ``starts``, a row each."""
    if not length:
        return np.zeros((len(starts), 0), np.uint8)
    picked: Bytes = _items(data, length)[starts].view(np.uint8).reshape(-1, length)
    return picked


def _placed(parts: list[tuple[npt.NDArray[Any], Bytes]], count: int) -> pa.BinaryArray:
    """All rows in the places that are told with them."""
    offsets = np.zeros(count + 1, np.int64)
    for at, matrix in parts:
        offsets[at + 1] = matrix.shape[1]
    np.cumsum(offsets, out=offsets)
    must_fit(int(offsets[-1]))
    data = np.empty(int(offsets[-1]), np.uint8)
    for at, matrix in parts:
        if matrix.shape[1]:
            _items(data, matrix.shape[1])[offsets[at]] = matrix.view(f"V{matrix.shape[1]}")[:, 0]
    return binary(Units(data, offsets))


def _array(matrix: Bytes, kind: pa.DataType) -> pa.Array:
    return binary(Units(matrix.reshape(-1), np.arange(len(matrix) + 1) * matrix.shape[1])).view(kind)


def _items(data: Bytes, size: int) -> npt.NDArray[Any]:
    """All runs of ``size`` bytes, one item each, overlapping: items move many times faster than bytes do."""
    items: npt.NDArray[Any] = np.ndarray((len(data) - size + 1,), f"V{size}", data, 0, (1,))
    return items
