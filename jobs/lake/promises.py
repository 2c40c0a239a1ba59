"""What a Delta table promises of its columns beside their types, which a table that a run makes anew does not keep.

Constraints, columns that are generated, identities or have a default are for whoever writes to the table. None is told
by its expression, which may hold values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step
from jobs.lake import delta_commit, leaves
from jobs.lake.state import TargetState

CONSTRAINT = "delta.constraints."
DEFAULT = "default"
KINDS: Mapping[str, str] = {
    "delta.generationExpression": "generated",
    "delta.identity.start": "identity",
    "delta.invariants": "constraint",
    "CURRENT_DEFAULT": DEFAULT,
}
"""Of a field's metadata, and what it makes of the column."""
STEPS: Mapping[str, Step] = {"elementType": Element(), "keyType": MapKey(), "valueType": MapValue()}
REQUIRED = {"elementType": "containsNull", "valueType": "valueContainsNull"}

Schema = Mapping[str, Any]
"""As Delta writes it."""


def of_source(rows: DataFrame) -> tuple[str, ...]:
    """What the one Delta table promises that rows are read from; nothing where they are of anything else."""
    found = leaves.relations(rows)
    if len(found) != 1 or found[0] is None or not leaves.is_a(found[0].location(), "TahoeFileIndex"):
        return ()
    told = json.loads(leaves.snapshot_of(found[0].location()).metadata().json())["metaData"]
    columns = _of_columns(json.loads(told["schemaString"]))
    return (*_listed(columns), *_checks(told.get("configuration") or {}))


def of_target(state: TargetState) -> tuple[str, ...]:
    """What the table promises that stands at a target, also which of its columns are never null."""
    schema = _schema(state)
    return (*_listed([*_of_columns(schema), *_never_null(schema)]), *_checks(state.properties))


def breakable(state: TargetState) -> tuple[str, ...]:
    """The columns of a target whose promise rows may break that come with a value for each."""
    schema = _schema(state)
    columns = [(path, what) for path, what in _of_columns(schema) if what != DEFAULT]
    return _listed([*columns, *_never_null(schema)])


def _schema(state: TargetState) -> Schema:
    """As the log has it: of what writers must heed, Delta shows its readers nothing."""
    if state.transaction is None:
        return state.before.schema.jsonValue()
    return delta_commit.schema(state.transaction)


def _listed(columns: list[tuple[ColumnPath, str]]) -> tuple[str, ...]:
    return tuple(f"{path} ({what})" for path, what in columns)


def _checks(properties: Mapping[str, str]) -> tuple[str, ...]:
    names = sorted(key[len(CONSTRAINT) :] for key in properties if key.lower().startswith(CONSTRAINT))
    return tuple(f"CHECK constraint {name}" for name in names)


def _of_columns(schema: Schema) -> list[tuple[ColumnPath, str]]:
    found = list(_fields(ColumnPath(()), schema))
    return [(path, what) for path, field in found for key, what in KINDS.items() if key in field.get("metadata", {})]


def _never_null(schema: Schema) -> list[tuple[ColumnPath, str]]:
    found = list(_fields(ColumnPath(()), schema))
    return [(path, "NOT NULL") for path, field in found if not field.get("nullable", True)]


def _fields(path: ColumnPath, type_: Any) -> Iterator[tuple[ColumnPath, Schema]]:
    """All fields below, and what arrays and maps say of their elements as if these were fields."""
    if not isinstance(type_, Mapping):
        return
    for field in type_.get("fields", ()):
        yield path.child(Field(field["name"])), field
        yield from _fields(path.child(Field(field["name"])), field["type"])
    for name, step in STEPS.items():
        if name in type_:
            yield path.child(step), {"nullable": type_.get(REQUIRED.get(name, ""), True)}
            yield from _fields(path.child(step), type_[name])
