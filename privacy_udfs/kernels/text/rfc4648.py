"""Base64, base64url and base16 (RFC 4648) of whole arrays of byte strings, and their strict inverses.

All values are coded in one call of the C library's coder, each in a slot of whole groups. Decoding takes exactly what
encoding gives: another character, an odd length, missing or superfluous padding, bits set that the padding says are
none (section 3.5), or upper-case hex, and there is no result.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.arrays import Bytes, Units, binary, from_bytes, to_bytes

Encoder = Callable[[pa.BinaryArray], pa.StringArray]
Decoder = Callable[[pa.StringArray], "pa.BinaryArray | None"]

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/", b"+/??")
_HEX = b"0123456789abcdef"


def encode_base64(values: pa.BinaryArray) -> pa.StringArray:
    """Base64 with padding. ``values`` has no nulls."""
    data, ends, spare = _encoded(values)
    data = data.copy()
    data[ends[spare >= 1] - 1] = ord("=")
    data[ends[spare == 2] - 2] = ord("=")
    return from_bytes(Units(data, _offsets(ends)))


def encode_base64url(values: pa.BinaryArray) -> pa.StringArray:
    """Base64 with the alphabet that is safe in URLs and file names, without padding. ``values`` has no nulls."""
    data, ends, spare = _encoded(values)
    data = np.frombuffer(data.tobytes().translate(_TO_URL), np.uint8)
    return from_bytes(Units(data[_used(ends, spare)], _offsets(ends - np.cumsum(spare))))


def rows_to_base64(rows: Bytes, spare: int) -> Bytes:
    """As `encode_base64`, of values of one length, a row each, with ``spare`` zeros after it to fill its last group."""
    data = np.frombuffer(bytearray(binascii.b2a_base64(rows.data, newline=False)), np.uint8)
    coded = data.reshape(len(rows), rows.shape[1] // 3 * 4)
    coded[:, coded.shape[1] - spare :] = ord("=")
    return coded


def rows_to_base64url(rows: Bytes, spare: int) -> Bytes:
    """As `encode_base64url`, likewise."""
    text = binascii.b2a_base64(rows.data, newline=False).translate(_TO_URL)
    coded = np.frombuffer(text, np.uint8).reshape(len(rows), rows.shape[1] // 3 * 4)
    return np.ascontiguousarray(coded[:, : coded.shape[1] - spare])


def rows_to_hex(rows: Bytes, spare: int) -> Bytes:
    """As `encode_hex`, likewise; nothing is to be filled."""
    return np.frombuffer(binascii.hexlify(rows.data), np.uint8).reshape(len(rows), rows.shape[1] * 2)


def rows_from_base64(rows: Bytes) -> tuple[Bytes, Bytes] | None:
    """The inverse of `rows_to_base64` for texts of one length: the bytes, a row each, and how many at the end of each
    are filling, up to two; None where any row is none of its results."""
    count, length = rows.shape
    if length % 4:
        return None
    spare = np.zeros(count, np.uint8)
    if length:
        rows = rows.copy(order="C")
        filled = rows[:, -2:] == ord("=")
        filled[:, 0] &= filled[:, 1]
        spare = filled.sum(axis=1, dtype=np.uint8)
        rows[:, -2:][filled] = ord("A")
    return _rows_decoded(rows.data, spare, length)


def rows_from_base64url(rows: Bytes) -> tuple[Bytes, Bytes] | None:
    """Likewise of `rows_to_base64url`."""
    count, length = rows.shape
    spare = -length % 4
    if spare == 3:  # one character over holds no whole byte
        return None
    filled = np.full((count, length + spare), ord("A"), np.uint8)
    filled[:, :length] = rows
    text = filled.tobytes().translate(_FROM_URL)
    return _rows_decoded(text, np.full(count, spare, np.uint8), length + spare)


def rows_from_hex(rows: Bytes) -> tuple[Bytes, Bytes] | None:
    """Likewise of `rows_to_hex`; nothing is filling."""
    count, length = rows.shape
    text = rows.tobytes()
    if length % 2 or text.translate(None, _HEX):
        return None
    data = np.frombuffer(binascii.unhexlify(text), np.uint8).reshape(count, length // 2)
    return data, np.zeros(count, np.uint8)


def encode_hex(values: pa.BinaryArray) -> pa.StringArray:
    """Lower-case hexadecimal. ``values`` has no nulls."""
    data, offsets = to_bytes(values)
    return from_bytes(Units(np.frombuffer(binascii.hexlify(data.data), np.uint8), offsets.astype(np.int64) * 2))


def decode_base64(values: pa.StringArray) -> pa.BinaryArray | None:
    """The inverse of `encode_base64`; None where any value is none of its results. ``values`` has no nulls."""
    data, offsets = to_bytes(values)
    ends = offsets[1:]
    if (np.diff(offsets) % 4).any():
        return None
    data = data.copy()
    spare = np.zeros(len(ends), np.int64)
    some = np.flatnonzero(np.diff(offsets))
    for back in (1, 2):
        some = some[data[ends[some] - back] == ord("=")]
        spare[some] += 1
        data[ends[some] - back] = ord("A")
    return _decoded(data.tobytes(), ends, spare)


def decode_base64url(values: pa.StringArray) -> pa.BinaryArray | None:
    """The inverse of `encode_base64url`; None where any value is none of its results. ``values`` has no nulls."""
    text = to_bytes(values)
    slots = _slots(text, 4)
    if (slots.spare == 3).any():  # one character over holds no whole byte
        return None
    data = np.full(len(slots.data), ord("A"), np.uint8)
    used = _used(slots.ends, slots.spare)
    data[used] = text.units
    return _decoded(data.tobytes().translate(_FROM_URL), slots.ends, slots.spare)


def decode_hex(values: pa.StringArray) -> pa.BinaryArray | None:
    """The inverse of `encode_hex`; None where any value is none of its results. ``values`` has no nulls."""
    data, offsets = to_bytes(values)
    text = data.tobytes()
    if (offsets % 2).any() or text.translate(None, _HEX):
        return None
    return binary(Units(np.frombuffer(binascii.unhexlify(text), np.uint8), offsets // 2))


class _Slots(NamedTuple):
    """Values in slots of whole groups: the bytes, where each slot ends, how many bytes at its end are filling."""

    data: Bytes
    ends: npt.NDArray[np.int64]
    spare: npt.NDArray[np.int64]


def _slots(text: Units, group: int) -> _Slots:
    lengths = np.diff(text.offsets).astype(np.int64)
    spare = -lengths % group
    ends = np.cumsum(lengths + spare)
    data = np.zeros(ends[-1] if len(ends) else 0, np.uint8)
    data[_used(ends, spare)] = text.units
    return _Slots(data, ends, spare)


def _used(ends: npt.NDArray[np.int64], spare: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which bytes of the slots are not filling, of which a slot has up to three."""
    used = np.ones(ends[-1] if len(ends) else 0, np.bool_)
    for back in (1, 2, 3):
        used[ends[spare >= back] - back] = False
    return used


