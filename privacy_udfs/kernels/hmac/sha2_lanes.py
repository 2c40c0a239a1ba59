"""HMAC over SHA-2 in the lanes of the processor's vector unit, where `llvmlite` (the extra ``fast``) is installed.

The code of `privacy_udfs.kernels.hmac.sha2_ir` takes a block of every message at each step.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.arrays import Chunk, as_cells, chunks, end_marks, left_masks, steps, windows
from privacy_udfs.kernels.hmac.hmac_plain import hmac_one_by_one
from privacy_udfs.kernels.native import COUNT, POINTER, MachineCode

Array = npt.NDArray[Any]
LIMIT = 8  # blocks from which on a message is treated alone: one stream of the processor's own SHA is then as fast


class Lanes:
    """One compiled hash. ``name``: ``sha256`` or ``sha512``."""

    def __init__(self, name: str) -> None:
        from privacy_udfs.kernels.hmac import sha2_ir

        sha = sha2_ir.HASHES[name]
        self.name, self.width, self.block = name, sha.lanes, sha.block
        self.word: Any = np.dtype(f"u{sha.bits // 8}")
        self._start = np.array(sha2_ir.root_fractions(8, 2, sha.bits), self.word)
        self._masks, self._marks = left_masks(sha.block), end_marks(sha.block)
        self._code = MachineCode(sha2_ir.module(sha))
        self._absorb = self._code.function("absorb", POINTER, POINTER, COUNT)
        self._finish = self._code.function("finish", POINTER, POINTER, POINTER, COUNT)

    def hmac(self, key: bytes, messages: pa.BinaryArray) -> npt.NDArray[np.uint8]:
        """HMAC (RFC 2104) of each message: one row each; arbitrary rows at nulls."""
        inner, outer = (self._key_state(key, pad) for pad in (0x36, 0x5C))
        digests = np.empty((len(messages), 8 * self.word.itemsize), np.uint8)
        for chunk in chunks(messages, self.block):
            alone = self._digest(inner, outer, chunk, digests[chunk.rows])
            if len(alone):
                alone += chunk.rows.start
                digests[alone] = hmac_one_by_one(key, messages.take(pa.array(alone)), self.name)
        return digests

    def _key_state(self, key: bytes, pad: int) -> Array:
        """The state after the padded key, in every lane: (8 words, lanes)."""
        if len(key) > self.block:
            key = hashlib.new(self.name, key).digest()
        block = bytes(byte ^ pad for byte in key.ljust(self.block, b"\0"))
        state = self._states(self._start[:, None], self.width)
        self._call(self._absorb, 1, state, np.frombuffer(block * self.width, np.uint8))
        first: Array = state[0]
        return first

    def _states(self, start: Array, messages: int) -> Array:
        states = np.empty((-(-messages // self.width), 8, self.width), self.word)
        states[:] = start
        return states

    def _call(self, function: Any, groups: int, *arrays: Array) -> None:
        function(*(array.ctypes.data for array in arrays), groups)

    def _digest(self, inner: Array, outer: Array, chunk: Chunk, digests: Array) -> Array:
        """Fills rows of ``digests``; gives the numbers of those it left out, to be treated alone."""
        trailer = 1 + 2 * self.word.itemsize  # the byte 0x80 and the length
        counts = (chunk.lengths + trailer + self.block - 1) // self.block
        order, active, alone = steps(counts, LIMIT)
        starts, lengths = chunk.starts[order], chunk.lengths[order]
        states = self._states(inner, len(starts))
        for i in range(len(active) - 2):
            rows = self._blocks(chunk, starts, lengths, i, active[i : i + 3])
            self._take(states, rows, active[i])
        rows = np.empty((len(states) * self.width, digests.shape[1]), np.uint8)
        self._call(self._finish, len(states), states, outer, rows)
        as_cells(digests)[order] = as_cells(rows)[: len(starts)]
        return alone

    def _blocks(self, chunk: Chunk, starts: Array, lengths: Array, i: int, active: list[int]) -> Array:
        """Block i of each message that has one, padded by FIPS 180-4, section 5.1; and room up to a full group."""
        now, after, later = active
        rows = np.empty((-(-now // self.width) * self.width, self.block // 8), np.uint64)
        at = starts[:now] + i * self.block
        as_cells(rows)[:now] = windows(chunk.data, self.block)[np.minimum(at, len(chunk.data) - self.block)]
        left = lengths[later:now] - i * self.block  # the rows before these are full of message
        kept = np.clip(left, 0, self.block)
        rows[later:now] &= self._masks.take(kept, 0)
        rows[later:now] |= self._marks.take(np.where(left < 0, self.block, kept), 0)
        bits = (lengths[after:now] + self.block) * 8  # the padded key came before
        rows[after:now, -1] |= bits.astype(">u8").view(np.uint64)
        return rows

    def _take(self, states: Array, rows: Array, now: int) -> None:
        """A block into each of the first ``now`` states; the rest of their last group stays as it is."""
        groups, used = len(rows) // self.width, now % self.width
        rest = states[groups - 1, :, used:].copy() if used else None
        self._call(self._absorb, groups, states, rows)
        if rest is not None:
            states[groups - 1, :, used:] = rest
