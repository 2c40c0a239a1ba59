"""Envelopes, for services that wrap keys and encrypt nothing longer: a fresh data key encrypts, the service wraps it.

The bytes are those of Tink's envelope encryption (``KmsEnvelopeAead``) with AES-256-GCM::

    length of the wrapped key (4 bytes, big-endian) ‖ wrapped key ‖ nonce (12) ‖ ciphertext ‖ tag (16)

The wrapped key is JSON: ``{"alg": "RSA-OAEP-256", "version": "...", "value": "..."}``: the algorithm, the version of
the wrapping key, and what it made of the 32 bytes of the data key, in base64url without padding. None of it needs to
be authentic: with another data key the tag is wrong.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets import strict_json
from privacy_udfs.keysets.tink_proto import MalformedError

LENGTH, NONCE, DATA_KEY = 4, 12, 32
FIELDS = {"alg": str, "version": str, "value": str}


class Wrapped(NamedTuple):
    """A data key as the service wrapped it. alg: how. version: of the wrapping key. value: the wrapped bytes."""

    alg: str
    version: str
    value: bytes


def new_data_key() -> bytes:
    """A key for one envelope."""
    return os.urandom(DATA_KEY)


def sealed(plaintext: bytes, associated_data: bytes, data_key: bytes, wrapped: Wrapped) -> bytes:
    """The envelope."""
    told = {"alg": wrapped.alg, "version": wrapped.version, "value": to_base64url(wrapped.value)}
    head, nonce = json.dumps(told, separators=(",", ":")).encode(), os.urandom(NONCE)
    body = AESGCM(data_key).encrypt(nonce, plaintext, associated_data)
    return len(head).to_bytes(LENGTH, "big") + head + nonce + body


def parts(uri: str, envelope: bytes) -> tuple[Wrapped, bytes]:
    """The wrapped key and what it encrypts. Raises `KeyProblem`."""
    size = int.from_bytes(envelope[:LENGTH], "big")
    head, rest = envelope[LENGTH : LENGTH + size], envelope[LENGTH + size :]
    wrapped, _ = strict_json.read(_wrapped, head)
    if wrapped is None:
        raise KeyProblem(f"{uri}: what is encrypted is no envelope of a wrapped key: another kind of key made it")
    return wrapped, rest


def opened(uri: str, rest: bytes, associated_data: bytes, data_key: bytes) -> bytes:
    """What the data key encrypts. Raises `KeyProblem`."""
    try:
        return AESGCM(data_key).decrypt(rest[:NONCE], rest[NONCE:], associated_data)
    except (InvalidTag, ValueError):
        pass
    raise KeyProblem(f"{uri}: this key, or other associated data, did not encrypt the keyset, or it is damaged")


def to_base64url(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Raises `MalformedError`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        pass
    raise MalformedError("it is not base64url")


def _wrapped(head: bytes) -> Wrapped:
    told = strict_json.checked("it", strict_json.parse_json(head), FIELDS)
    if told.keys() != FIELDS.keys():
        raise MalformedError("it lacks a field")
    return Wrapped(told["alg"], told["version"], from_base64url(told["value"]))
