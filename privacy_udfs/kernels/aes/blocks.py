"""Messages of any lengths as one matrix of 16-byte blocks, and the two ways to walk over them.

Each message has blocks of its own, the last filled with zeros. `chain` goes through all messages a block at a time, as
CBC-MAC does; `keystream_xor` works on all blocks at once, as counter mode does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.aes.block_cipher import BLOCK, BlockCipher
from privacy_udfs.kernels.arrays import Units

Pairs = npt.NDArray[np.uint64]
"""Blocks as rows of two words; the words only ever meet xor, so their byte order does not matter."""
_INSIDE = np.tri(BLOCK + 1, BLOCK, -1, np.bool_)  # row i: the first i bytes of a block


class Blocks(NamedTuple):
    """data: the blocks. inside: which of their bytes belong to a message. starts, counts: blocks of each message."""

    data: Pairs
    inside: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]


def blocks_of(messages: Units, least: int = 0) -> Blocks:
    """The messages in blocks, at least ``least`` each."""
    lengths = np.diff(messages.offsets).astype(np.int64)
    counts = np.maximum(-(-lengths // BLOCK), least)
    ends = np.cumsum(counts)
    used = np.full(ends[-1] if len(ends) else 0, BLOCK, np.intp)
    some = counts > 0
    used[ends[some] - 1] = (lengths - BLOCK * (counts - 1))[some]
    inside = _INSIDE.take(used, axis=0)
    data = np.zeros(inside.shape, np.uint8)
    data[inside] = messages.units
    return Blocks(data.view(np.uint64), inside, ends - counts, counts, lengths)


def messages_of(data: Pairs, blocks: Blocks) -> Units:
    """The inverse of `blocks_of`, for other data in the same places."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(blocks.lengths)])
    return Units(data.view(np.uint8)[blocks.inside], offsets)


def chain(blocks: Blocks, data: Pairs, state: Pairs, step: Callable[[Pairs], Pairs]) -> Pairs:
    """For each message ``state = step(state ^ block)`` over its blocks in ``data``, all messages abreast."""
    steps = int(blocks.counts.max(initial=0))
    behind = steps - blocks.counts
    # sorted so that the messages that still have blocks come first; 16-bit keys are sorted by radix
    order = np.argsort(behind.astype(np.uint16) if steps < 1 << 16 else behind, kind="stable")
    starts, behind = blocks.starts[order], behind[order]
    states = np.repeat(state.reshape(1, 2), len(order), axis=0)
    for at in range(steps):
        rest = int(np.searchsorted(behind, steps - at))
        states[:rest] = step(states[:rest] ^ data.take(starts[:rest] + at, axis=0))
    done = np.empty_like(states)
    put(done, order, states)
    return done


def put(blocks: Pairs, places: npt.NDArray[np.int64], values: Pairs) -> None:
    """``blocks[places] = values``, each block moved as one 16-byte item, which is many times faster."""
    blocks.view(np.complex128).reshape(-1)[places] = np.ascontiguousarray(values).view(np.complex128).reshape(-1)


def keystream_xor(cipher: BlockCipher, counters: Pairs, first: int, blocks: Blocks) -> Pairs:
    """Counter mode: each message's blocks xor the encryptions of its counter block, whose last 32 bits (big-endian)
    have ``first``, ``first + 1``, ... added. The caller sees to it that they do not overflow."""
    number = np.arange(first, first + len(blocks.data)) - np.repeat(blocks.starts, blocks.counts)
    each = np.repeat(counters, blocks.counts, axis=0)
    each.view(">u4")[:, 3] += number.astype(np.uint32)
    return blocks.data ^ encrypt_all(cipher, each)


def encrypt_all(cipher: BlockCipher, blocks: Pairs) -> Pairs:
    """Each block through the cipher."""
    return cipher.encrypt(np.ascontiguousarray(blocks).view(np.uint8)).view(np.uint64)


def pair(block: bytes) -> Pairs:
    """One block as a row."""
    return np.frombuffer(block, np.uint64)
