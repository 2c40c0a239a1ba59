"""Base64url of digests in compiled code, where `llvmlite` (the extra ``fast``) is installed: four times as fast."""

from __future__ import annotations

import base64
import logging
from functools import lru_cache

import numpy as np

from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.native import COUNT, POINTER, MachineCode

PAYS = 1_000_000
"""Texts written in a process from which on compiling, a tenth of a second with llvmlite's import, has about paid."""
READ = 16  # bytes of a step: up to so many after a row or a text are touched
_log = logging.getLogger(__name__)


class Base64url:
    """The compiled code."""

    def __init__(self) -> None:
        from privacy_udfs.kernels.text import base64_ir

        self._groups = base64_ir.GROUPS
        self._code = MachineCode(base64_ir.module())
        self._write = self._code.function("base64url", POINTER, COUNT, COUNT, POINTER, COUNT, POINTER, COUNT)

    def write(self, rows: Bytes, prefix: bytes) -> Bytes:
        """``prefix`` and the text of each row, a row each."""
        count, size = rows.shape
        width = len(prefix) + (8 * size + 5) // 6
        room = np.empty(count * width + READ, np.uint8)
        if rows.strides[1] != 1 or rows.strides[0] < size:
            rows = np.ascontiguousarray(rows)
        safe = max(count - -(-READ // size), 0)  # after the last rows there may be nothing to read: they are copied
        last = np.zeros((count - safe) * size + READ, np.uint8)
        last[:-READ] = rows[safe:].reshape(-1)
        start = room.ctypes.data + len(prefix)
        if safe:
            self._run(rows, rows.strides[0], safe, size, start, width)
        if count:
            self._run(last, size, count - safe, size, start + safe * width, width)
        texts: Bytes = room[: count * width].reshape(count, width)
        if prefix:
            texts[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
        return texts

    def _run(self, rows: Bytes, stride: int, count: int, size: int, texts: int, width: int) -> None:
        masks = _masks(size, self._groups)
        self._write(rows.ctypes.data, stride, count, masks.ctypes.data, len(masks), texts, width)


@lru_cache
def _masks(size: int, groups: int) -> Bytes:
    """Which bytes of each step belong to a row."""
    starts = np.arange(0, size, groups)[:, None]
    places = np.arange(READ)
    return np.where((places < groups) & (places < size - starts), 0xFF, 0).astype(np.uint8)


class Patience:
    """Counts texts until compiling pays."""

    def __init__(self, pays: int = PAYS) -> None:
        self._left = pays

    def writer(self, count: int) -> Base64url | None:
        """The compiled code for ``count`` texts more, once so many were written that it pays, if it can be had."""
        self._left -= count
        return compiled() if self._left <= 0 else None


@lru_cache
def compiled() -> Base64url | None:
    """The code, if it can be compiled and gives what Python gives."""
    try:
        made = Base64url()
    except Exception as error:  # whatever stops a compiler here: the other way gives the same bytes
        if not isinstance(error, ImportError):
            _log.warning("base64url is written in a slower way: compiling failed with %s", type(error).__name__)
        return None
    if _agrees(made):
        return made
    _log.warning("base64url is written in a slower way: the compiled code gave wrong texts")
    return None


def _agrees(made: Base64url) -> bool:
    """Whether all groups of bytes, at each place of a step, are written as Python writes them."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
    for size in (16, 31):
        rows = every[: len(every) // size * size].reshape(-1, size)
        expect = b"".join(base64.urlsafe_b64encode(row.tobytes()).rstrip(b"=") for row in rows)
        if made.write(rows, b"").tobytes() != expect:
            return False
    return True
