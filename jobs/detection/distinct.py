"""How many different values there are, without keeping any: linear counting (Whang et al., 1990).

Each value sets one bit of a bitmap, chosen by a hash under a secret of the run. Bitmaps of parts of a table merge by
OR. Not one bit says which value set it. Accurate to about one in a hundred while values are fewer than the bits.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bits = npt.NDArray[np.uint8]


def size_for(values: int) -> int:
    """How many bits suffice for ``values`` different values; a multiple of 8."""
    return max(1024, 1 << math.ceil(math.log2(max(values, 1) * 2)))


def bitmap(values: pa.StringArray, bits: int, salt: bytes) -> Bits:
    """The bitmap of the distinct ``values``."""
    digests = b"".join(
        hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8, key=salt).digest()
        for text in values.to_pylist()
    )
    flags = np.zeros(bits, np.uint8)
    flags[np.frombuffer(digests, "<u8") % np.uint64(bits)] = 1
    return np.packbits(flags)


def estimate(bitmap: Bits) -> int:
    """How many different values set the bits."""
    bits, empty = bitmap.size * 8, bitmap.size * 8 - int(np.unpackbits(bitmap).sum())
    return round(-bits * math.log(max(empty, 0.5) / bits))
