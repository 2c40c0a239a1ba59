"""Delta's column mapping: what a column is called in the files of a table, which may not be its name."""

from __future__ import annotations

from pyspark.sql import types as T

MODE = "delta.columnMapping.mode"
"""The property of a table: ``none``, ``name`` or ``id``."""
PHYSICAL_NAME, ID, NESTED_IDS = (f"delta.columnMapping.{key}" for key in ("physicalName", "id", "nested.ids"))
"""In the metadata of a field, in the schema of Delta's log."""


def name_in_files(field: T.StructField) -> str:
    """What a field of the log's schema is called in the files."""
    return str(field.metadata.get(PHYSICAL_NAME, field.name))
