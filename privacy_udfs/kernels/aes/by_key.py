"""AES-SIV and AES-GCM over whole arrays in which each message has a key of its own, and the keys themselves.

The key of a message is derived from 32 secret bytes by NIST SP 800-108r1's KDF in counter mode with AES-256-CMAC
(r = 32, the counter before the fixed data; label: a short name; no context). With AES instructions and llvmlite (the
extra ``fast``) that, the key schedules, S2V and counter mode are one call of compiled code for a batch
(`privacy_udfs.kernels.aes.by_key_ir`); elsewhere a loop over ``cryptography``. Both give the same bytes. GCM is that
loop everywhere.
"""

from __future__ import annotations

import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs.kernels.aes.block_cipher import BLOCK
from privacy_udfs.kernels.aes.by_key_native import Native, compiled
from privacy_udfs.kernels.aes.by_key_plain import BOUND, GCM_KEY, SECRET, SIV_KEY, Index, Plain, derived_plainly
from privacy_udfs.kernels.arrays import Bytes

__all__ = [
    "BOUND",
    "GCM_KEY",
    "SECRET",
    "SIV_KEY",
    "Index",
    "Schedules",
    "derived",
    "gcm_opened",
    "gcm_sealed",
    "of_secrets",
    "schedules",
]
NONCE = 12
LONGEST_LABEL = BLOCK - 4 - 1 - 4 - 1  # so that counter, label, zero, length and padding are one block


class Schedules(Protocol):
    """Keys that are ready for use, each with the 32 bytes that are bound to what it seals (one component of S2V)."""

    def seal(self, index: Index, plain: Bytes) -> Bytes:
        """Of messages of one length, a row each, the synthetic IV and the ciphertext. index: which key."""

    def open(self, index: Index, sealed: Bytes) -> Bytes | None:
        """The inverse; None where any row is not authentic, or too short."""


def derived(secrets: Bytes, label: bytes, size: int) -> Bytes:
    """Keys of ``size`` bytes (whole blocks), a row for each row of 32 secret bytes."""
    _check_label(label)
    if size % BLOCK:
        raise ValueError("keys of whole blocks")
    native = compiled()
    return derived_plainly(secrets, label, size) if native is None else native.derive(secrets, label, size)


def schedules(keys: Bytes, bound: Bytes) -> Schedules:
    """Of keys of 64 bytes, a row each, or one row for all; bound: a row of 32 bytes each."""
    native = compiled()
    return Plain(keys, bound) if native is None else Native(native, keys, bound)


def of_secrets(secrets: Bytes, label: bytes, bound: Bytes) -> Schedules:
    """As `schedules` of the keys that are `derived`, a row each, in one go with what they are for."""
    _check_label(label)
    native = compiled()
    if native is None:
        return Plain(derived_plainly(secrets, label, SIV_KEY), bound)
    return Native(native, secrets, bound, label)


def _check_label(label: bytes) -> None:
    if not 0 < len(label) <= LONGEST_LABEL:
        raise ValueError("a label of 1 to 6 bytes")


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
