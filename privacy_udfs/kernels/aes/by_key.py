"""AES-SIV and AES-GCM over whole arrays in which each message has a key of its own, and the keys themselves.

The key of a message is derived from 32 secret bytes by NIST SP 800-108r1's KDF in counter mode with AES-256-CMAC
(r = 32, the counter before the fixed data; label: a short name; no context). With AES instructions and llvmlite (the
extra ``fast``) that, the key schedules, S2V and counter mode are compiled code over whole batches
(`privacy_udfs.kernels.aes.by_key_ir`); elsewhere, and for long messages, a loop over ``cryptography``. Both give the
same bytes. GCM is that loop everywhere.
"""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from privacy_udfs.kernels.aes.block_cipher import BLOCK
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.native import COUNT, POINTER, MachineCode, features

_log = logging.getLogger(__name__)
Index = npt.NDArray[np.int32]
SECRET, SIV_KEY, GCM_KEY, BOUND, NONCE = 32, 64, 32, 32, 12
NEEDS = frozenset({"aes", "ssse3"})
"""Features of a processor, by LLVM's names."""
LONGEST_LABEL = BLOCK - 4 - 1 - 4 - 1  # so that counter, label, zero, length and padding are one block


class Schedules(Protocol):
    """Keys that are ready for use, each with the 32 bytes that are bound to what it seals (one component of S2V)."""

    def seal(self, index: Index, plain: Bytes) -> Bytes:
        """Of messages of one length, a row each, the synthetic IV and the ciphertext. index: which key."""

    def open(self, index: Index, sealed: Bytes) -> Bytes | None:
        """The inverse; None where any row is not authentic, or too short."""


def derived(secrets: Bytes, label: bytes, size: int) -> Bytes:
    """Keys of ``size`` bytes (whole blocks), a row for each row of 32 secret bytes."""
    if not 0 < len(label) <= LONGEST_LABEL or size % BLOCK:
        raise ValueError("a label of 1 to 6 bytes, and whole blocks")
    native = compiled()
    if native is None or not len(secrets):
        return _matrix([_derive(secret.tobytes(), label, size) for secret in secrets], size)
    return native.derive(secrets, label, size)


def schedules(keys: Bytes, bound: Bytes) -> Schedules:
    """Of keys of 64 bytes, a row each, or one row for all; bound: a row of 32 bytes each."""
    native = compiled()
    return Plain(keys, bound) if native is None or not len(bound) else Native(native, keys, bound)


def gcm_sealed(keys: Bytes, bound: Bytes, index: Index, plain: list[bytes]) -> list[bytes]:
    """Each message as nonce, ciphertext and tag, under a nonce that the operating system draws."""
    drawn = os.urandom(NONCE * len(plain))
    made = [AESGCM(key.tobytes()) for key in keys]
    heads = [head.tobytes() for head in bound]
    nonces = [drawn[at : at + NONCE] for at in range(0, len(drawn), NONCE)]
    rows = zip(index.tolist(), nonces, plain, strict=True)
    return [nonce + made[at].encrypt(nonce, message, heads[at]) for at, nonce, message in rows]


def gcm_opened(keys: Bytes, bound: Bytes, index: Index, sealed: list[bytes]) -> list[bytes] | None:
    """The inverse; None where any message is not authentic, or too short."""
    if any(len(each) < NONCE + BLOCK for each in sealed):
        return None
    made, heads = [AESGCM(key.tobytes()) for key in keys], [head.tobytes() for head in bound]
    try:
        return [
            made[at].decrypt(each[:NONCE], each[NONCE:], heads[at])
            for at, each in zip(index.tolist(), sealed, strict=True)
        ]
    except InvalidTag:
        return None


def _derive(secret: bytes, label: bytes, size: int) -> bytes:
    made = KBKDFCMAC(algorithms.AES, Mode.CounterMode, size, 4, 4, CounterLocation.BeforeFixed, label, b"", None)
    return made.derive(secret)


def _matrix(rows: list[bytes], size: int) -> Bytes:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), size)


class Plain:
    """`Schedules` by a loop over ``cryptography``."""

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


class Native:
    """`Schedules` of compiled code."""

    def __init__(self, code: Compiled, keys: Bytes, bound: Bytes) -> None:
        self._code, self._made = code, code.expand(keys, bound)

    def seal(self, index: Index, plain: Bytes) -> Bytes:
        return self._code.seal(self._made, self._checked(index, plain), plain)

    def open(self, index: Index, sealed: Bytes) -> Bytes | None:
        if sealed.shape[1] < BLOCK:
            return None
        return self._code.open(self._made, self._checked(index, sealed), sealed)

    def _checked(self, index: Index, rows: Bytes) -> Index:
        """Compiled code follows an index anywhere."""
        if len(index) != len(rows) or (len(index) and not 0 <= index.min() <= index.max() < len(self._made)):
            raise IndexError("no such key")
        return np.ascontiguousarray(index, np.int32)


