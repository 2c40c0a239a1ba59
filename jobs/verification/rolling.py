"""Hashes of every window of many bytes under a random key, in whole arrays (Rabin and Karp).

A window's hash is the sum of a random 64-bit number for each byte times a power of a random odd base, modulo 2**64.
Without the key, which lasts as long as a run, nothing can be told from it; equal hashes are confirmed by another one.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np
import numpy.typing as npt

from jobs.verification.octets import Octets, Places

Words = npt.NDArray[np.uint64]
MOST_BYTES = 1 << 22
"""How many bytes are hashed at a time."""
STRONG = 8


class Rolling:
    """The hashes under one key."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        seed = hashlib.blake2b(b"rolling", key=key, digest_size=32).digest()
        random = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
        self.numbers: Words = random.integers(0, 1 << 64, 256, np.uint64)
        base = (int(random.integers(0, 1 << 64, dtype=np.uint64)) & ~7) | 5  # of the longest period modulo 2**64
        self.powers, self.inverses = (_powers(each) for each in (base, pow(base, -1, 1 << 64)))

    def sums(self, octets: Octets) -> Words:
        """What hashes of windows are made of; at most `MOST_BYTES`."""
        found = np.zeros(len(octets) + 1, np.uint64)
        np.cumsum(self.numbers[octets] * self.powers[: len(octets)], out=found[1:])
        return found

    def windows(self, sums: Words, starts: Places, lengths: Places) -> Words:
        """The hash of each window."""
        found: Words = (sums[starts + lengths] - sums[starts]) * self.inverses[starts]
        return found

    def every(self, sums: Words, length: int) -> Words:
        """The hashes of all windows of a length, by their starts."""
        return (sums[length:] - sums[:-length]) * self.inverses[: max(len(sums) - length, 0)]

    def rows(self, matrix: Octets) -> Words:
        """The hash of each row of bytes."""
        found: Words = (self.numbers[matrix] * self.powers[: matrix.shape[1]]).sum(axis=1, dtype=np.uint64)
        return found

    def strong(self, text: bytes) -> int:
        """A keyed hash of some bytes by BLAKE2b (RFC 7693): 64 bits that have nothing to do with the others."""
        return int.from_bytes(hashlib.blake2b(text, key=self.key, digest_size=STRONG).digest(), "big")


def _powers(base: int) -> Words:
    factors = np.full(MOST_BYTES + 1, base, np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


@functools.lru_cache(maxsize=2)
def of(key: bytes) -> Rolling:
    """The hashes under a key, made once in a process."""
    return Rolling(key)
