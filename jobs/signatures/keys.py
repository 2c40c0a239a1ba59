"""Keys of Ed25519 (RFC 8032) that sign for a name, and the public keys that tell whether they did, as text.

The text of a public key is that of C2SP's signed notes, ``name+hash+base64``: hash, 8 hex digits, are the first four
bytes of SHA-256 over the name, a line feed, the byte 1 and the key; base64 is of the byte 1 and the key.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import re
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jobs.signatures.problem import NotSigned
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.keyset_entry import KeysetEntry, StaysHere

ED25519 = b"\x01"
TYPE = "Ed25519PrivateKey"
NAME = re.compile(r"[^\s+]{1,200}")
"""Of whoever signs: no space and no plus, since these end it in notes and in the text of a key."""


@dataclasses.dataclass(frozen=True)
class PublicKey:
    """name: of whoever signs with it. key: its 32 bytes."""

    name: str
    key: bytes

    @property
    def hash(self) -> bytes:
        """Four bytes by which a signature says which key made it."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(ED25519 + self.key).decode()}"

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """The key that a text names. Raises `NotSigned`."""
        name, hash, content = [*text.strip().split("+", 2), "", ""][:3]
        try:
            told = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            told = b""
        key = cls(name, told[1:])
        if not NAME.fullmatch(name) or told[:1] != ED25519 or len(told) != 33 or key.hash.hex() != hash:
            raise NotSigned("expected a public key of Ed25519 as name+hash+base64, as audit.py key prints it")
        return key


@dataclasses.dataclass(frozen=True)
class SigningKey(StaysHere):
    """A private key. Its `repr` shows whose it is, and nothing of the key."""

    name: str
    seed: bytes = dataclasses.field(repr=False)

    def sign(self, content: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(content)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())


def signing_key(name: str, keyset: Keyset) -> SigningKey:
    """The primary of a keyset, which signs for a name. Raises `KeyProblem` where it is of another type."""
    return SigningKey(name, _seed(keyset.primary))


def public_keys(name: str, keyset: Keyset) -> tuple[PublicKey, ...]:
    """Of all versions of a keyset that are enabled: what one of them signed counts."""
    return tuple(SigningKey(name, _seed(entry)).public for entry in keyset.entries if entry.status == "ENABLED")


def _seed(entry: KeysetEntry) -> bytes:
    if entry.type != TYPE:
        raise KeyProblem(f"key id {entry.id} is a {entry.type or 'destroyed key'}: what signs is an {TYPE} alone")
    if entry.output_prefix != "RAW":
        raise KeyProblem(f"key id {entry.id}: what signs has the output prefix RAW, as signatures are without Tink")
    return entry.secret().key


def parsed(texts: Iterable[str]) -> tuple[PublicKey, ...]:
    """Public keys, of which each line of a text may name one; lines that begin with # say something else."""
    lines = (line for text in texts for line in text.splitlines())
    return tuple(PublicKey.parse(line) for line in lines if line.strip() and not line.startswith("#"))