class Compiled:
    """The compiled functions, for processors with the features `NEEDS`."""

    def __init__(self) -> None:
        from privacy_udfs.kernels.aes import by_key_ir

        self._record, self._code = by_key_ir.RECORD, MachineCode(by_key_ir.module())
        pointers = [POINTER] * 2
        self._derive = self._code.function("derive", *pointers, COUNT, COUNT, POINTER)
        self._expand = self._code.function("expand", POINTER, COUNT, POINTER, COUNT, POINTER)
        self._seal = self._code.function("seal", *pointers, POINTER, COUNT, POINTER, COUNT, POINTER)
        self._open = self._code.function("open", *pointers, POINTER, COUNT, POINTER, COUNT, POINTER, POINTER)

    def derive(self, secrets: Bytes, label: bytes, size: int) -> Bytes:
        number = size // BLOCK
        fixed = label + b"\0" + (8 * size).to_bytes(4, "big") + b"\x80"
        blocks = _matrix([(at.to_bytes(4, "big") + fixed).ljust(BLOCK, b"\0") for at in range(1, number + 1)], BLOCK)
        secrets, keys = _rows(secrets, SECRET), np.empty((len(secrets), size), np.uint8)
        self._derive(_at(secrets), _at(blocks), number, len(secrets), _at(keys))
        return keys

    def expand(self, keys: Bytes, bound: Bytes) -> Bytes:
        keys, bound = _rows(keys, SIV_KEY), _rows(bound, BOUND)
        if len(keys) not in (1, len(bound)):
            raise IndexError("a key for each, or one for all")
        made = np.empty((len(bound), self._record), np.uint8)
        self._expand(_at(keys), SIV_KEY if len(keys) > 1 else 0, _at(bound), len(bound), _at(made))
        return made

    def seal(self, made: Bytes, index: Index, plain: Bytes) -> Bytes:
        count, length = plain.shape
        if not count:
            return np.zeros((0, length + BLOCK), np.uint8)
        data = _padded(plain, 0)
        out = np.empty((count, data.shape[1] + BLOCK), np.uint8)
        self._seal(_at(made), _at(index), _at(data), length, _at(_marks(length)), count, _at(out))
        return out[:, : length + BLOCK]

    def open(self, made: Bytes, index: Index, sealed: Bytes) -> Bytes | None:
        count, length = len(sealed), sealed.shape[1] - BLOCK
        if not count:
            return np.zeros((0, length), np.uint8)
        data, wrong = _padded(sealed, BLOCK), np.zeros(BLOCK, np.uint8)
        out = np.empty((count, data.shape[1] - BLOCK), np.uint8)
        self._open(_at(made), _at(index), _at(data), length, _at(_marks(length)), count, _at(out), _at(wrong))
        return None if wrong.any() else out[:, :length]


def _at(array: npt.NDArray[Any]) -> int:
    return int(array.ctypes.data)


def _rows(rows: Bytes, size: int) -> Bytes:
    if rows.ndim != 2 or rows.shape[1] != size:
        raise IndexError(f"rows of {size} bytes")
    return np.ascontiguousarray(rows, np.uint8)


def _padded(rows: Bytes, head: int) -> Bytes:
    """Rows of whole blocks, one at least after the first ``head`` bytes; filled with zeros."""
    count, length = rows.shape
    size = head + max(1, -(-(length - head) // BLOCK)) * BLOCK
    if size == length:
        return np.ascontiguousarray(rows)
    padded = np.zeros((count, size), np.uint8)
    padded[:, :length] = rows
    return padded


def _marks(length: int) -> Bytes:
    """The byte that ends a message in its last block, where that is not full, and the mask of the bytes before it."""
    over = length % BLOCK
    mark, mask = np.zeros(BLOCK, np.uint8), np.zeros(BLOCK, np.uint8)
    is_full = over == 0 and length > 0
    mask[: BLOCK if is_full else over] = 0xFF
    if not is_full:
        mark[over] = 0x80
    return np.concatenate([mark, mask])


@lru_cache
def compiled() -> Compiled | None:
    """The compiled code; None where it cannot be had, or does not give the bytes of ``cryptography``."""
    if not features() >= NEEDS:
        return None
    try:
        made = Compiled()
    except Exception as error:  # whatever stops a compiler here: the other way gives the same bytes
        if not isinstance(error, ImportError):
            _log.warning("AES-SIV by keys goes a slower way: compiling failed with %s", type(error).__name__)
        return None
    if _agrees(made):
        return made
    _log.warning("AES-SIV by keys goes a slower way: the compiled code gave wrong bytes")
    return None


def _agrees(code: Compiled) -> bool:
    """Whether messages of all lengths around the ends of blocks come out as by ``cryptography``, and back."""
    secrets, bound = (np.arange(shift, shift + 160, dtype=np.uint8).reshape(5, 32) for shift in (0, 90))
    keys = _matrix([_derive(secret.tobytes(), b"siv", SIV_KEY) for secret in secrets], SIV_KEY)
    if not np.array_equal(code.derive(secrets, b"siv", SIV_KEY), keys):
        return False
    plain, native, index = Plain(keys, bound), Native(code, keys, bound), np.arange(5, dtype=np.int32)
    for length in range(3 * BLOCK + 1):
        rows = np.arange(5 * length, dtype=np.uint8).reshape(5, length)
        sealed = plain.seal(index, rows)
        back = native.open(index, sealed)
        if not np.array_equal(native.seal(index, rows), sealed) or back is None or not np.array_equal(back, rows):
            return False
    return True
