"""FF1's arithmetic as the standard writes it, for one value at a time: each half one of Python's integers.

For few values of one length, and for very long ones, this costs less than the set-up of whole arrays.
"""

from __future__ import annotations

import numpy as np

from privacy_udfs.kernels.aes import BLOCK, BlockCipher, xor
from privacy_udfs.kernels.ff1 import radix
from privacy_udfs.kernels.ff1.shape import Shape


class OneByOne:
    """See `ff1.Arithmetic`: a half is an integer."""

    rows = 1

    def __init__(self, cipher: BlockCipher, shape: Shape) -> None:
        self._cipher = cipher
        self._shape = shape
        self._moduli: tuple[int, int] = (shape.radix**shape.u, shape.radix**shape.v)

    def read(self, numerals: radix.Numerals) -> int:
        number = 0
        for numeral in numerals[0].tolist():
            number = number * self._shape.radix + numeral
        return number

    def write(self, half: int, length: int) -> radix.Numerals:
        numerals = np.empty((1, length), radix.numeral_type(self._shape.radix))
        for place in reversed(range(length)):
            half, numerals[0, place] = divmod(half, self._shape.radix)
        return numerals

    def mix(self, round_number: int, a: int, b: int, sign: int) -> int:
        return (a + sign * self._prf(round_number, b)) % self._moduli[round_number % 2]

    def _prf(self, round_number: int, half: int) -> int:
        end = self._shape.head + bytes([round_number]) + half.to_bytes(self._shape.b, "big")
        r = self._cipher.cbc_mac(self._shape.state, end)
        counters = range(1, -(-self._shape.d // BLOCK))
        more = b"".join(self._cipher.block(xor(r, number.to_bytes(BLOCK, "big"))) for number in counters)
        return int.from_bytes((r + more)[: self._shape.d], "big")
