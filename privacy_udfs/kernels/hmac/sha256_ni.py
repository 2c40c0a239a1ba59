"""HMAC-SHA-256 by the SHA instructions of x86 processors, where `llvmlite` (the extra ``fast``) is installed.

The code of `privacy_udfs.kernels.hmac.sha256_ni_ir` reads Arrow's buffers and writes digests, without a copy between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.arrays import MAX_TEXT_BYTES
from privacy_udfs.kernels.native import COUNT, POINTER, MachineCode

Array = npt.NDArray[Any]
NEEDS = "sha"
"""The feature of a processor, by LLVM's name."""


class Sha256Instructions:
    """The compiled code, for processors with the feature `NEEDS`."""

    name, block = "sha256", 64

    def __init__(self) -> None:
        from privacy_udfs.kernels.hmac import sha256_ni_ir

        self._code = MachineCode(sha256_ni_ir.module())
        self._hmac = self._code.function("hmac", POINTER, POINTER, POINTER, COUNT, POINTER)

    def hmac(self, key: bytes, messages: pa.BinaryArray) -> npt.NDArray[np.uint8]:
        """HMAC (RFC 2104) of each message: one row each; arbitrary rows at nulls."""
        pads = self._pads(key)
        digests = np.empty((len(messages), 32), np.uint8)
        first = 0
        for data, offsets in _with_room(messages, self.block):
            count = len(offsets) - 1
            rows = digests[first : first + count]
            self._hmac(*(each.ctypes.data for each in (pads, data, offsets)), count, rows.ctypes.data)
            first += count
        return digests

    def _pads(self, key: bytes) -> Array:
        if len(key) > self.block:
            key = hashlib.sha256(key).digest()
        padded = np.frombuffer(key.ljust(self.block, b"\0"), np.uint8)
        return np.concatenate([padded ^ 0x36, padded ^ 0x5C])


def _with_room(messages: pa.BinaryArray, room: int) -> Iterator[tuple[Array, Array]]:
    """The messages as (data, offsets), one or two parts of at least one each, such that ``room`` bytes after the end of
    each message can be read: the last ones, which stand less before the end of the buffer, are copied.

    Raises `ValueError` where offsets fall, since compiled code would follow them anywhere.
    """
    if not len(messages):
        return
    _, offset_buffer, data_buffer = messages.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(messages) + 1, 4 * messages.offset)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    if (offsets[1:] < offsets[:-1]).any():
        raise ValueError("offsets of an Arrow array that fall")
    within = int(np.searchsorted(offsets[1:], np.int32(min(len(data) - room, MAX_TEXT_BYTES)), "right"))
    if within:
        yield data, offsets[: within + 1]
    if within < len(messages):
        start, end = int(offsets[within]), int(offsets[-1])
        copied = np.zeros(end - start + room, np.uint8)
        copied[: end - start] = data[start:end]
        yield copied, offsets[within:] - np.int32(start)
