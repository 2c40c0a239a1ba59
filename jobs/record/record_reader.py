"""What a table says of its treatment, read with caution: anyone who writes tables can write it.

Nothing here believes a property or a field's metadata to have the right form. What does not is told in our own words,
with the names of columns and no more of the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, get_args

from jobs.configuration.entry import Class
from jobs.console.shown import shown
from jobs.lake.record_names import RECORD
from privacy_udfs.errors import REFUSED, LakenymError
from privacy_udfs.techniques import BY_NAME, parse

RECORD_VERSION = 1
CLASSES: tuple[str, ...] = get_args(Class)
HASHED = "sha256"
MOST = 5

Columns = Mapping[str, Mapping[str, Any]]
"""Path of a leaf column -> its entry in a record."""


class RecordProblem(LakenymError):
    """A table has a treatment record that cannot be understood, so that nothing is known of how it was treated."""

    exit_code: ClassVar[int] = REFUSED


def columns_of(properties: Mapping[str, str]) -> Columns:
    """The columns of the record in a table's properties; none where there is no record. Raises `RecordProblem`."""
    columns: Columns = _record(properties).get("columns", {})
    return columns


def rows_of(properties: Mapping[str, str]) -> str | None:
    """The predicate of the rows that were read, by the record in a table's properties; None: all, or no record.
    Raises `RecordProblem`."""
    rows: str | None = _record(properties).get("rows")
    return rows


def _record(properties: Mapping[str, str]) -> Mapping[str, Any]:
    text = properties.get(RECORD)
    if text is None:
        return {}
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise _problem("it is no JSON") from None
    faults = list(_faults(record))
    if faults:
        raise _problem("; ".join(faults[:MOST]))
    return record  # type: ignore[no-any-return]


def _problem(reason: str) -> RecordProblem:
    return RecordProblem(
        f"the table's property {RECORD} cannot be understood, so nothing is known of its treatment: {reason}. Restore "
        "the version of the table that a run wrote last, or treat it into a new target"
    )


def _faults(record: Any) -> Iterator[str]:
    if not isinstance(record, dict):
        yield "it is no JSON object"
    elif record.get("version") != RECORD_VERSION or isinstance(record["version"], bool):
        yield f"it is not of version {RECORD_VERSION}, the one that this release knows"
    elif not isinstance(record.get("columns"), dict):
        yield "it holds no columns"
    else:
        if not isinstance(record.get("rows"), (str, type(None))):
            yield "rows is no text"
        for path, entry in record["columns"].items():
            reason = why_unsound(entry)
            if reason is not None:
                yield f"column {shown(path)}: {reason}"


def why_unsound(entry: Any) -> str | None:
    """Why an entry, of a record or of a field's metadata, says nothing that can be believed; None where it does."""
    if not isinstance(entry, dict):
        return "its entry is no object"
    if entry.get("class") not in CLASSES:
        return "its class is none of ours"
    if not isinstance(entry.get("technique"), str) or entry["technique"] not in BY_NAME:
        return "its technique is none of ours"
    if not isinstance(entry.get("parameters"), dict):
        return f"its parameters of {entry['technique']} are no object"
    return _unlike(entry, "domain", "key", "key_check", "rows") or _unkeyed(entry) or _wrong_parameters(entry)


def _unlike(entry: Mapping[str, Any], *names: str) -> str | None:
    wrong = [name for name in names if not isinstance(entry.get(name), (str, type(None)))]
    return f"its {wrong[0]} is no text" if wrong else None


def _unkeyed(entry: Mapping[str, Any]) -> str | None:
    """What names a key names its version too. A technique without a key may not pass for one with a key."""
    key, key_id = entry.get("key"), entry.get("key_id")
    if key is not None and (not isinstance(key_id, int) or isinstance(key_id, bool)):
        return "its key has no version"
    return "it names a version of no key" if key is None and key_id is not None else None


def _wrong_parameters(entry: Mapping[str, Any]) -> str | None:
    name, parameters = entry["technique"], entry["parameters"]
    if any(_is_hashed(value) for value in parameters.values()):  # a long list, of which only the hash is kept
        known = parameters.keys() <= BY_NAME[name].model_fields.keys()
        return None if known else f"{name} has no such parameters"
    try:
        needs = parse({**parameters, "technique": name}).key_size() is not None
    except (LakenymError, RecursionError):
        return f"{name} has no such parameters"
    wanted = "with a key" if needs else "without a key"
    return None if needs == (entry.get("key") is not None) else f"{name} is a technique {wanted}"


def _is_hashed(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get(HASHED), str)
