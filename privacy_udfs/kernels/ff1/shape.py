"""The constants of FF1 that all values of one length share: steps 1 to 5 of Algorithms 7 and 8 in NIST SP 800-38G."""

from __future__ import annotations

import dataclasses

from privacy_udfs.kernels.aes import BLOCK, BlockCipher

ROUNDS = 10


@dataclasses.dataclass(frozen=True)
class Shape:
    """What all values of one length share: the constants of steps 1 to 5 of the algorithms.

    u, v: numerals in the left and the right half. b, d: bytes of NUM(B) in a round's block and of S taken from the
    PRF. state: the CBC-MAC over P and those blocks of Q that hold only tweak and padding. head: the bytes of Q before
    the round number in the block where it stands.
    """

    radix: int
    length: int
    b: int
    d: int
    state: bytes
    head: bytes

    @property
    def u(self) -> int:
        return self.length // 2

    @property
    def v(self) -> int:
        return self.length - self.length // 2

    def numerals(self, round_number: int) -> int:
        """Numerals of the half that a round computes."""
        return self.v if round_number % 2 else self.u

    @classmethod
    def of(cls, cipher: BlockCipher, radix: int, tweak: bytes, length: int) -> Shape:
        left, right = length // 2, length - length // 2
        # ceil(v * log2(radix)) without floating point, which errs near powers of two
        b = ((radix**right - 1).bit_length() + 7) // 8
        head = tweak + bytes((-len(tweak) - b - 1) % BLOCK)
        whole = len(head) // BLOCK * BLOCK
        p = bytes([1, 2, 1, *radix.to_bytes(3, "big"), ROUNDS, left % 256])
        p += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        return cls(radix, length, b, 4 * -(-b // 4) + 4, cipher.cbc_mac(bytes(BLOCK), p + head[:whole]), head[whole:])
