"""Rows of a vault of random tokens: what is kept of a value and its token, so that each alone leads to the other.

All keys come from one: ``HKDF-Expand-SHA-256(key, "lakenym/vault/1/" + role + "/" + vault)``, RFC 5869; the key is of
one version and one domain, so rows of another version, domain or vault do not open. Of a value v (its canonical bytes)
and its token t (bytes of the system's generator)::

    lookup || opener = HMAC-SHA-512(k.ticket, v)          16 and 32 bytes of it; together the value's *ticket*
    sealed_token     = salt || tag || t xor pad           of the opener: whoever has the value finds the token
    row_key          = HMAC-SHA-256(k.row, t)             16 bytes
    sealed_value     = salt || tag || padded v xor pad    of the token: whoever has the token finds the value

A pad is NIST SP 800-108r1's KDF in counter mode with HMAC-SHA-256 (r = 32; label: the role; context: opener or token,
then the salt, 16 random bytes), under a key for each of the two. A tag is HMAC-SHA-256 over context and ciphertext, 16
bytes. Values are padded with 0x80 and zeros to a multiple of 32 bytes (ISO/IEC 7816-4), so lengths show no closer.

Why not AES-GCM: a key for each value would be a call for each. This is HMAC over whole arrays.

What it does not protect against: whoever has the vault *and* the key can test guesses of values by their lookup. Only
what has many possible values is safe from that. See docs/tokenize.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from privacy_udfs.kernels.aes import GCM
from privacy_udfs.kernels.arrays import Bytes, Units, binary, cut, rows_of, shorter_than, to_bytes, without
from privacy_udfs.kernels.hmac import hmac_sha256, hmac_sha512

LOOKUP, OPENER, SALT, TAG, ROW_KEY, BLOCK = 16, 32, 16, 16, 16, 32
TICKET = LOOKUP + OPENER
INFO = "lakenym/vault/1/{role}/{vault}"


class Made(NamedTuple):
    """New rows, a token each."""

    lookup: pa.BinaryArray
    sealed_token: pa.BinaryArray
    row_key: pa.BinaryArray
    sealed_value: pa.BinaryArray


class VaultRows:
    """The rows of one vault under one key. Arrays hold no nulls."""

    def __init__(self, key: bytes, vault: str) -> None:
        self._key, self._vault = key, vault
        self._keys: dict[str, bytes] = {}

    def _of(self, role: str) -> bytes:
        if role not in self._keys:
            info = INFO.format(role=role, vault=self._vault).encode()
            self._keys[role] = HKDFExpand(hashes.SHA256(), 32, info).derive(self._key)
        return self._keys[role]

    # -- by the value -------------------------------------------------------------------------------------------------

    def tickets(self, values: pa.BinaryArray) -> pa.BinaryArray:
        """By which tokens of values are found: lookup and opener."""
        return binary(rows_of(hmac_sha512(self._of("ticket"), values)[:, :TICKET]))

    def carried(self, values: pa.BinaryArray, run: str) -> pa.BinaryArray:
        """Values under the key alone: so they go from task to task. run: its salt, which gives each run a key of its
        own: GCM's nonces are random, and SP 800-38D (8.3) lets one key seal no more than 2^32 values with such."""
        return GCM(self._of(f"carried/{run}"), b"").seal(values)

    def uncarried(self, carried: pa.BinaryArray, run: str) -> pa.BinaryArray | None:
        """The inverse; None where any is not authentic."""
        return GCM(self._of(f"carried/{run}"), b"").open(carried)

    def exported(self, values: pa.BinaryArray) -> pa.BinaryArray:
        """Values under the key alone, as they stand in a vault that is to be exportable: each once."""
        return GCM(self._of("exported"), b"").seal(values)

    def tokens(self, tickets: pa.BinaryArray, sealed: pa.BinaryArray) -> Bytes | None:
        """The tokens that rows hold for tickets, a row each; None where any row is none of its ticket."""
        if not len(sealed) or shorter_than(sealed, SALT + TAG + 1) or shorter_than(tickets, TICKET):
            return None
        size = int(pc.min(pc.binary_length(sealed)).as_py()) - SALT - TAG
        if size > BLOCK or pc.max(pc.binary_length(sealed)).as_py() != size + SALT + TAG:
            return None
        context = np.hstack([cut(tickets, LOOKUP, OPENER), cut(sealed, 0, SALT)])
        hidden = cut(sealed, SALT + TAG, size)
        tags = self._tags("token", np.hstack([context, hidden]))
        if not _are_equal(tags, cut(sealed, SALT, TAG)):
            return None
        return hidden ^ self._pads("token", context, size)

    # -- by the token -------------------------------------------------------------------------------------------------

    def row_keys(self, tokens: Bytes) -> pa.BinaryArray:
        """By which rows are found for tokens."""
        return binary(rows_of(hmac_sha256(self._of("row"), _messages(tokens))[:, :ROW_KEY]))

    def values(self, tokens: Bytes, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The values that rows hold for tokens; None where any row is none of its token."""
        if shorter_than(sealed, SALT + TAG + BLOCK):
            return None
        context = np.hstack([tokens, cut(sealed, 0, SALT)])
        hidden = to_bytes(without(sealed, SALT + TAG))
        sizes = np.diff(hidden.offsets)
        if (sizes % BLOCK).any() or not _are_equal(self._value_tags(context, hidden), cut(sealed, SALT, TAG)):
            return None
        plain = hidden.units[: hidden.offsets[-1]] ^ self._stream(context, sizes)
        return unpadded(Units(plain, hidden.offsets))

    # -- both ---------------------------------------------------------------------------------------------------------

    def made(
        self, values: pa.BinaryArray, size: int, random: Callable[[int], bytes] = os.urandom
    ) -> tuple[Made, Bytes]:
        """New rows for values, each with a token of ``size`` bytes; and the tokens, which are for tests."""
        many, tickets = len(values), self.tickets(values)
        drawn = np.frombuffer(random(many * (size + 2 * SALT)), np.uint8).reshape(many, size + 2 * SALT)
        tokens, salts, others = drawn[:, :size], drawn[:, size : size + SALT], drawn[:, size + SALT :]
        opener = np.hstack([cut(tickets, LOOKUP, OPENER), salts])
        hidden = tokens ^ self._pads("token", opener, size)
        sealed = np.hstack([salts, self._tags("token", np.hstack([opener, hidden])), hidden])
        made = Made(
            binary(rows_of(cut(tickets, 0, LOOKUP))),
            binary(rows_of(sealed)),
            self.row_keys(tokens),
            self._sealed_values(np.hstack([tokens, others]), others, values),
        )
        return made, tokens

    def _sealed_values(self, context: Bytes, salts: Bytes, values: pa.BinaryArray) -> pa.BinaryArray:
        whole = padded(to_bytes(values))
        sizes = np.diff(whole.offsets)
        hidden = Units(whole.units ^ self._stream(context, sizes), whole.offsets)
        return binary(_headed(np.hstack([salts, self._value_tags(context, hidden)]), hidden))

    def _pads(self, role: str, context: Bytes, size: int) -> Bytes:
        """One block of the KDF for each context, cut to ``size`` bytes."""
        ones = np.ones(len(context), np.int64)
        return self._blocks(role, context, ones, ones * (8 * size))[:, :size]

    def _stream(self, context: Bytes, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """As many bytes of the KDF for each context as is said, end to end; whole blocks."""
        counts = sizes // BLOCK
        rows = np.repeat(np.arange(len(counts)), counts)
        first = np.cumsum(counts) - counts
        numbers = np.arange(len(rows)) - first[rows] + 1
        return self._blocks("value", context[rows], numbers, sizes[rows] * 8).reshape(-1)

    def _blocks(self, role: str, context: Bytes, numbers: npt.NDArray[np.int64], bits: npt.NDArray[np.int64]) -> Bytes:
        """SP 800-108r1, 4.1: ``PRF(key, [i] || label || 0x00 || context || [L])``."""
        label = np.frombuffer(role.encode() + b"\0", np.uint8)
        labels = np.broadcast_to(label, (len(numbers), len(label)))
        data = np.hstack([_words(numbers), labels, context, _words(bits)])
        return hmac_sha256(self._of(f"{role} pad"), _messages(data))

    def _tags(self, role: str, data: Bytes) -> Bytes:
        return hmac_sha256(self._of(f"{role} tag"), _messages(data))[:, :TAG]

    def _value_tags(self, context: Bytes, hidden: Units) -> Bytes:
        return hmac_sha256(self._of("value tag"), binary(_headed(context, hidden)))[:, :TAG]


def _words(numbers: npt.NDArray[np.int64]) -> Bytes:
    """Numbers as 32 bits, the highest first."""
    return np.ascontiguousarray(numbers.astype(">u4")).view(np.uint8).reshape(-1, 4)


def _messages(rows: Bytes) -> pa.BinaryArray:
    return binary(rows_of(np.ascontiguousarray(rows)))


def _are_equal(one: Bytes, other: Bytes) -> bool:
    return not np.bitwise_or.reduce((one ^ other).reshape(-1), initial=0)


def _places(starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The places of ``sizes`` bytes from each start on, end to end."""
    before = np.cumsum(sizes) - sizes
    return np.repeat(starts - before, sizes) + np.arange(int(sizes.sum()))


def _headed(heads: Bytes, bodies: Units) -> Units:
    """Each body with the row of ``heads`` before it."""
    width, sizes = heads.shape[1], np.diff(bodies.offsets)
    offsets = bodies.offsets + width * np.arange(len(bodies.offsets))
    data = np.empty(int(offsets[-1]), np.uint8)
    data[(offsets[:-1, None] + np.arange(width)).reshape(-1)] = np.ascontiguousarray(heads).reshape(-1)
    data[_places(offsets[:-1] + width, sizes)] = bodies.units[: bodies.offsets[-1]]
    return Units(data, offsets)


def padded(values: Units) -> Units:
    """By 0x80 and zeros to whole blocks."""
    sizes = np.diff(values.offsets)
    offsets = np.concatenate([[0], np.cumsum((sizes // BLOCK + 1) * BLOCK)])
    data = np.zeros(int(offsets[-1]), np.uint8)
    data[_places(offsets[:-1], sizes)] = values.units[: values.offsets[-1]]
    data[offsets[:-1] + sizes] = 0x80
    return Units(data, offsets)


def unpadded(padded: Units) -> pa.BinaryArray | None:
    """The inverse of `padded`: each value up to its last byte that is not zero; None where that is no 0x80 in the last
    block."""
    there = np.flatnonzero(padded.units)
    last = np.searchsorted(there, padded.offsets[1:]) - 1
    if not len(padded.offsets) - 1:
        return pa.array([], pa.binary())
    if (last < 0).any():
        return None
    ends = there[last]
    if (ends < padded.offsets[1:] - BLOCK).any() or (padded.units[ends] != 0x80).any():
        return None
    sizes = ends - padded.offsets[:-1]
    data = padded.units[_places(padded.offsets[:-1], sizes)]
    return binary(Units(data, np.concatenate([[0], np.cumsum(sizes)])))
