"""Messages of many lengths, cut into blocks of one size, for modes that take a block of every message at each step.

Messages are ordered by their number of blocks, most first, so that those still going are always the first rows. What
would go on long after nearly all others is left out, to be treated alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]

ROWS = 10_240  # per chunk, so that it stays in the processor's cache; a batch of Spark's (10,000) is one
_STEP = 16  # what a step costs beside its blocks, as a multiple of what a message costs when treated alone (measured)


class Chunk(NamedTuple):
    """Messages ``rows`` of a batch. ``data`` ends in room for one block more, so that any window lies inside it."""

    rows: slice
    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.intp]
    lengths: npt.NDArray[np.intp]

    def message(self, row: int) -> bytes:
        """The bytes of one message."""
        start = int(self.starts[row])
        return self.data[start : start + int(self.lengths[row])].tobytes()


def chunks(messages: pa.BinaryArray, block: int) -> Iterator[Chunk]:
    """A batch, which may be a slice, in pieces of `ROWS` messages, each with its own copy of their bytes."""
    if not len(messages):
        return
    _, offset_buffer, data_buffer = messages.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(messages) + 1, 4 * messages.offset)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    for first in range(0, len(messages), ROWS):
        ends = offsets[first : first + ROWS + 1].astype(np.intp)
        ends -= (base := int(ends[0]))
        room = np.zeros(int(ends[-1]) + block, np.uint8)
        room[: ends[-1]] = data[base : base + int(ends[-1])]
        yield Chunk(slice(first, first + len(ends) - 1), room, ends[:-1], np.diff(ends))


class Steps(NamedTuple):
    """``order``: the rows to treat step by step. ``active[i]``: how many of them, the first ones, have a block i; two
    zeros end it. ``alone``: the rows to treat one at a time."""

    order: Any
    active: list[int]
    alone: Array


def steps(counts: Array, limit: int) -> Steps:
    """How to go through messages of ``counts`` blocks each, one or more; longer ones than ``limit`` (< 2**16) go alone.

    Where to stop is a matter of cost: a step is worth taking while enough messages take it.
    """
    most = int(counts.max())
    if counts.min() == most <= min(limit, len(counts) // _STEP):  # often so: nothing to sort, nothing to leave out
        return Steps(slice(None), [len(counts)] * most + [0, 0], np.zeros(0, np.intp))
    have = len(counts) - np.cumsum(np.bincount(np.minimum(counts, limit + 1)))[: limit + 1]  # have[i]: over i blocks
    last = int(np.argmin(np.arange(len(have)) * _STEP + have))
    going = len(counts) - int(have[last])
    order = np.argsort((last - counts).clip(-1).astype(np.uint16), kind="stable")
    active = [int(n) - int(have[last]) for n in have[:last]]
    return Steps(order[:going], [*active, 0, 0], order[going:])


def windows(data: npt.NDArray[np.uint8], block: int) -> Array:
    """All runs of ``block`` bytes, one element each, overlapping; element i begins at byte i. Nothing is copied."""
    runs: Array = np.ndarray((len(data) - block + 1,), f"V{block}", data, strides=(1,))
    return runs


def as_cells(rows: Array) -> Array:
    """The rows of a matrix as one element each: numpy copies these several times faster than rows."""
    cells: Array = rows.view(f"V{rows.itemsize * rows.shape[1]}")[:, 0]
    return cells


def left_masks(block: int) -> npt.NDArray[np.uint64]:
    """Row r keeps the first r bytes of a block; for r from 0 to ``block``."""
    return _rows(np.arange(block) < np.arange(block + 1)[:, None], 0xFF)


def end_marks(block: int) -> npt.NDArray[np.uint64]:
    """Row r has the byte 0x80 at r; for r from 0 to ``block`` (which has none)."""
    return _rows(np.arange(block) == np.arange(block + 1)[:, None], 0x80)


def _rows(where: npt.NDArray[np.bool_], byte: int) -> npt.NDArray[np.uint64]:
    rows: npt.NDArray[np.uint64] = (where.astype(np.uint8) * np.uint8(byte)).view(np.uint64)
    return rows