def _encoded(values: pa.BinaryArray) -> _Slots:
    slots = _slots(to_bytes(values), 3)
    data = np.frombuffer(binascii.b2a_base64(slots.data.data, newline=False), np.uint8)
    return _Slots(data, slots.ends // 3 * 4, slots.spare)


def _decoded(text: bytes, ends: npt.NDArray[Any], spare: npt.NDArray[np.int64]) -> pa.BinaryArray | None:
    whole = _groups_decoded(text)
    if whole is None:
        return None
    ends = ends.astype(np.int64) // 4 * 3
    used = _used(ends, spare)
    if whole[~used].any():
        return None
    return binary(Units(whole[used], _offsets(ends - np.cumsum(spare))))


def _rows_decoded(text: bytes | memoryview, spare: Bytes, length: int) -> tuple[Bytes, Bytes] | None:
    whole = _groups_decoded(text)
    if whole is None:
        return None
    rows = whole.reshape(len(spare), length // 4 * 3)
    for back in (1, 2):
        if length and rows[spare >= back, -back].any():
            return None
    return rows, spare


def _groups_decoded(text: bytes | memoryview) -> Bytes | None:
    """The bytes of whole groups of four; None where any character is none of base64's: the C library passes over such
    characters, so that fewer bytes come out."""
    try:
        whole = np.frombuffer(binascii.a2b_base64(text), np.uint8)
    except binascii.Error:
        return None
    return whole if len(whole) * 4 == memoryview(text).nbytes * 3 else None


def _offsets(ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), ends])
