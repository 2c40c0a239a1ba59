"""`deterministic_encryption`: pseudonyms that join, and that the holder of the key can turn back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from privacy_udfs import subject_keys
from privacy_udfs.kernels.aes import BATCH_UP_TO, SIV, Index
from privacy_udfs.kernels.arrays import Bytes, by_length, opened_by_length, shorter_than
from privacy_udfs.kernels.text import canonical, rfc4648
from privacy_udfs.parameters import Normalize
from privacy_udfs.periods import PeriodTechnique
from privacy_udfs.strength import Shows
from privacy_udfs.subject_keys import TABLE_KEY, Keyed, SubjectKeys
from privacy_udfs.technique import Key
from privacy_udfs.techniques._by_subject import HEAD, heads
from privacy_udfs.techniques._sealed import PREFIX, TAG, Cipher, SealedTechnique

_ROWS: dict[str, tuple[int, Callable[[Bytes, int], Bytes] | None]] = {
    "base64": (3, rfc4648.rows_to_base64),
    "base64url": (3, rfc4648.rows_to_base64url),
    "hex": (1, rfc4648.rows_to_hex),
    "binary": (1, None),
}
"""Encoding -> the bytes that it takes at a time, and how it codes the rows of a matrix."""
_FROM_ROWS: dict[str, Callable[[Bytes], tuple[Bytes, Bytes] | None]] = {
    "base64": rfc4648.rows_from_base64,
    "base64url": rfc4648.rows_from_base64url,
    "hex": rfc4648.rows_from_hex,
    "binary": lambda rows: (rows, np.zeros(len(rows), np.uint8)),
}
"""Encoding -> its inverse, and how many bytes at the end of each row are filling."""
_LONGEST = 2 * (BATCH_UP_TO + TAG + PREFIX)  # of a token


class DeterministicEncryption(SealedTechnique, PeriodTechnique):
    """Encrypt with AES-SIV (RFC 5297): equal values get equal tokens, and a changed token is never accepted.

    Encrypted are the canonical bytes of a value (see `privacy_udfs.kernels.text.canonical`), of text after the steps of
    ``normalize`` (see `privacy_udfs.kernels.text.normalize`). empty: see `TextTechnique`. period, period_of,
    period_zone: see `PeriodTechnique`. associated_data: text, bound
    to each token as its UTF-8, in one component of S2V, also when it is empty, as Tink's AesSiv does. encoding:
    ``base64`` with padding, ``base64url`` without, lower-case ``hex``, or ``binary``. output_prefix: ``tink``:
    ``0x01 || key id (4 bytes, big-endian) || SIV (16) || ciphertext``, which any Tink opens; ``raw``: SIV and
    ciphertext alone. Gives text, or binary. Null in, null out; no value is refused.
    Key: 64 bytes (AES-256), or 48 or 32; the half for S2V comes first.

    key_per, subject_keys, subject_normalize: see `BySubject`. With ``key_per: subject`` a token is ``0x03 || hidden
    index of the key (10) || SIV (16) || ciphertext``, equal values of *different* subjects get different tokens, and
    refused is a value whose subject is null, empty, or destroyed (docs/crypto_shredding.md). Key: then a `TreeKey`, of
    32 bytes and the nodes of its tree.

    `revert` gives text where every value of the array is valid UTF-8, else binary; binary columns cast it to binary.
    Spaces, case and types that canonical bytes do not hold are not brought back. With a key id, other ids are refused;
    with id 0 (plain key bytes) any is taken. A wrong key, a changed, cut or misspelt token: always the same
    `TokenRefused`.

    What it does not protect against: equal values show, and so do frequencies and, to the byte, lengths. Under one key
    there should be at most 2**48 values (RFC 5297, section 7).
    """

    technique: Literal["deterministic_encryption"] = "deterministic_encryption"
    normalize: Normalize = ()

    comes_out = "reversible and joinable; opens with any Tink"
    standard = "AES-SIV, RFC 5297"
    injective = True
    shows = Shows.EQUALITY_AND_A_WAY_BACK
    costly = True
    algorithms = ("AES-SIV",)
    key_types = ("AesSivKey",)

    def empty_after(self) -> tuple[str, ...]:
        return self.normalize

    def key_size(self) -> int:
        return TABLE_KEY if self.by_subject_keys() else 64

    def accepts_key(self, size: int) -> bool:
        return size == TABLE_KEY if self.by_subject_keys() else size in (32, 48, 64)

    def cipher(self, key: bytes) -> Cipher:
        return SIV(key, [self.associated_data.encode()])

    def _tokens(self, cipher: Cipher, prefix: bytes) -> Callable[[pa.BinaryArray], pa.Array]:
        """Messages of one length are sealed, prefixed and encoded as the rows of one matrix."""
        assert isinstance(cipher, SIV)
        group, coder = _ROWS[self.encoding]
        whole, taken = super()._tokens(cipher, prefix), self.output_type(pa.binary())

        def rows(plain: Bytes) -> Bytes:
            size = len(prefix) + TAG + plain.shape[1]
            token = np.zeros((len(plain), size + -size % group), np.uint8)
            token[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
            cipher.seal_rows(plain, token[:, len(prefix) :])
            return token if coder is None else coder(token, -size % group)

        return lambda plain: by_length(plain, BATCH_UP_TO, rows, whole).view(taken)

    def untreat(self, values: pa.Array, key: Key | None) -> pa.Array:
        self.check_way_back()
        return super().untreat(values, key)

    def _messages(self, cipher: Cipher, prefix: bytes) -> Callable[[pa.Array], pa.BinaryArray | None]:
        """Tokens of one length are decoded and opened as the rows of one matrix, as they were made."""
        assert isinstance(cipher, SIV)
        whole = super()._messages(cipher, prefix)
        begins, skipped = (b"", 0) if self.output_prefix == "raw" else (prefix, PREFIX)

        def rows(tokens: Bytes) -> list[tuple[Any, Bytes]] | None:
            decoded = _FROM_ROWS[self.encoding](tokens)
            if decoded is None or decoded[0].shape[1] < skipped:
                return None
            sealed, spare = decoded
            if (sealed[:, : len(begins)] != np.frombuffer(begins, np.uint8)).any():
                return None
            found = list[tuple[Any, Bytes]]()
            for filling in np.flatnonzero(np.bincount(spare)).tolist():
                at = np.flatnonzero(spare == filling)
                messages = cipher.open_rows(sealed[at, skipped : sealed.shape[1] - filling])
                if messages is None:
                    return None
                found.append((at, messages))
            return found

        def messages(part: pa.Array) -> pa.BinaryArray | None:
            self._check_type(part)
            rest = lambda few: whole(few.view(part.type))  # noqa: E731
            return opened_by_length(part.view(pa.binary()), _LONGEST, rows, rest)

        return messages

    def written(self, keys: SubjectKeys, known: Keyed, under: bytes, index: Index, values: pa.BinaryArray) -> pa.Array:
        """Messages of one length are sealed and encoded as the rows of one matrix."""
        group, coder = _ROWS[self.encoding]

        def finished(which: Index, sealed: Bytes) -> Bytes:
            size = HEAD + sealed.shape[1]
            token = np.zeros((len(sealed), size + -size % group), np.uint8)
            token[:, :HEAD], token[:, HEAD:size] = heads(keys, known, which, sealed[:, :TAG]), sealed
            return token if coder is None else coder(token, -size % group)

        found = subject_keys.sealed(subject_keys.siv(known, under), index, values, finished)
        return found.view(self.output_type(pa.binary()))

    def _sealed_by_subject(self, known: Keyed, under: bytes, index: Index, values: pa.BinaryArray) -> pa.BinaryArray:
        return subject_keys.sealed(subject_keys.siv(known, under), index, values, lambda _, rows: rows)

    def unsealed(self, known: Keyed, under: bytes, index: Index, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        if shorter_than(sealed, TAG):
            return None
        return subject_keys.opened(subject_keys.siv(known, under), index, sealed)

    def canonical(self, values: pa.Array) -> pa.BinaryArray:
        return canonical(values, self.normalize)
