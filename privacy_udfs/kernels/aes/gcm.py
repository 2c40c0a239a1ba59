"""AES-GCM of NIST SP 800-38D, each message with a nonce of its own: a loop over `cryptography`.

Why no whole-array code: see the page of this family.
"""

from __future__ import annotations

import os

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs.kernels.arrays import from_list, shorter_than, to_list

NONCE = 12
TAG = 16


class GCM:
    """AES-GCM for one key (16 or 32 bytes) and associated data, with 96-bit nonces and 128-bit tags."""

    def __init__(self, key: bytes, associated_data: bytes) -> None:
        self._aes, self._associated_data = AESGCM(key), associated_data

    def seal(self, plain: pa.BinaryArray) -> pa.BinaryArray:
        """Each message as nonce, ciphertext and tag, under a nonce that the operating system draws. No nulls."""
        encrypt, data, drawn = self._aes.encrypt, self._associated_data, os.urandom(NONCE * len(plain))
        nonces = [drawn[at : at + NONCE] for at in range(0, len(drawn), NONCE)]
        return from_list([n + encrypt(n, message, data) for n, message in zip(nonces, to_list(plain), strict=True)])

    def open(self, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The inverse of `seal`; None where any message is not authentic. No nulls."""
        if shorter_than(sealed, NONCE + TAG):
            return None
        decrypt, data = self._aes.decrypt, self._associated_data
        try:
            return from_list([decrypt(token[:NONCE], token[NONCE:], data) for token in to_list(sealed)])
        except InvalidTag:
            return None
