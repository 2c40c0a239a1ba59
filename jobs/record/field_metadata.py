"""Entries of the treatment record in the metadata of a table's fields: written here, and read.

The entry of a field stands under `PRIVACY` as it is. Array elements, map entries and cases are no fields: theirs stand
on the nearest field above, by the rest of their path.

Spark's metadata has lists of one kind only, of texts, 64-bit numbers, switches or mappings; a list in a list, a mixed
one, one with a null and a longer number fail, or change without a word. Such a value stands there as a mapping of one
text, ``{"json": "[[\\"a\\", \\"b\\"]]"}``; everything else as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.documents import canonical_json
from jobs.lake.record_names import PRIVACY
from jobs.record.column_record import ColumnRecord

AS_TEXT = "json"
LONGEST_NUMBER = 1 << 63


def of_field(path: ColumnPath, entries: Mapping[ColumnPath, ColumnRecord]) -> dict[str, Any]:
    """The metadata of the field at ``path``; empty where there is nothing to say of it."""
    if path in entries:
        return {PRIVACY: encoded(entries[path].as_json())}
    depth = len(path.steps)
    below = {
        str(ColumnPath(other.steps[depth:])): encoded(entry.as_json())
        for other, entry in entries.items()
        if other.steps[:depth] == path.steps and not any(isinstance(step, Field) for step in other.steps[depth:])
    }
    return {PRIVACY: below} if below else {}


def entries_on(path: ColumnPath, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Path -> what stands for its entry in the metadata of the field at ``path``; nothing of it is checked yet."""
    told = decoded(metadata.get(PRIVACY))
    if not isinstance(told, dict):
        return {}
    if "technique" in told or "class" in told:
        return {str(path): told}
    return {f"{path}{rest}": entry for rest, entry in told.items()}


def encoded(value: Any) -> Any:
    """The value with what Spark cannot hold as text. `decoded` gives the value back."""
    if isinstance(value, dict) and set(value) != {AS_TEXT}:
        return {name: encoded(part) for name, part in value.items()}
    if _fits(value):
        return value
    return {AS_TEXT: canonical_json(value)}


def decoded(value: Any) -> Any:
    """The inverse of `encoded`; what was written before there was any stays as it is."""
    if not isinstance(value, dict):
        return value
    if set(value) != {AS_TEXT} or not isinstance(value[AS_TEXT], str):
        return {name: decoded(part) for name, part in value.items()}
    try:
        return json.loads(value[AS_TEXT])
    except (ValueError, RecursionError):  # not ours
        return value


def _fits(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {type(part) for part in value}
        return not kinds or (len(kinds) == 1 and kinds <= {str, int, float, bool} and all(map(_fits, value)))
    if isinstance(value, int):
        return -LONGEST_NUMBER <= value < LONGEST_NUMBER
    return value is None or isinstance(value, str | float)
