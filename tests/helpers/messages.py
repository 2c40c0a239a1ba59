"""Messages of many lengths for codes over whole arrays, in the mixes that their kernels tell apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from privacy_udfs.kernels.aes.cmac import LIMIT
from privacy_udfs.kernels.arrays.ragged import ROWS

RANDOM = np.random.default_rng(4)
MIXES = {
    "none": [],
    "one, empty": [0],
    "around the ends of blocks": list(range(300)),
    "equal": [5] * 1000,
    "full blocks": [16, 32, 64, 128] * 300,
    "short": RANDOM.integers(0, 70, 2 * ROWS + 3).tolist(),
    "texts": RANDOM.integers(0, 3000, 300).tolist(),
    "a few long among many": [*RANDOM.integers(0, 50, ROWS).tolist(), *[5000] * 40, LIMIT * 16, LIMIT * 16 + 1],
    "a giant": [3, 10_000_000, *[5] * 2000],
}
each_mix = pytest.mark.parametrize("lengths", MIXES.values(), ids=MIXES)


def messages_of(lengths: list[int]) -> tuple[list[bytes], pa.Array]:
    """Random messages, and a slice of an array that holds them behind another value."""
    messages = [RANDOM.bytes(length) for length in lengths]
    return messages, pa.array([b"before", *messages], pa.binary()).slice(1)
