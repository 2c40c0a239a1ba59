"""Encryption under a keyset of AES-GCM keys, in Tink's AEAD wire format: prefix, 12-byte nonce, ciphertext, tag.

It encrypts keysets at rest; the values of tables have `privacy_udfs.techniques`. Standard: NIST SP 800-38D.
"""

from __future__ import annotations

import dataclasses
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.keyset_entry import KeysetEntry

NONCE = 12


@dataclasses.dataclass(frozen=True)
class KeysetAead:
    """keyset: its primary, an ``AesGcmKey``, encrypts; every enabled key of it decrypts what carries its prefix."""

    keyset: Keyset

    def __post_init__(self) -> None:
        if any(entry.status == "ENABLED" and entry.type != "AesGcmKey" for entry in self.keyset.entries):
            raise KeyProblem("a key that encrypts keysets is a keyset of AesGcmKey only")

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """The ciphertext under the primary."""
        entry, nonce = self.keyset.primary, os.urandom(NONCE)
        return prefix(entry) + nonce + AESGCM(entry.secret().key).encrypt(nonce, plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """The plaintext. Raises `KeyProblem`, one message for every reason."""
        for entry in self.keyset.entries:
            if entry.status == "ENABLED" and ciphertext.startswith(prefix(entry)):
                rest = ciphertext[len(prefix(entry)) :]
                try:
                    return AESGCM(entry.secret().key).decrypt(rest[:NONCE], rest[NONCE:], associated_data)
                except (InvalidTag, ValueError):  # another key may have the same prefix, or none
                    continue
        raise KeyProblem("no enabled key of the encrypting keyset decrypts it")


def prefix(entry: KeysetEntry) -> bytes:
    """What Tink writes before a ciphertext: the output prefix's byte and the key id, or nothing for RAW."""
    if entry.output_prefix == "RAW":
        return b""
    return (b"\x01" if entry.output_prefix == "TINK" else b"\x00") + entry.id.to_bytes(4, "big")
