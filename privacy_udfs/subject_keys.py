"""Keys of subjects: rows of the table in which they are kept, and values under them (docs/crypto_shredding.md).

All keys but the subjects' own come from one, which is of one version of a named key and of one table:
``HKDF-Expand-SHA-256(key, "lakenym/subject_keys/1/" + role)``, RFC 5869. Of a subject s (its canonical bytes)::

    lookup  = HMAC-SHA-256(k.lookup, s)            its first 16 bytes
    handle  = 16 random bytes, by which tokens name the row
    wrapped = AES-SIV(k.wrap, lookup || handle, secret)     48 bytes; secret: 32 random bytes

A value of the subject is sealed under a key that comes from the secret alone (`privacy_udfs.kernels.aes.by_key`), with
32 bytes bound to it: the first 16 of ``SHA-256(label)``, and the lookup. Whoever destroys the row destroys the key.

A handle would tell of all tokens of a subject that they are of one, in all columns and tables. So it stands in a token
as ``handle xor AES-256(k.handle, the 16 bytes that follow it)``: the synthetic IV, or nonce and what comes after it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from privacy_udfs.kernels.aes import GCM_KEY, BlockCipher, Index, Schedules, derived, of_secrets, schedules
from privacy_udfs.kernels.arrays import Bytes, binary, by_length, cut, joined, opened_by_length, rows_of, to_bytes
from privacy_udfs.kernels.hmac import hmac_sha256

LOOKUP, HANDLE, SECRET, WRAPPED = 16, 16, 32, 48
TABLE_KEY = 32
"""Bytes of the key of a table."""
KEY_LABEL = "subject_keys"
"""In the place of a technique's name where the key of a table is derived; its domain is the table's id."""
INFO = "lakenym/subject_keys/1/{role}"
AT_ONCE = 1 << 14
"""Rows whose key schedules are kept at a time, some half kilobyte each: fewer cost more calls (measured)."""
LONGEST = 512
_TAG = 4  # bytes by which a message on its way says which key is its


class Made(NamedTuple):
    """New rows, one for each lookup."""

    handle: pa.BinaryArray
    wrapped: pa.BinaryArray


class Keyed(NamedTuple):
    """Keys of subjects, a row each: which handle a token of theirs gets, the secret, and the lookup."""

    handles: Bytes
    secrets: Bytes
    lookups: Bytes

    def bound(self, label: bytes) -> Bytes:
        """What is bound to a value of each. label: of `label`."""
        return np.hstack([np.broadcast_to(np.frombuffer(label, np.uint8), (len(self.lookups), 16)), self.lookups])


def label(technique: str, domain: str, associated_data: str) -> bytes:
    """What tells the values of a technique in a domain from others under the same key of a subject."""
    told = json.dumps(["lakenym/1/subject", technique, domain, associated_data], separators=(",", ":"))
    return hashlib.sha256(told.encode()).digest()[:16]


class SubjectKeys:
    """The rows of one table under one version of its key. Arrays hold no nulls."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _of(self, role: str, size: int) -> bytes:
        return HKDFExpand(hashes.SHA256(), size, INFO.format(role=role).encode()).derive(self._key)

    def _schedules(self, role: str, bound: Bytes) -> Schedules:
        return schedules(np.frombuffer(self._of(role, 64), np.uint8).reshape(1, 64), bound)

    def lookups(self, subjects: pa.BinaryArray) -> pa.BinaryArray:
        """By which rows are found for subjects, by their canonical bytes."""
        return binary(rows_of(hmac_sha256(self._of("lookup", 32), subjects)[:, :LOOKUP]))

    def made(self, lookups: pa.BinaryArray, random: Callable[[int], bytes] = os.urandom) -> Made:
        """New rows, a key for each."""
        many = len(lookups)
        drawn = np.frombuffer(random(many * (HANDLE + SECRET)), np.uint8).reshape(many, HANDLE + SECRET)
        handles, secrets = np.ascontiguousarray(drawn[:, :HANDLE]), np.ascontiguousarray(drawn[:, HANDLE:])
        bound, wrapped = np.hstack([cut(lookups, 0, LOOKUP), handles]), np.empty((many, WRAPPED), np.uint8)
        for rows in slices(many):
            index = np.arange(rows.stop - rows.start, dtype=np.int32)
            wrapped[rows] = self._schedules("wrap", bound[rows]).seal(index, secrets[rows])
        return Made(binary(rows_of(handles)), binary(rows_of(wrapped)))

    def secrets(self, lookups: Bytes, handles: Bytes, wrapped: Bytes) -> Bytes | None:
        """What rows hold, in memory alone; None where any is not the row of its lookup and handle under this key."""
        bound, secrets = np.hstack([lookups, handles]), np.empty((len(lookups), SECRET), np.uint8)
        for rows in slices(len(bound)):
            index = np.arange(rows.stop - rows.start, dtype=np.int32)
            found = self._schedules("wrap", bound[rows]).open(index, np.ascontiguousarray(wrapped[rows]))
            if found is None:
                return None
            secrets[rows] = found
        return secrets

    def pads(self, blocks: Bytes) -> Bytes:
        """What hides the handle of each token, by the 16 bytes that follow it there."""
        return BlockCipher(self._of("handle", 32)).encrypt(np.ascontiguousarray(blocks))

    def carried(self, values: pa.BinaryArray) -> pa.BinaryArray:
        """Values under the key alone: so they go from task to task."""
        one = np.zeros(len(values), np.int32)
        return sealed(self._schedules("carried", np.zeros((1, 32), np.uint8)), one, values, lambda _, rows: rows)

    def uncarried(self, values: pa.BinaryArray) -> pa.BinaryArray | None:
        """The inverse; None where any is not authentic."""
        return opened(self._schedules("carried", np.zeros((1, 32), np.uint8)), np.zeros(len(values), np.int32), values)


