"""Tink's two forms of a clear keyset: JSON (what ``tinkey`` writes) and binary (what is encrypted).

Both are read strictly, and what is wrong is said without a byte of the input: JSON's own errors carry the whole text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from privacy_udfs.keysets.keyset_entry import KeysetEntry
from privacy_udfs.keysets.strict_json import checked, from_base64, parse_json
from privacy_udfs.keysets.tink_proto import KEYSET, MalformedError, Values, decode, encode

STATUSES = ("UNKNOWN_STATUS", "ENABLED", "DISABLED", "DESTROYED")
PREFIXES = ("UNKNOWN_PREFIX", "TINK", "LEGACY", "RAW", "CRUNCHY")
MATERIALS = ("UNKNOWN_KEYMATERIAL", "SYMMETRIC", "ASYMMETRIC_PRIVATE", "ASYMMETRIC_PUBLIC", "REMOTE")

_KEYSET_FIELDS = {"primaryKeyId": int, "key": list}
_KEY_FIELDS = {"keyData": dict, "status": str, "keyId": int, "outputPrefixType": str}
_DATA_FIELDS = {"typeUrl": str, "value": str, "keyMaterialType": str}


def values_from_json(text: str | bytes) -> Values:
    """``primary_key_id`` and the parameters of the ``entries``. Raises `MalformedError`."""
    keyset = checked("the keyset", parse_json(text), _KEYSET_FIELDS)
    return {
        "primary_key_id": keyset.get("primaryKeyId", 0),
        "entries": [_entry_from_json(number, key) for number, key in enumerate(keyset.get("key", []), 1)],
    }


def values_from_binary(data: bytes) -> Values:
    """As `values_from_json`."""
    keyset = decode(KEYSET, data)
    return {
        "primary_key_id": keyset["primary_key_id"],
        "entries": [_entry_from_proto(number, key) for number, key in enumerate(keyset["key"], 1)],
    }


def to_json(primary_id: int, entries: Iterable[KeysetEntry]) -> str:
    """The keyset as Tink's libraries write it."""
    return json.dumps({"primaryKeyId": primary_id, "key": [_entry_to_json(entry) for entry in entries]}, indent=2)


def to_binary(primary_id: int, entries: Iterable[KeysetEntry]) -> bytes:
    """The keyset as a serialized ``google.crypto.tink.Keyset``."""
    return encode(KEYSET, {"primary_key_id": primary_id, "key": [_entry_to_proto(entry) for entry in entries]})


def _entry_from_json(number: int, given: Any) -> Values:
    what = f"key number {number}"
    key = checked(what, given, _KEY_FIELDS)
    data = checked(what, key.get("keyData", {}), _DATA_FIELDS)
    return {
        "id": key.get("keyId", 0),
        "status": _known(what, key.get("status"), STATUSES),
        "output_prefix": _known(what, key.get("outputPrefixType"), PREFIXES),
        "type_url": data.get("typeUrl", ""),
        "value": from_base64(f"the value of {what}", data.get("value", "")),
        "material_type": _known(what, data.get("keyMaterialType", MATERIALS[0]), MATERIALS),
    }


def _entry_from_proto(number: int, key: Values) -> Values:
    data = key["key_data"] or {"type_url": "", "value": b"", "key_material_type": 0}
    what = f"key number {number}"
    return {
        "id": key["key_id"],
        "status": _named(what, key["status"], STATUSES),
        "output_prefix": _named(what, key["output_prefix_type"], PREFIXES),
        "type_url": data["type_url"],
        "value": data["value"],
        "material_type": _named(what, data["key_material_type"], MATERIALS),
    }


def _entry_to_json(entry: KeysetEntry) -> Values:
    key: Values = {"status": entry.status, "keyId": entry.id, "outputPrefixType": entry.output_prefix}
    if entry.type_url:
        value = base64.b64encode(entry.value).decode()
        key["keyData"] = {"typeUrl": entry.type_url, "value": value, "keyMaterialType": entry.material_type}
    return key


def _entry_to_proto(entry: KeysetEntry) -> Values:
    material = MATERIALS.index(entry.material_type)
    data = {"type_url": entry.type_url, "value": entry.value, "key_material_type": material}
    return {
        "key_data": data if entry.type_url else None,
        "status": STATUSES.index(entry.status),
        "key_id": entry.id,
        "output_prefix_type": PREFIXES.index(entry.output_prefix),
    }


def _known(what: str, name: object, names: tuple[str, ...]) -> str:
    if name not in names:
        raise MalformedError(f"{what} lacks one of {', '.join(names[1:])}")
    return str(name)


def _named(what: str, number: int, names: tuple[str, ...]) -> str:
    if number >= len(names):
        raise MalformedError(f"{what} lacks one of {', '.join(names[1:])}")
    return names[number]
