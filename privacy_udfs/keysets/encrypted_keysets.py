"""Keysets encrypted at rest, in Tink's JSON: ``{"encryptedKeyset": ..., "keysetInfo": ...}``.

What is encrypted is the keyset's binary form, as one AEAD ciphertext of the key-encryption key, with empty associated
data as ``tinkey`` does. ``keysetInfo`` is for people: it is not authenticated, and nothing is opened by it.
"""

from __future__ import annotations

import base64
import json

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers.kek import Kek
from privacy_udfs.keysets import strict_json
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.tink_proto import MalformedError, Values

_FIELDS = {"encryptedKeyset": str, "keysetInfo": dict}


def seal(keyset: Keyset, kek: Kek, associated_data: bytes = b"") -> str:
    """The keyset encrypted under ``kek``, as JSON."""
    ciphertext = kek.encrypt(keyset.to_binary(), associated_data)
    encoded = base64.b64encode(ciphertext).decode()
    return json.dumps({"encryptedKeyset": encoded, "keysetInfo": _info(keyset)}, indent=2)


def unseal(text: str | bytes, kek: Kek, associated_data: bytes = b"") -> Keyset:
    """The keyset that `seal`, or ``tinkey``, encrypted. Raises `KeyProblem`, which holds no byte of it."""
    ciphertext, fault = strict_json.read(_ciphertext, text)
    if ciphertext is None:
        raise KeyProblem(f"not an encrypted keyset: {fault}")
    return Keyset.from_binary(kek.decrypt(ciphertext, associated_data))


def is_sealed(text: str | bytes) -> bool:
    """Whether it looks like an encrypted keyset, for a better message than that it is malformed."""
    parsed, _ = strict_json.read(strict_json.parse_json, text)
    return isinstance(parsed, dict) and "encryptedKeyset" in parsed


def ids_told(text: str | bytes) -> frozenset[int]:
    """The ids of the keys that an encrypted keyset says it holds; none where it says nothing that can be read."""
    parsed, _ = strict_json.read(strict_json.parse_json, text)
    info = parsed.get("keysetInfo") if isinstance(parsed, dict) else None
    keys = info.get("keyInfo") if isinstance(info, dict) else None
    found = [key.get("keyId") for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    return frozenset(each for each in found if isinstance(each, int))


def _ciphertext(text: str | bytes) -> bytes:
    given = strict_json.checked("it", strict_json.parse_json(text), _FIELDS)
    ciphertext = strict_json.from_base64("encryptedKeyset", given.get("encryptedKeyset", ""))
    if not ciphertext:
        raise MalformedError("it has no encryptedKeyset")
    return ciphertext


def _info(keyset: Keyset) -> Values:
    keys = []
    for entry in keyset.entries:
        info = {"status": entry.status, "keyId": entry.id, "outputPrefixType": entry.output_prefix}
        keys.append({"typeUrl": entry.type_url, **info} if entry.type_url else info)
    return {"primaryKeyId": keyset.primary_id, "keyInfo": keys}
