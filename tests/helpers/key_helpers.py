"""What tests of keys share: techniques that take one, damage to a keyset, and proof that a text does not show it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from privacy_udfs import Technique, key_providers
from privacy_udfs.keys import KeyReference, Keyset, create_file, refer
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.keyed_hash import KeyedHash
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption
from tests.helpers.lakes import write_conf

HASH = KeyedHash()
CMAC = KeyedHash(algorithm="AES-CMAC")
SIV, RAW_SIV = DeterministicEncryption(), DeterministicEncryption(output_prefix="raw")
GCM = RandomizedEncryption()


def secrets_of(keyset: Keyset) -> list[bytes]:
    """The forms in which a key could leak: raw, hex and base64 of it, in pieces."""
    raw = [entry.secret().key for entry in keyset.entries if entry.value]
    data = [key["keyData"]["value"].encode() for key in json.loads(keyset.to_json())["key"] if "keyData" in key]
    forms = [form for key in raw for form in (key, key.hex().encode(), repr(key)[2:-1].encode())]
    return [form[:12] for form in forms] + [form[-20:-8] for form in (*forms, *data)]


def assert_silent(text: str, keyset: Keyset) -> None:
    found = text.encode("utf-8", "backslashreplace")
    assert not any(secret in found for secret in secrets_of(keyset))


def edited(change: Callable[[dict[str, Any]], None], keyset: Keyset | None = None) -> str:
    data = json.loads((keyset or Keyset.generate()).to_json())
    change(data)
    return json.dumps(data)


def set_key(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["key"][0].update(fields)


def set_data(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["key"][0]["keyData"].update(fields)


def create_same(path: Path) -> None:
    """Write a keyset of which the key is the same each time, so that what is estimated under it is the same too."""
    made = Keyset.generate()
    (entry,) = made.entries
    value = base64.b64decode(json.loads(made.to_json())["key"][0]["keyData"]["value"])
    same = hashlib.sha256(b"tests").digest()
    said = value.replace(entry.secret().key, same)
    assert said != value, "a key of 32 bytes stands in it"
    text = edited(set_data(value=base64.b64encode(said).decode()), made)
    key_providers.file.create(f"file:{path}", text.encode())


def reference(path: Path, technique: Technique = HASH, domain: str = "customer") -> KeyReference:
    return refer("crm", f"file:{path}", None, technique, domain)


def four_keys(lake: Path) -> Path:
    """A configuration of four keys, of which ``crm`` exists, and of two key-encryption keys."""
    conf = write_conf(lake)
    there = lake / "keys"
    for kek in ("kek", "other-kek"):
        create_file(there / f"{kek}.json", "AesGcmKey")
    entries = {
        "crm": {"keyset": f"file:{there}/crm.json"},
        "mail": {"keyset": f"file:{there}/mail.json", "kek": f"file:{there}/kek.json"},
        "broken": {"keyset": f"file:{there}/broken.json"},
        "outside": {"keyset": "env:NOT_SET"},
    }
    (conf / "keys.yaml").write_text(yaml.safe_dump(entries))
    (there / "broken.json").touch(0o600)
    (there / "broken.json").write_text('{"primaryKeyId": 1, "secret": "canary-6b1f"}')
    return conf
