"""How many different values there are, without keeping any: linear counting (Whang et al., 1990).

Each value sets one bit of a bitmap, chosen by a hash under a secret of the run (pandas' SipHash-2-4). Bitmaps of parts
of a table merge by OR. Not one bit says which value set it. Accurate to about one in a hundred while values are fewer
than the bits.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pandas.util import hash_array

Bits = npt.NDArray[np.uint8]


def size_for(values: int) -> int:
    """How many bits suffice for ``values`` different values; a multiple of 8."""
    return max(1024, 1 << math.ceil(math.log2(max(values, 1) * 2)))


def bitmap(values: pa.StringArray, bits: int, salt: bytes) -> Bits:
    """The bitmap of the distinct ``values``. No nulls. salt: the secret, of any length."""
    flags = np.zeros(bits, np.uint8)
    flags[hashes(values, salt) % np.uint64(bits)] = 1
    return np.packbits(flags)


def hashes(values: pa.StringArray, salt: bytes) -> npt.NDArray[np.uint64]:
    """A hash of each value under a secret. No nulls."""
    key = hashlib.blake2b(salt, digest_size=8).hexdigest()  # pandas wants 16 characters
    found: npt.NDArray[np.uint64] = hash_array(values.to_numpy(zero_copy_only=False), hash_key=key, categorize=False)
    return found


def estimate(bitmap: Bits) -> int:
    """How many different values set the bits."""
    bits, empty = bitmap.size * 8, bitmap.size * 8 - int(np.unpackbits(bitmap).sum())
    return round(-bits * math.log(max(empty, 0.5) / bits))
