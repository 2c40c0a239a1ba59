"""HMAC (RFC 2104, FIPS 198-1) of many messages under one key.

The fast ways are those of `privacy_udfs.kernels.hmac.compiled`, with the extra ``fast``; the plain way is
`privacy_udfs.kernels.hmac.hmac_plain`. All give the same bytes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.hmac.compiled import fastest
from privacy_udfs.kernels.hmac.hmac_plain import hmac_one_by_one

Digests = npt.NDArray[np.uint8]

ENOUGH = 1000  # messages in a batch from which on compiling pays
LONG = 512  # bytes of a mean message from which on one stream of the processor's own SHA is as fast as many lanes


def hmac_sha256(key: bytes, messages: pa.BinaryArray) -> Digests:
    """HMAC-SHA-256 of each message, one row of 32 bytes each; arbitrary rows at nulls."""
    return _hmac(key, messages, "sha256")


def hmac_sha512(key: bytes, messages: pa.BinaryArray) -> Digests:
    """HMAC-SHA-512 of each message, one row of 64 bytes each; arbitrary rows at nulls."""
    return _hmac(key, messages, "sha512")


def _hmac(key: bytes, messages: pa.BinaryArray, name: str) -> Digests:
    fast = fastest(name) if len(messages) >= ENOUGH and messages.nbytes < len(messages) * LONG else None
    return fast.hmac(key, messages) if fast else hmac_one_by_one(key, messages, name)
