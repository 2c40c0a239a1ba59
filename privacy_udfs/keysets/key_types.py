"""The types of Tink keys that are used here: what each holds, its sizes, and how a new one is made.

A key of any other type can stand in a keyset and is carried along unread; using it is refused.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privacy_udfs.keysets.tink_proto import Field, MalformedError, Schema, Values, decode, encode

URL = "type.googleapis.com/google.crypto.tink."
HASHES = {1: "SHA1", 2: "SHA384", 3: "SHA256", 4: "SHA512", 5: "SHA224"}
SHA256 = 3

_VERSION, _HASH = Field("version", "uint32"), Field("hash", "uint32")
_KEY_VALUE = Field("key_value", "bytes")


@dataclasses.dataclass(frozen=True)
class Secret:
    """What a key holds: its bytes, and for some types a hash function and a salt. The `repr` shows neither."""

    key: bytes = dataclasses.field(repr=False)
    hash: str | None = None
    salt: bytes = dataclasses.field(default=b"", repr=False)


@dataclasses.dataclass(frozen=True)
class KeyType:
    """One of Tink's key types. sizes: allowed sizes in bytes; ``new`` is the size and ``params`` the parameters of a
    key made here; prefix: the output prefix of a key made here (Tink's own templates have the same); material: what
    Tink calls the kind of key."""

    schema: Schema
    sizes: range | tuple[int, ...]
    new: int
    prefix: str
    params: Mapping[str, int] | None = None
    hashes: tuple[str, ...] = ()
    material: str = "SYMMETRIC"

    def read(self, value: bytes) -> Secret:
        """The secret in a serialized key. Raises `MalformedError`, which never holds a byte of it."""
        fields = decode(self.schema, value)
        if fields["version"] != 0:
            raise MalformedError("its version is not 0")
        if len(fields["key_value"]) not in self.sizes:
            raise MalformedError("the key has a size that its type does not allow")
        if not self.hashes:
            return Secret(fields["key_value"])
        params = fields["params"] or {}
        name = HASHES.get(params.get("hash", 0))
        if name not in self.hashes:
            raise MalformedError("its hash function is not one that its type allows")
        return Secret(fields["key_value"], name, params.get("salt", b""))

    def generate(self) -> bytes:
        """A new serialized key with bytes from the operating system's random generator."""
        values: Values = {"key_value": secrets.token_bytes(self.new), "params": self.params and dict(self.params)}
        return encode(self.schema, values)


@dataclasses.dataclass(frozen=True)
class SigningKeyType(KeyType):
    """Tink's ``Ed25519PrivateKey``: the seed of RFC 8032 and the public key. It signs, and treats nothing."""

    def read(self, value: bytes) -> Secret:
        """As `KeyType.read`; the public key must be the seed's own."""
        secret, public = super().read(value), decode(self.schema, value)["public_key"]
        if public is None or public["version"] != 0 or public["key_value"] != public_of(secret.key):
            raise MalformedError("its public key is not that of its private key")
        return secret

    def generate(self) -> bytes:
        """As `KeyType.generate`."""
        seed = secrets.token_bytes(self.new)
        return encode(self.schema, {"key_value": seed, "public_key": {"version": 0, "key_value": public_of(seed)}})


def public_of(seed: bytes) -> bytes:
    """The public key of a seed of Ed25519, 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


_ANY_SIZE_FROM_16, _ANY_SIZE_FROM_32 = range(16, 1 << 20), range(32, 1 << 20)
_PLAIN: Schema = {1: _VERSION, 2: _KEY_VALUE}


def _with_params(*params: Field) -> Schema:
    message = dict(enumerate((_HASH, *params), 1))
    return {1: _VERSION, 2: Field("params", "message", message), 3: _KEY_VALUE}


KEY_TYPES: Mapping[str, KeyType] = {
    "HkdfPrfKey": KeyType(
        _with_params(Field("salt", "bytes")), _ANY_SIZE_FROM_32, 32, "RAW", {"hash": SHA256}, ("SHA256", "SHA512")
    ),
    "HmacPrfKey": KeyType(_with_params(), _ANY_SIZE_FROM_16, 32, "RAW", {"hash": SHA256}, tuple(HASHES.values())),
    "AesSivKey": KeyType(_PLAIN, (64,), 64, "TINK"),
    "AesGcmKey": KeyType({1: _VERSION, 3: _KEY_VALUE}, (16, 32), 32, "TINK"),
    "AesCmacPrfKey": KeyType(_PLAIN, (32,), 32, "RAW"),
    "HmacKey": KeyType(
        _with_params(Field("tag_size", "uint32")),
        _ANY_SIZE_FROM_16,
        32,
        "TINK",
        {"hash": SHA256, "tag_size": 32},
        tuple(HASHES.values()),
    ),
    "Ed25519PrivateKey": SigningKeyType(
        {**_PLAIN, 3: Field("public_key", "message", _PLAIN)}, (32,), 32, "RAW", material="ASYMMETRIC_PRIVATE"
    ),
}