def slices(count: int) -> Iterator[slice]:
    """`AT_ONCE` rows each."""
    return (slice(at, min(at + AT_ONCE, count)) for at in range(0, count, AT_ONCE))


def siv(known: Keyed, under: bytes) -> Schedules:
    """What seals values of these subjects by AES-SIV. under: their label."""
    return of_secrets(known.secrets, b"siv", known.bound(under))


def gcm(known: Keyed) -> Bytes:
    """The keys under which values of these subjects are sealed by AES-GCM."""
    return derived(known.secrets, b"gcm", GCM_KEY)


def sealed(
    made: Schedules, index: Index, values: pa.BinaryArray, finished: Callable[[Index, Bytes], Bytes]
) -> pa.BinaryArray:
    """Each value under the key that ``index`` names. finished: what is made of sealed rows of one length, by their
    keys."""

    def rows(given: Bytes) -> Bytes:
        keys = _keys(given)
        return finished(keys, made.seal(keys, np.ascontiguousarray(given[:, _TAG:])))

    return by_length(_tagged(index, values), LONGEST, rows, lambda few: _few(few, rows))


def opened(made: Schedules, index: Index, values: pa.BinaryArray) -> pa.BinaryArray | None:
    """The inverse of `sealed`; None where any is not authentic."""
    failed = False

    def rows(given: Bytes) -> Bytes:
        nonlocal failed
        keys = _keys(given)
        found = made.open(keys, np.ascontiguousarray(given[:, _TAG:]))
        failed = failed or found is None
        return np.zeros((len(given), 0), np.uint8) if found is None else found

    plain = opened_by_length(
        _tagged(index, values),
        LONGEST,
        lambda given: [(np.arange(len(given)), rows(given))],
        lambda few: _few(few, rows),
    )
    return None if failed else plain


def _tagged(index: Index, values: pa.BinaryArray) -> pa.BinaryArray:
    """Each value behind the number of its key, so that both go the same way."""
    return joined(rows_of(np.ascontiguousarray(index, "<i4").view(np.uint8).reshape(-1, _TAG)), to_bytes(values))


def _keys(tagged: Bytes) -> Index:
    return np.ascontiguousarray(tagged[:, :_TAG]).view("<i4").reshape(-1).astype(np.int32)


def _few(tagged: pa.BinaryArray, rows: Callable[[Bytes], Bytes]) -> pa.BinaryArray:
    """Values of lengths that are rare, or long."""
    lengths = np.diff(to_bytes(tagged).offsets)
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order], append=-1)) + 1
    parts, start = [pa.array([], pa.binary())], 0
    for end in ends.tolist():
        at = order[start:end]
        parts.append(binary(rows_of(rows(cut(tagged.take(pa.array(at)), 0, int(lengths[at[0]]))))))
        start = end
    places = np.empty(len(tagged), np.int64)
    places[order] = np.arange(len(tagged))
    return pa.concat_arrays(parts).take(pa.array(places))
