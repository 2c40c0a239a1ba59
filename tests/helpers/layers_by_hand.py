"""Layered pseudonyms by Python's `hmac` and `hashlib` alone, as docs/layers.md says: no code of this project
computes them. `keyset_of` hands the same keys to the project."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence

from privacy_udfs.keys import Keyset


def hkdf(key: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869 with SHA-256 and no salt."""
    secret = hmac.new(bytes(32), key, hashlib.sha256).digest()
    block, derived = b"", b""
    while len(derived) < size:
        block = hmac.new(secret, block + info + bytes([len(derived) // 32 + 1]), hashlib.sha256).digest()
        derived += block
    return derived[:size]


def subkeys(masters: Sequence[bytes], domain: str, size: int = 32) -> list[bytes]:
    """That of each layer, oldest first."""
    names = ["keyed_hash", *(f"keyed_hash.layer{n}" for n in range(2, len(masters) + 1))]
    pairs = zip(masters, names, strict=True)
    return [hkdf(master, f"lakenym/1/{name}/{domain}".encode(), size) for master, name in pairs]


def check_values(masters: Sequence[bytes], domain: str) -> str:
    """As a record holds them."""
    return ".".join(hkdf(key, b"lakenym/1/key-check-value", 8).hex() for key in subkeys(masters, domain))


def written(code: bytes, encoding: str = "base64url") -> str:
    if encoding == "hex":
        return code.hex()
    if encoding == "uuid":
        return str(uuid.UUID(bytes=code))
    if encoding == "bigint":
        return str(int.from_bytes(code[:8], "big", signed=True))
    return base64.urlsafe_b64encode(code).decode().rstrip("=")


def pseudonym(
    value: str,
    masters: Sequence[bytes],
    domain: str,
    hash_name: str = "sha256",
    bits: int = 128,
    encoding: str = "base64url",
    prefix: str = "",
) -> str:
    """The pseudonym of a value that passed through all layers; of ``bigint`` as decimal text."""
    text = value
    for key in subkeys(masters, domain, {"sha256": 32, "sha512": 64}[hash_name]):
        text = written(hmac.digest(key, text.encode(), hash_name)[: bits // 8], encoding)
    return prefix + text


def keyset_of(masters: Mapping[int, bytes]) -> Keyset:
    """Tink's keyset of `HkdfPrfKey`s with these bytes, by their ids; the last one is the primary."""
    typed = {"typeUrl": "type.googleapis.com/google.crypto.tink.HkdfPrfKey", "keyMaterialType": "SYMMETRIC"}
    values = {
        key_id: base64.b64encode(b"\x12\x02\x08\x03\x1a" + bytes([len(key)]) + key) for key_id, key in masters.items()
    }
    entries = [
        {
            "keyData": {**typed, "value": value.decode()},
            "status": "ENABLED",
            "keyId": key_id,
            "outputPrefixType": "RAW",
        }
        for key_id, value in values.items()
    ]
    return Keyset.from_json(json.dumps({"primaryKeyId": [*masters][-1], "key": entries}))
