"""FF1's arithmetic for halves below 2**32, such as up to eighteen digits: every number in one machine word.

The block of a round is two words, of which the first never changes, and S is the first word of its encryption. Buffers
are made once and stay in the processor's cache; a round over a chunk is ten calls and no allocation.
"""

from __future__ import annotations

import numpy as np

from privacy_udfs.kernels.aes import BLOCK, BlockCipher, room_for, xor
from privacy_udfs.kernels.ff1 import radix
from privacy_udfs.kernels.ff1.shape import Shape

_ROWS = 1 << 14


class Words:
    """See `ff1.Arithmetic`: a half is a uint64 array."""

    MAX_BYTES = 4  # of NUM(B): then S has 8 bytes, one word

    def __init__(self, cipher: BlockCipher, shape: Shape, rows: int) -> None:
        self.rows = max(1, min(rows, _ROWS))
        self._cipher = cipher
        self._shape = shape
        block = xor(shape.state, shape.head + bytes(BLOCK - len(shape.head)))
        self._tail = int.from_bytes(block[8:], "big")
        self._blocks = np.empty((self.rows, BLOCK), np.uint8)
        self._blocks[:, :8] = np.frombuffer(block[:8], np.uint8)
        self._out = room_for(self.rows)
        self._scratch = np.empty((2, self.rows), np.uint64)

    def read(self, numerals: radix.Numerals) -> radix.Words:
        return radix.to_words(numerals, self._shape.radix)

    def write(self, half: radix.Words, length: int) -> radix.Numerals:
        return radix.from_words(half, self._shape.radix, length)

    def mix(self, round_number: int, a: radix.Words, b: radix.Words, sign: int) -> radix.Words:
        modulus = np.uint64(self._shape.radix ** self._shape.numerals(round_number))
        y, spare = self._scratch[:, : len(a)]
        self._prf(round_number, b, y)
        np.floor_divide(y, modulus, out=spare)
        np.multiply(spare, modulus, out=spare)
        np.subtract(y, spare, out=y)
        if sign < 0:
            np.subtract(modulus, y, out=y)
        np.add(a, y, out=y)
        np.subtract(y, modulus, out=spare)
        np.minimum(y, spare, out=a)  # below zero the difference wraps round to a huge number
        return a

    def _prf(self, round_number: int, b: radix.Words, y: radix.Words) -> None:
        blocks = self._blocks[: len(b)]
        np.bitwise_xor(b, np.uint64(self._tail ^ (round_number << 8 * self._shape.b)), out=y)
        blocks.view(">u8")[:, 1] = y
        self._cipher.encrypt_into(blocks, self._out)
        y[...] = self._out[: blocks.size].view(">u8")[::2]
