"""Delta's column mapping: what a column is called in the files of a table, which may not be its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import types as T

MODE = "delta.columnMapping.mode"
"""The property of a table: ``none``, ``name`` or ``id``."""
PHYSICAL_NAME, ID, NESTED_IDS = (f"delta.columnMapping.{key}" for key in ("physicalName", "id", "nested.ids"))
"""In the metadata of a field, in the schema of Delta's log."""

INNER = ("elementType", "keyType", "valueType")
"""Of arrays and maps, in a schema's JSON."""
FEED = "delta.enableChangeDataFeed"
"""The property by which a table has a change data feed."""


def name_in_files(field: T.StructField) -> str:
    """What a field of the log's schema is called in the files."""
    return str(field.metadata.get(PHYSICAL_NAME, field.name))


def stated(properties: Mapping[str, Any], name: str) -> str:
    """A property in small letters, however its name is spelled; empty where it is not there."""
    return next((str(value).lower() for key, value in properties.items() if key.lower() == name.lower()), "")


def has_mapped_feed(properties: Mapping[str, Any]) -> bool:
    """Whether a table has both column mapping and a change data feed: then Delta refuses each commit with rows that
    takes a column away, by its name in the files."""
    return stated(properties, FEED) == "true" and stated(properties, MODE) in ("name", "id")


def named_as_before(schema: Any, before: Any) -> Any:
    """A schema, as JSON has it, whose fields are called in the files as those of the same names were before."""
    if not isinstance(schema, dict) or not isinstance(before, dict) or schema.get("type") != before.get("type"):
        return schema
    parts = {name: named_as_before(schema[name], before.get(name)) for name in INNER if name in schema}
    if "fields" not in schema:
        return {**schema, **parts}
    known = {field["name"]: field for field in before["fields"]}
    return {**schema, "fields": [_field(field, known.get(field["name"])) for field in schema["fields"]]}


def _field(field: Mapping[str, Any], before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if before is None:
        return field
    names = {key: value for key, value in before["metadata"].items() if key in (ID, PHYSICAL_NAME)}
    kind = named_as_before(field["type"], before["type"])
    return {**field, "type": kind, "metadata": {**field["metadata"], **names}}
