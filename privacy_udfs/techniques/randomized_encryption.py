"""`randomized_encryption`: unlinkable tokens that only the holder of the key can turn back."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from privacy_udfs import subject_keys
from privacy_udfs.kernels.aes import GCM, Index, gcm_opened, gcm_sealed
from privacy_udfs.kernels.arrays import from_list, to_list
from privacy_udfs.strength import Shows
from privacy_udfs.subject_keys import TABLE_KEY, Keyed
from privacy_udfs.techniques._sealed import TAG, Cipher, SealedTechnique

NONCE = 12


class RandomizedEncryption(SealedTechnique):
    """Encrypt with AES-GCM (NIST SP 800-38D) under a random nonce for each value: equal values get different tokens.

    Encrypted are the canonical bytes of a value (see `privacy_udfs.kernels.text.canonical`). associated_data: text,
    bound to each token as its UTF-8. encoding: ``base64`` with padding, ``base64url`` without, lower-case ``hex``, or
    ``binary``.
    output_prefix: ``tink``: ``0x01 || key id (4 bytes, big-endian) || nonce (12) || ciphertext || tag (16)``, which any
    Tink opens as AES-GCM; ``raw``: the same without the first five bytes. Gives text, or binary. Null in, null out; no
    value is refused. empty: see `TextTechnique`. Key: 32 bytes (AES-256), or 16.

    key_per, subject_keys, subject_normalize: see `BySubject`. With ``key_per: subject`` a token is ``0x03 || hidden
    index of the key (10) || nonce (12) || ciphertext || tag (16)``, and refused is a value whose subject is null,
    empty, or destroyed (docs/crypto_shredding.md). Key: then a `TreeKey`, of 32 bytes and the nodes of its tree.

    `revert` gives text where every value of the array is valid UTF-8, else binary; binary columns cast it to binary.
    With a key id, other ids are refused; with id 0 (plain key bytes) any is taken. A wrong key, a changed, cut or
    misspelt token: always the same `TokenRefused`.

    What it does not protect against: lengths show, to the byte. Nonces come from the operating system's generator, so
    under one key at most 2**32 values may be encrypted (SP 800-38D, section 8.3), in all tables and runs together; the
    technique cannot count them: give large tables keys of their own, and rotate. A repeated run gives other tokens.
    """

    technique: Literal["randomized_encryption"] = "randomized_encryption"

    comes_out = "reversible, not joinable; opens with any Tink"
    standard = "AES-GCM, NIST SP 800-38D"
    deterministic = False
    shows = Shows.LENGTHS
    algorithms = ("AES-256-GCM",)
    key_types = ("AesGcmKey",)

    def key_size(self) -> int:
        return TABLE_KEY if self.by_subject_keys() else 32

    def accepts_key(self, size: int) -> bool:
        return size == TABLE_KEY if self.by_subject_keys() else size in (16, 32)

    @classmethod
    def least_size(cls) -> int:
        return NONCE + TAG

    def cipher(self, key: bytes) -> Cipher:
        return GCM(key, self.associated_data.encode())

    def _sealed_by_subject(self, known: Keyed, under: bytes, index: Index, values: pa.BinaryArray) -> pa.BinaryArray:
        return from_list(gcm_sealed(subject_keys.gcm(known), known.bound(under), index, to_list(values)))

    def unsealed(self, known: Keyed, under: bytes, index: Index, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        found = gcm_opened(subject_keys.gcm(known), known.bound(under), index, to_list(sealed))
        return None if found is None else from_list(found)
