"""How many different values a column has, about, from the least of their hashes; and the same as a sketch of Spark's.

Of uniform hashes the `CELLS` least are kept, and the next one, theta, says how dense they lie: ``CELLS / theta``
different values, off by more than 3 % once in twenty. With up to `CELLS` the number is exact. It is the theta sketch
(Dasgupta, Lang, Rhodes, Thaler, ICDT 2016) that Spark makes by ``theta_sketch_agg``, in its compact form, so that
`jobs.risk_measures.containment` compares columns by it: what Apache DataSketches does to a number, MurmurHash3, is
done here in whole arrays.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from jobs.risk_measures.profile import CELLS

Hashes = npt.NDArray[np.uint64]
LEAST_OF = CELLS + 1
"""So many hashes are kept: the last one is theta."""
_SEED, _SEED_HASH = 9001, 0x93CC
_FAMILY, _SERIAL = 3, 3
_READ_ONLY, _COMPACT, _ORDERED = 2, 8, 16
_WHOLE = 2.0**63


def murmur(numbers: npt.NDArray[np.int64]) -> Hashes:
    """What a theta sketch keeps of 64-bit numbers: the first half of MurmurHash3_x64_128 of their bytes under the seed
    of DataSketches, without its last bit."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.int64).view(np.uint64) * np.uint64(0x87C37B91114253D5)
        mixed = ((mixed << np.uint64(31)) | (mixed >> np.uint64(33))) * np.uint64(0x4CF5AD432745937F)
        one = (mixed ^ np.uint64(_SEED)) ^ np.uint64(8)
        other = np.full_like(one, _SEED ^ 8)
        one = one + other
        other = other + one
        hashes: Hashes = (_final(one) + _final(other)) >> np.uint64(1)
    return hashes


def _final(hashes: Hashes) -> Hashes:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(factor)
    final: Hashes = hashes ^ (hashes >> np.uint64(33))
    return final


def least(hashes: Hashes) -> Hashes:
    """The least of them, each once, in order."""
    return np.unique(hashes)[:LEAST_OF]


def estimate(hashes: Hashes) -> int:
    """How many different values these are the `least` hashes of."""
    if len(hashes) < LEAST_OF:
        return len(hashes)
    return int(CELLS / (float(hashes[CELLS]) / _WHOLE) + 0.5)


def compact(hashes: Hashes) -> bytes:
    """A theta sketch of these, which are several, as Spark's functions take it."""
    exact = len(hashes) < LEAST_OF
    kept = hashes[:CELLS]
    head = struct.pack(
        "<BBBBBBHIf",
        *(2 if exact else 3, _SERIAL, _FAMILY, 0, 0, _READ_ONLY | _COMPACT | _ORDERED),
        *(_SEED_HASH, len(kept), 1.0),
    )
    theta = b"" if exact else struct.pack("<Q", int(hashes[CELLS]))
    return head + theta + kept.astype("<u8").tobytes()


def size(kept: bytes) -> int:
    """How many different values a compact sketch is of, as `estimate` had it."""
    whole = np.frombuffer(kept, "<u8")
    if kept[0] == 2:
        return len(whole) - 2
    return int((len(whole) - 3) / (float(whole[2]) / _WHOLE) + 0.5)
