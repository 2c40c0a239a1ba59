"""HMAC of many messages, one call each: the keyed state of `cryptography` is copied for each message."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from privacy_udfs.kernels.arrays import ROWS

ALGORITHMS = {"sha256": SHA256(), "sha512": SHA512()}


def hmac_one_by_one(key: bytes, messages: pa.BinaryArray, name: str) -> npt.NDArray[np.uint8]:
    """HMAC with ``sha256`` or ``sha512`` of each message, one row each; arbitrary rows at nulls."""
    algorithm = ALGORITHMS[name]
    digests = np.empty((len(messages), algorithm.digest_size), np.uint8)
    copy = HMAC(key, algorithm).copy
    for first in range(0, len(messages), ROWS):
        part = pc.fill_null(messages.slice(first, ROWS), b"")
        found = []
        for message in part.to_numpy(zero_copy_only=False).tolist():
            state = copy()
            state.update(message)
            found.append(state.finalize())
        digests[first : first + len(part)] = np.frombuffer(b"".join(found), np.uint8).reshape(len(part), -1)
    return digests
