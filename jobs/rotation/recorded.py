"""A column by its record alone: where it can be written anew by itself, how it was treated, and under which key."""

from __future__ import annotations

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.config import Config
from jobs.record.column_record import ColumnRecord
from privacy_udfs.errors import KeyProblem, LakenymError
from privacy_udfs.keys import KeyReference, Keyset, key_check_value
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse

PLACES = (Field, Element, MapKey, MapValue)


def misplaced(path: ColumnPath) -> str | None:
    """Why what stands at a path cannot be written anew by itself; None where it can."""
    if all(isinstance(step, PLACES) for step in path.steps):
        return None
    return "it stands within JSON text" if path.is_in_json else "rows are treated by cases"


def unkeyed(entry: ColumnRecord) -> str | None:
    """Why nobody knows the key of a column; None where the record says it."""
    if None not in (entry.key, entry.key_id, entry.domain, entry.key_check):
        return None
    return "the record does not say by which version of which key it was treated"


def technique(entry: ColumnRecord) -> Technique:
    """Raises `KeyProblem` where the record does not hold all parameters."""
    try:
        return parse({**entry.parameters, "technique": entry.technique})
    except LakenymError:
        raise KeyProblem(f"what the record says of a column of domain {entry.domain} cannot be read") from None


def reference(
    conf: Config, entry: ColumnRecord, technique: Technique, keyset: Keyset, key_id: int | None
) -> KeyReference:
    """What executors get of a version of the key of a column. technique: how the column is treated under it."""
    name, domain = str(entry.key), str(entry.domain)
    place, key = conf.keys[name], keyset.subkey(technique, domain, key_id)
    return KeyReference(name, place.keyset, place.kek, key.id, technique, domain, key_check_value(key))


def under_its_key(path: ColumnPath, entry: ColumnRecord, key: KeyReference) -> KeyReference:
    """The same key. Raises `KeyProblem` where it is not the one that treated the column."""
    if key.check != entry.key_check:
        raise KeyProblem(f"key {entry.key} (id {entry.key_id}) is not the key that {path} was treated with")
    return key
