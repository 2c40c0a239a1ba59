"""One draw per subject: the same subject, however often it occurs and of whatever type, gets the same digest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.hmac.hmac import hmac_sha256
from privacy_udfs.kernels.text import canonical

Draw = Callable[[npt.NDArray[np.uint64]], npt.NDArray[Any]]


def draw_per_subject(draw: Draw, key: bytes, subject: pa.Array, normalize: tuple[str, ...]) -> npt.NDArray[Any]:
    """``draw`` of HMAC-SHA-256(key, canonical bytes of the subject), for each element; arbitrary where it is null.

    ``draw`` gets the digests of distinct subjects as rows of four 64-bit words, big-endian, leftmost first.
    """
    encoded = subject.dictionary_encode()  # costs a small part of an HMAC, and subjects repeat
    digests = hmac_sha256(key, canonical(encoded.dictionary, normalize))
    drawn = draw(np.ascontiguousarray(digests).view(">u8").astype(np.uint64))
    if not len(drawn):  # every subject is null
        return np.zeros(len(subject), drawn.dtype)
    rows: npt.NDArray[Any] = drawn[pc.fill_null(encoded.indices, 0).to_numpy()]
    return rows
