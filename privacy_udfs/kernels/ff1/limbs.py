"""FF1's arithmetic for longer halves: numbers as limbs, one limb a row of a matrix, one value a column.

A number changes its base by a matrix product: limb i times the i-th power of the old base, written in limbs of the new
one. Limbs stay below 2**16 and sums below 2**53, so the products in float64 are exact in any order. In base radix**k
the remainder modulo a power of the radix is what is left when the higher limbs are dropped.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.aes import BLOCK, BlockCipher
from privacy_udfs.kernels.ff1 import radix
from privacy_udfs.kernels.ff1.shape import Shape

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_CELLS = 1 << 17  # limbs worked on at a time: what stays in the processor's cache
_WORD = 1 << 16


class Limbs:
    """See `ff1.Arithmetic`: a half is an int64 matrix of limbs in base radix**k, the least significant in row 0."""

    def __init__(self, cipher: BlockCipher, shape: Shape, rows: int) -> None:
        self._cipher = cipher
        self._shape = shape
        self._levels = max(level for level in range(4) if level == 0 or shape.radix ** (1 << level) <= _WORD)
        self._halves = {
            length: _half(shape.radix, self._levels, length, shape.b, shape.d) for length in {shape.u, shape.v}
        }
        size = -(-(len(shape.head) + 1 + shape.b) // BLOCK) * BLOCK
        self.rows = max(1, min(rows, _CELLS // max(size // 2, shape.d // 2)))
        self._blocks = np.zeros((self.rows, size // 2), ">u2")
        self._state = np.frombuffer(shape.state, np.uint64)

    def read(self, numerals: radix.Numerals) -> Integers:
        rows = radix.padded(numerals, 8 // numerals.itemsize)
        limbs = radix.fold(rows, self._shape.radix, self._levels)
        used = self._halves[numerals.shape[1]].limbs
        return np.ascontiguousarray(limbs[:, : -used - 1 : -1].T, np.int64)

    def write(self, half: Integers, length: int) -> radix.Numerals:
        dtype = np.dtype(radix.numeral_type(self._shape.radix))
        limbs = np.ascontiguousarray(half[::-1].T, f"u{dtype.itemsize << self._levels}")
        return radix.unfold(limbs, self._shape.radix, self._levels)[:, -length:]

    def mix(self, round_number: int, a: Integers, b: Integers, sign: int) -> Integers:
        length = self._shape.numerals(round_number)
        self._fill_blocks(round_number, self._halves[self._shape.length - length].in_words(b))
        y = self._halves[length].from_words @ self._prf(b.shape[1])
        return self._halves[length].reduced(a + sign * y.astype(np.int64))

    def _fill_blocks(self, round_number: int, number: Integers) -> None:
        """The end of Q: what is left of the tweak and its padding, the round number, NUM(B)."""
        end = self._shape.head + bytes([round_number]) + bytes(self._shape.b)
        fixed = np.frombuffer(end, ">u2")
        blocks = self._blocks[: number.shape[1]]
        blocks[:] = fixed
        count = len(number)
        blocks[:, -count:] = (number[::-1] + fixed[-count:, None]).T

    def _prf(self, rows: int) -> Floats:
        """S, a column a value, as 16-bit words, the most significant in row 0."""
        blocks = self._blocks[:rows].view(np.uint64)
        r = np.broadcast_to(self._state, (rows, 2))
        for at in range(0, blocks.shape[1], 2):
            r = self._encrypt(blocks[:, at : at + 2] ^ r)
        s = r[:, None, :]
        if self._shape.d > BLOCK:
            counters = np.zeros((-(-self._shape.d // BLOCK), 2), ">u8")
            counters[:, 1] = np.arange(len(counters))
            more = self._encrypt(s ^ counters[1:].view(np.uint64))
            s = np.concatenate([s, more], axis=1)
        words = np.ascontiguousarray(s).reshape(rows, -1).view(">u2")
        s_words: Floats = words[:, : self._shape.d // 2].T.astype(np.float64)
        return s_words

    def _encrypt(self, blocks: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        return self._cipher.encrypt(np.ascontiguousarray(blocks).view(np.uint8)).view(np.uint64)


class _Half:
    """Halves of ``length`` numerals: their limbs, and the matrices that lead from and to 16-bit words."""

    def __init__(self, radix: int, levels: int, length: int, b: int, d: int) -> None:
        per_limb = 1 << levels
        self.limbs = -(-length // per_limb)
        self._base = radix**per_limb
        self._top = radix ** (length - per_limb * (self.limbs - 1))
        powers = [pow(_WORD, power, radix**length) for power in reversed(range(d // 2))]
        self.from_words = _columns(powers, self._base, self.limbs)
        # one word more than NUM(B) has where the round number stands in a word of its own
        self._to_words = _columns([self._base**power for power in range(self.limbs)], _WORD, b // 2 + 1)

    def in_words(self, half: Integers) -> Integers:
        """Limbs as 16-bit words, the least significant in row 0."""
        words = (self._to_words @ half.astype(np.float64)).astype(np.int64)
        for at in range(len(words) - 1):
            words[at + 1] += words[at] >> 16
            words[at] &= _WORD - 1
        return words

    def reduced(self, limbs: Integers) -> Integers:
        """Carries brought up, and what is beyond radix**length dropped; borrows too, for division rounds down."""
        for at in range(len(limbs) - 1):
            carry = limbs[at] // self._base
            limbs[at] -= carry * self._base
            limbs[at + 1] += carry
        limbs[-1] -= limbs[-1] // self._top * self._top
        return limbs


_half = functools.lru_cache(maxsize=64)(_Half)  # no key in them, and batch after batch needs the same


def _columns(numbers: list[int], base: int, limbs: int) -> Floats:
    """Each number as a column of limbs, the least significant first; higher limbs than asked for are dropped."""
    columns: list[list[int]] = []
    for number in numbers:
        columns.append([])
        for _ in range(limbs):
            number, limb = divmod(number, base)
            columns[-1].append(limb)
    matrix: Floats = np.array(columns, np.float64).T.copy()
    return matrix
