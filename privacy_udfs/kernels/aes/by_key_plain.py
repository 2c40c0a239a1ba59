"""AES-SIV with a key for each message, and the keys, by a loop over ``cryptography``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from privacy_udfs.kernels.aes.block_cipher import BLOCK
from privacy_udfs.kernels.arrays import Bytes

Index = npt.NDArray[np.int32]
SECRET, SIV_KEY, GCM_KEY, BOUND = 32, 64, 32, 32


def derived_plainly(secrets: Bytes, label: bytes, size: int) -> Bytes:
    """`privacy_udfs.kernels.aes.by_key.derived`, one by one."""
    return _matrix([_derive(secret.tobytes(), label, size) for secret in secrets], size)


def _derive(secret: bytes, label: bytes, size: int) -> bytes:
    made = KBKDFCMAC(algorithms.AES, Mode.CounterMode, size, 4, 4, CounterLocation.BeforeFixed, label, b"", None)
    return made.derive(secret)


def _matrix(rows: list[bytes], size: int) -> Bytes:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), size)


class Plain:
    """`privacy_udfs.kernels.aes.by_key.Schedules` by a loop over ``cryptography``."""

    def __init__(self, keys: Bytes, bound: Bytes) -> None:
        made = [AESSIV(key.tobytes()) for key in keys]
        self._keys = made * len(bound) if len(made) == 1 != len(bound) else made
        self._bound = [[head.tobytes()] for head in bound]

    def seal(self, index: Index, plain: Bytes) -> Bytes:
        rows = zip(index.tolist(), (row.tobytes() for row in plain), strict=True)
        sealed = [self._keys[at].encrypt(message, self._bound[at]) for at, message in rows]
        return _matrix(sealed, plain.shape[1] + BLOCK)

    def open(self, index: Index, sealed: Bytes) -> Bytes | None:
        length = sealed.shape[1] - BLOCK
        if length < 0:
            return None
        rows = zip(index.tolist(), (row.tobytes() for row in sealed), strict=True)
        try:
            return _matrix([self._keys[at].decrypt(message, self._bound[at]) for at, message in rows], length)
        except InvalidTag:
            return None
