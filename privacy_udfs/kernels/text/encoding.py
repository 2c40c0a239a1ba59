"""Digests as text or numbers: tables of characters on whole matrices, written where Arrow will read them.

==============  ======================================================================================================
``base64url``   RFC 4648, section 5, without padding
``hex``         RFC 4648, section 8, in lower case
``uuid``        the leftmost 128 bits in the form of RFC 9562, section 4; all bits are the digest's own, so that version
                and variant are whatever they come out as (Python: ``uuid.UUID(bytes=digest[:16])``)
``bigint``      the leftmost 64 bits as a signed big-endian integer (two's complement)
==============  ======================================================================================================
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.errors import ValueRefused
from privacy_udfs.kernels.arrays import MAX_TEXT_BYTES, ROWS, Bytes, as_cells, validity
from privacy_udfs.kernels.text.base64_native import Patience

_HEX = b"0123456789abcdef"
_patience = Patience()
_BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encode(digests: Bytes, like: pa.Array, encoding: str, prefix: str = "") -> pa.Array:
    """Each row of ``digests`` written as ``encoding`` says; null where ``like`` is.

    ``prefix`` stands before each text; numbers have none. Gives strings, or int64 for ``bigint``. Raises `ValueRefused`
    where the texts of a batch would be over 2 GiB.
    """
    if encoding == "bigint":
        numbers = np.ascontiguousarray(digests[:, :8]).view(">i8").astype(np.int64)
        return pa.Array.from_buffers(pa.int64(), len(like), [validity(like), pa.py_buffer(numbers)])
    writer = _patience.writer(len(digests)) if encoding == "base64url" else None
    return _strings(writer.write(digests, prefix.encode()) if writer else _written(digests, encoding, prefix), like)


def _written(digests: Bytes, encoding: str, prefix: str) -> Bytes:
    """``prefix`` and the text of each row, a row each."""
    size = 16 if encoding == "uuid" else digests.shape[1]
    write, form = _FORMS[encoding], _form(encoding, size)
    frame = np.frombuffer(prefix.encode() + form, np.uint8)
    text = np.empty((len(digests), len(frame)), np.uint8)
    places = [(len(frame) - len(form) + match.start(), len(match[0])) for match in re.finditer(rb"0+", form)]
    for first in range(0, len(digests), ROWS):
        rows = text[first : first + ROWS]
        if len(places) > 1 or prefix:
            rows[:] = frame
        _lay_out(write(digests[first : first + ROWS, :size]), rows, places)
    return text


def _form(encoding: str, size: int) -> bytes:
    """How ``size`` bytes look once written: a 0 for each character of theirs."""
    if encoding == "uuid":
        return b"00000000-0000-0000-0000-000000000000"
    return b"0" * (2 * size if encoding == "hex" else (size * 8 + 5) // 6)


def _lay_out(characters: Bytes, rows: Bytes, places: list[tuple[int, int]]) -> None:
    """The characters of each row into the places (first column, how many) of a text, in order."""
    taken = 0
    for column, count in places:
        as_cells(rows[:, column : column + count])[:] = as_cells(characters[:, taken : taken + count])
        taken += count


def _pairs(alphabet: bytes) -> npt.NDArray[np.uint16]:
    """All pairs of characters, in the order of the number that they write."""
    return np.array([[a, b] for a in alphabet for b in alphabet], np.uint8).view(np.uint16).ravel()


_SWAPPED: npt.NDArray[np.intp] = np.arange(1 << 16, dtype=np.uint16).byteswap().astype(np.intp)
_FIRST_12 = _pairs(_BASE64URL)[_SWAPPED >> 4]  # of two bytes as they lie in memory
_LAST_12 = _pairs(_BASE64URL)[_SWAPPED & 0xFFF]
_TWO_BYTES = np.stack([_pairs(_HEX)[_SWAPPED >> 8], _pairs(_HEX)[_SWAPPED & 0xFF]], axis=1).view(np.uint32).ravel()


def _to_hex(digests: Bytes) -> Bytes:
    if digests.shape[1] % 2:
        return _to_hex(np.pad(digests, ((0, 0), (0, 1))))
    return _TWO_BYTES.take(np.ascontiguousarray(digests).view("<u2")).view(np.uint8)


def _to_base64url(digests: Bytes) -> Bytes:
    """Four characters of every three bytes: two of the first 12 bits, in bytes 0 and 1, two of the last, in 1 and 2."""
    rows, size = digests.shape
    triples = -(-size // 3)
    padded = np.zeros((rows, 3 * triples), np.uint8)
    _lay_out(digests, padded, [(0, size)])
    pairs = np.empty((rows * triples, 2), np.uint16)
    for at, table in enumerate((_FIRST_12, _LAST_12)):
        pairs[:, at] = table.take(np.ndarray((rows * triples,), "<u2", padded, at, (3,)).astype(np.intp))
    return pairs.view(np.uint8).reshape(rows, 4 * triples)


_FORMS = {"hex": _to_hex, "uuid": _to_hex, "base64url": _to_base64url}


def _strings(text: Bytes, like: pa.Array) -> pa.StringArray:
    if text.size > MAX_TEXT_BYTES:
        raise ValueRefused("the text of this batch is over 2 GiB once treated; use smaller batches")
    offsets = np.arange(len(text) + 1, dtype=np.int32) * np.int32(text.shape[1])
    return pa.Array.from_buffers(pa.string(), len(text), [validity(like), pa.py_buffer(offsets), pa.py_buffer(text)])
