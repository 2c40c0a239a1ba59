"""The life of a key's versions: each function gives a new keyset, and refuses what would leave an unusable one.

New data uses the primary. A version that is disabled can be enabled again; one that is destroyed is gone for ever, and
with it the way back from every value it treated.
"""

from __future__ import annotations

import dataclasses

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.keyset import Keyset, new_id
from privacy_udfs.keysets.keyset_entry import KeysetEntry, Status


def added(keyset: Keyset, type: str | None = None) -> tuple[Keyset, int]:
    """The keyset with one more version, enabled but not primary, and the id of it. type: the primary's by default."""
    taken = tuple(entry.id for entry in keyset.entries)
    entry = KeysetEntry.generate(type or keyset.primary.type, new_id(taken))
    return dataclasses.replace(keyset, entries=(*keyset.entries, entry)), entry.id


def promoted(keyset: Keyset, key_id: int) -> Keyset:
    """The keyset with an enabled version as its primary."""
    status = keyset.entry(key_id).status
    if status != "ENABLED":
        raise KeyProblem(f"key id {key_id} is {status.lower()}: only an enabled one can be the primary")
    return dataclasses.replace(keyset, primary_id=key_id)


def enabled(keyset: Keyset, key_id: int) -> Keyset:
    """The keyset with a disabled version usable again."""
    return _with_status(keyset, key_id, "ENABLED")


def disabled(keyset: Keyset, key_id: int) -> Keyset:
    """The keyset with a version that neither treats nor reverts until it is enabled."""
    return _with_status(keyset, key_id, "DISABLED")


def destroyed(keyset: Keyset, key_id: int) -> Keyset:
    """The keyset with a version of which only the id is left, as Tink does it. Copies elsewhere are not reached."""
    entry = _with_status(keyset, key_id, "DISABLED").entry(key_id)
    gone = dataclasses.replace(entry, status="DESTROYED", type_url="", value=b"", material_type="UNKNOWN_KEYMATERIAL")
    return _replaced(keyset, gone)


def _with_status(keyset: Keyset, key_id: int, status: Status) -> Keyset:
    entry = keyset.entry(key_id)
    if entry.status == "DESTROYED":
        raise KeyProblem(f"key id {key_id} is destroyed: nothing is left of it")
    if key_id == keyset.primary_id and status != "ENABLED":
        raise KeyProblem(f"key id {key_id} is the primary: promote another one first")
    return _replaced(keyset, dataclasses.replace(entry, status=status))


def _replaced(keyset: Keyset, entry: KeysetEntry) -> Keyset:
    entries = tuple(entry if other.id == entry.id else other for other in keyset.entries)
    return dataclasses.replace(keyset, entries=entries)
