"""FF1's arithmetic as the standard writes it, for one value at a time: each half one of Python's integers.

For few values of one length, and for very long ones, this costs less than the set-up of whole arrays. Long halves are
read and written in two parts, those again in two: a numeral at a time would drag the whole number along.
"""

from __future__ import annotations

import functools

import numpy as np

from privacy_udfs.kernels.aes import BLOCK, BlockCipher, xor
from privacy_udfs.kernels.ff1 import radix
from privacy_udfs.kernels.ff1.shape import Shape

PLAIN_UP_TO = 128  # numerals read and written in one loop; from 64 to 256 it makes no difference (measured)


class OneByOne:
    """See `ff1.Arithmetic`: a half is an integer."""

    rows = 1

    def __init__(self, cipher: BlockCipher, shape: Shape) -> None:
        self._cipher = cipher
        self._shape = shape
        self._moduli: tuple[int, int] = (shape.radix**shape.u, shape.radix**shape.v)
        self._power = functools.cache(functools.partial(pow, shape.radix))

    def read(self, numerals: radix.Numerals) -> int:
        return self._read(numerals[0])

    def write(self, half: int, length: int) -> radix.Numerals:
        numerals = np.empty((1, length), radix.numeral_type(self._shape.radix))
        self._write(half, numerals[0])
        return numerals

    def _read(self, numerals: radix.Numerals) -> int:
        if len(numerals) > PLAIN_UP_TO:
            low = _low_part(len(numerals))
            return self._read(numerals[:-low]) * self._power(low) + self._read(numerals[-low:])
        number = 0
        for numeral in numerals.tolist():
            number = number * self._shape.radix + numeral
        return number

    def _write(self, number: int, numerals: radix.Numerals) -> None:
        if len(numerals) > PLAIN_UP_TO:
            low = _low_part(len(numerals))
            high, number = divmod(number, self._power(low))
            self._write(high, numerals[:-low])
            self._write(number, numerals[-low:])
            return
        for place in reversed(range(len(numerals))):
            number, numerals[place] = divmod(number, self._shape.radix)

    def mix(self, round_number: int, a: int, b: int, sign: int) -> int:
        return (a + sign * self._prf(round_number, b)) % self._moduli[round_number % 2]

    def _prf(self, round_number: int, half: int) -> int:
        end = self._shape.head + bytes([round_number]) + half.to_bytes(self._shape.b, "big")
        r = self._cipher.cbc_mac(self._shape.state, end)
        counters = range(1, -(-self._shape.d // BLOCK))
        more = b"".join(self._cipher.block(xor(r, number.to_bytes(BLOCK, "big"))) for number in counters)
        return int.from_bytes((r + more)[: self._shape.d], "big")


def _low_part(length: int) -> int:
    """The greatest power of two below a length: few powers of the radix serve all parts."""
    return 1 << (length - 1).bit_length() - 1
