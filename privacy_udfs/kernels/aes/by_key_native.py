"""AES-SIV with a key for each message, and the keys, by compiled code over whole batches."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from privacy_udfs.kernels.aes.block_cipher import BLOCK
from privacy_udfs.kernels.aes.by_key_plain import BOUND, SECRET, SIV_KEY, Index, Plain, derived_plainly
from privacy_udfs.kernels.aes.compiled import first_that_agrees, starts
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.native import COUNT, POINTER, MachineCode


class Native:
    """`privacy_udfs.kernels.aes.by_key.Schedules` of compiled code. label: of keys that are to be derived, each when it
    is used; None: these are the keys."""

    def __init__(self, code: Compiled, keys: Bytes, bound: Bytes, label: bytes | None = None) -> None:
        self._code = code
        self._name = "" if label is None else "_derived"
        self._keys, self._bound = _rows(keys, SIV_KEY if label is None else SECRET), _rows(bound, BOUND)
        if len(self._keys) != len(self._bound) and (len(self._keys) != 1 or label is not None):
            raise IndexError("a key for each, or one for all")
        self._stride = self._keys.shape[1] if len(self._keys) > 1 else 0
        self._blocks = [] if label is None else [_kdf_blocks(label, SIV_KEY)]

    def seal(self, index: Index, plain: Bytes) -> Bytes:
        length = plain.shape[1]
        out = np.empty((len(plain), BLOCK + _whole(length)), np.uint8)
        self._call("seal", index, _padded(plain, 0), length, out)
        return out[:, : length + BLOCK]

    def open(self, index: Index, sealed: Bytes) -> Bytes | None:
        length = sealed.shape[1] - BLOCK
        if length < 0:
            return None
        out, wrong = np.empty((len(sealed), _whole(length)), np.uint8), np.zeros(BLOCK, np.uint8)
        self._call("open", index, _padded(sealed, BLOCK), length, out, wrong)
        return None if wrong.any() else out[:, :length]

    def _call(self, name: str, index: Index, data: Bytes, length: int, *out: Bytes) -> None:
        """Compiled code follows an index anywhere."""
        if len(index) != len(data) or (len(index) and not 0 <= index.min() <= index.max() < len(self._bound)):
            raise IndexError("no such key")
        if not len(data):
            return
        index, marks = np.ascontiguousarray(index, np.int32), _marks(length)
        between = starts(*self._blocks, self._bound, index, data), starts(marks)
        function = self._code.functions[name + self._name]
        function(*starts(self._keys), self._stride, *between[0], length, *between[1], len(data), *starts(*out))


class Compiled:
    """The compiled functions. wide: blocks of a register."""

    def __init__(self, wide: int) -> None:
        from privacy_udfs.kernels.aes import by_key_ir

        self._code = MachineCode(by_key_ir.module(wide))
        self._derive = self._code.function("derive", POINTER, POINTER, COUNT, COUNT, POINTER)
        self.functions = {}
        for name, blocks in (("", []), ("_derived", [POINTER])):
            takes = [POINTER, COUNT, *blocks, *[POINTER] * 3, COUNT, POINTER, COUNT, POINTER]
            self.functions[f"seal{name}"] = self._code.function(f"seal{name}", *takes)
            self.functions[f"open{name}"] = self._code.function(f"open{name}", *takes, POINTER)

    def derive(self, secrets: Bytes, label: bytes, size: int) -> Bytes:
        """`privacy_udfs.kernels.aes.by_key.derived`."""
        secrets, blocks, keys = (
            _rows(secrets, SECRET),
            _kdf_blocks(label, size),
            np.empty((len(secrets), size), np.uint8),
        )
        if keys.size:
            self._derive(*starts(secrets, blocks), len(blocks), len(secrets), *starts(keys))
        return keys


def _kdf_blocks(label: bytes, size: int) -> Bytes:
    """What CMAC takes for each block of a key, padded."""
    fixed = label + b"\0" + (8 * size).to_bytes(4, "big") + b"\x80"
    blocks = [(at.to_bytes(4, "big") + fixed).ljust(BLOCK, b"\0") for at in range(1, size // BLOCK + 1)]
    return np.frombuffer(b"".join(blocks), np.uint8).reshape(-1, BLOCK)


def _rows(rows: Bytes, size: int) -> Bytes:
    if rows.ndim != 2 or rows.shape[1] != size:
        raise IndexError(f"rows of {size} bytes")
    return np.ascontiguousarray(rows, np.uint8)


def _whole(length: int) -> int:
    """Bytes of the blocks of a message, one at least."""
    return max(1, -(-length // BLOCK)) * BLOCK


def _padded(rows: Bytes, head: int) -> Bytes:
    """Rows of whole blocks after the first ``head`` bytes; filled with zeros."""
    count, length = rows.shape
    size = head + _whole(length - head)
    if size == length:
        return np.ascontiguousarray(rows, np.uint8)
    padded = np.zeros((count, size), np.uint8)
    padded[:, :length] = rows
    return padded


@lru_cache
def _marks(length: int) -> Bytes:
    """For a last block: the byte that ends a message in it, where it is not full; the mask of the bytes before that;
    and where each byte is in 16 that begin in the block before it: for the last, and for that one."""
    over = length % BLOCK
    mark, mask = np.zeros(BLOCK, np.uint8), np.zeros(BLOCK, np.uint8)
    is_full = over == 0 and length > 0
    mask[: BLOCK if is_full else over] = 0xFF
    if not is_full:
        mark[over] = 0x80
    places = np.arange(BLOCK)
    tail = np.where(places < over, BLOCK - over + places, 0x80)
    before = np.where(places >= over, places - over, 0x80)
    return np.concatenate([mark, mask, tail.astype(np.uint8), before.astype(np.uint8)])


@lru_cache
def compiled() -> Compiled | None:
    """The compiled code; None where it cannot be had, or does not give the bytes of ``cryptography``."""
    return first_that_agrees("AES-SIV by keys", Compiled, _agrees)


def _agrees(code: Compiled) -> bool:
    """Whether messages of all lengths around the ends of blocks come out as by ``cryptography``, and back."""
    secrets, bound = (np.arange(shift, shift + 160, dtype=np.uint8).reshape(5, 32) for shift in (0, 90))
    keys, index = derived_plainly(secrets, b"siv", SIV_KEY), np.arange(5, dtype=np.int32)
    if not np.array_equal(code.derive(secrets, b"siv", SIV_KEY), keys):
        return False
    plain, ways = Plain(keys, bound), (Native(code, keys, bound), Native(code, secrets, bound, b"siv"))
    for length in range(3 * BLOCK + 1):
        rows = np.arange(5 * length, dtype=np.uint8).reshape(5, length)
        sealed = plain.seal(index, rows)
        for native in ways:
            back = native.open(index, sealed)
            if not np.array_equal(native.seal(index, rows), sealed) or back is None or not np.array_equal(back, rows):
                return False
    return True
