"""FF1 of NIST SP 800-38G, whole matrices of values of one length at a time.

The ten Feistel rounds are those of Algorithms 7 and 8. What a round does depends on a value's length only through a few
constants (`Shape`), so all values of one length go through each round together: one AES call for all of them, and
arithmetic on whole arrays. Three arithmetics share the rounds: halves below 2**32 as machine words (`words`), longer
ones as limbs (`limbs`), few or very long ones as Python's integers (`one_by_one`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from privacy_udfs.kernels.aes import BlockCipher
from privacy_udfs.kernels.ff1.limbs import Limbs
from privacy_udfs.kernels.ff1.one_by_one import OneByOne
from privacy_udfs.kernels.ff1.radix import Numerals, numeral_type
from privacy_udfs.kernels.ff1.shape import ROUNDS, Shape
from privacy_udfs.kernels.ff1.words import Words

MIN_DOMAIN = 10**6  # SP 800-38G Rev. 1 (second draft): radix**length of at least a million
LIMBS_UP_TO = 512  # bytes of a half; beyond, the tables of limbs take megabytes for each length


class Arithmetic(Protocol):
    """How halves of one shape are held and mixed. A half is an array of whatever `read` gives."""

    rows: int
    """How many values to work on at a time."""

    def read(self, numerals: Numerals) -> Any:
        """A matrix of numerals as halves."""

    def mix(self, round_number: int, a: Any, b: Any, sign: int) -> Any:
        """``NUM(A) + sign * NUM(S(round, B))`` modulo the radix to the power of A's length; may overwrite ``a``."""

    def write(self, half: Any, length: int) -> Numerals:
        """The inverse of `read`."""


class FF1:
    """FF1 for one key (16, 24 or 32 bytes), radix (2 to 65536) and tweak.

    `encrypt` and `decrypt` take and give a matrix: one value a row, one numeral (below the radix, not checked here) a
    column, of `numeral_type`. Values too short for their domain are the caller's to refuse: see `min_length`.
    """

    def __init__(self, key: bytes, radix: int, tweak: bytes = b"") -> None:
        self.cipher = BlockCipher(key)
        self.radix = radix
        self.tweak = tweak

    def encrypt(self, numerals: Numerals) -> Numerals:
        u = numerals.shape[1] // 2
        return self._crypt(numerals, numerals[:, :u], numerals[:, u:], range(ROUNDS), 1)

    def decrypt(self, numerals: Numerals) -> Numerals:
        # the rounds backwards are the same network with the halves and the sign turned round
        u = numerals.shape[1] // 2
        return self._crypt(numerals, numerals[:, u:], numerals[:, :u], range(ROUNDS - 1, -1, -1), -1)

    def _crypt(self, whole: Numerals, a: Numerals, b: Numerals, order: Iterable[int], sign: int) -> Numerals:
        out = np.empty(whole.shape, numeral_type(self.radix))
        shape = Shape.of(self.cipher, self.radix, self.tweak, whole.shape[1])
        arithmetic = self._arithmetic(shape, len(whole))
        for at in range(0, len(whole), arithmetic.rows):
            part = slice(at, at + arithmetic.rows)
            one, other = arithmetic.read(a[part]), arithmetic.read(b[part])
            for number in order:
                one, other = other, arithmetic.mix(number, one, other, sign)
            left, right = (one, other) if sign > 0 else (other, one)
            out[part, : shape.u] = arithmetic.write(left, shape.u)
            out[part, shape.u :] = arithmetic.write(right, shape.v)
        return out

    def _arithmetic(self, shape: Shape, rows: int) -> Arithmetic:
        if shape.b <= Words.MAX_BYTES:
            return Words(self.cipher, shape, rows)
        # the calls of a round over limbs cost what some values one by one do (measured)
        if shape.b <= LIMBS_UP_TO and rows > 8 + shape.b // 8:
            return Limbs(self.cipher, shape, rows)
        return OneByOne(self.cipher, shape)


def min_length(radix: int) -> int:
    """The least number of numerals whose domain has a million values; FF1 itself wants at least two."""
    length = 2
    while radix**length < MIN_DOMAIN:
        length += 1
    return length
