"""FF1's arithmetic for very long values, some thousand numerals and more, each half one of Python's integers.

Here a value at a time costs less than limbs, whose work grows with the square of the length in every round: a round
needs a remainder of a number hardly longer than its modulus, and only reading and writing the numerals divides much.
"""

from __future__ import annotations

import numpy as np

from privacy_udfs.kernels.aes import BLOCK, BlockCipher
from privacy_udfs.kernels.ff1 import radix
from privacy_udfs.kernels.ff1.shape import Shape


class Long:
    """See `ff1.Arithmetic`: a half is a list of integers, one a value."""

    rows = 1

    def __init__(self, cipher: BlockCipher, shape: Shape) -> None:
        self._cipher = cipher
        self._shape = shape
        self._per_word = 8 // np.dtype(radix.numeral_type(shape.radix)).itemsize
        self._levels = self._per_word.bit_length() - 1
        self._moduli = (shape.radix**shape.u, shape.radix**shape.v)

    def read(self, numerals: radix.Numerals) -> list[int]:
        words = radix.fold(radix.padded(numerals, self._per_word), self._shape.radix, self._levels)
        return [_join(row, self._shape.radix**self._per_word) for row in words.tolist()]

    def write(self, half: list[int], length: int) -> radix.Numerals:
        count = -(-length // self._per_word)
        words = [_split(number, self._shape.radix**self._per_word, count) for number in half]
        return radix.unfold(np.array(words, np.uint64), self._shape.radix, self._levels)[:, -length:]

    def mix(self, round_number: int, a: list[int], b: list[int], sign: int) -> list[int]:
        modulus = self._moduli[round_number % 2]
        return [(x + sign * self._prf(round_number, y)) % modulus for x, y in zip(a, b, strict=True)]

    def _prf(self, round_number: int, half: int) -> int:
        end = self._shape.head + bytes([round_number]) + half.to_bytes(self._shape.b, "big")
        r = self._cipher.cbc_mac(self._shape.state, end)
        counters = np.zeros((-(-self._shape.d // BLOCK), 2), ">u8")
        counters[:, 1] = np.arange(len(counters))
        more = self._cipher.encrypt((counters[1:] ^ np.frombuffer(r, ">u8")).astype(">u8").view(np.uint8))
        return int.from_bytes((r + more.tobytes())[: self._shape.d], "big")


def _join(parts: list[int], base: int) -> int:
    """The number with these digits, neighbours first, so that the multiplications are of equal sizes."""
    while len(parts) > 1:
        parts = [0] * (len(parts) % 2) + parts
        parts = [high * base + low for high, low in zip(parts[::2], parts[1::2], strict=True)]
        base *= base
    return parts[0]


def _split(number: int, base: int, count: int) -> list[int]:
    """The inverse of `_join`: ``count`` digits, the most significant first."""
    if count == 1:
        return [number]
    high, low = divmod(number, base ** (count // 2))
    return _split(high, base, count - count // 2) + _split(low, base, count // 2)
