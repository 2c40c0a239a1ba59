"""What to do where a technique does not take the type that a column has."""

from __future__ import annotations

from pyspark.sql import types as T

from jobs.configuration.models import TableConfig
from privacy_udfs.technique import Technique

TYPED = ("csv", "json")
"""Formats whose types the catalog may state."""


def of(config: TableConfig, technique: Technique, given: T.DataType, said: str) -> str:
    """``: ...``, or nothing where there is nothing to say. said: why it was refused, as `Technique.refuse_type` words
    the one fault that has these cures."""
    if "; it takes " not in said:
        return ""
    source = config.source
    ways = []
    if source.format in TYPED and isinstance(given, T.AtomicType):
        now = "all columns of a CSV source are text unless" if source.format == "csv" else "types are guessed unless"
        ways.append(
            f"state the column's type in source.schema ({now} it names them)"
            if source.schema_ is None
            else "give the column another type in source.schema"
        )
    if isinstance(given, T.StringType) and "input_format" in type(technique).model_fields:
        ways.append("state input_format in the treatment")
    if not ways and isinstance(given, T.AtomicType):
        ways.append("choose another technique, or have the source hold the column in such a type")
    return f": {', or '.join(ways)}" if ways else ""
