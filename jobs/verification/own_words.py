"""Words of ours that may be values too: those that treatments put into results, and those in which a table is told of.

They are excused where they have to stand, and nowhere else: labels in the column that they are labels of, names and
parameters in logs, footers and names. What others wrote there is no word of ours.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config, snapshot
from jobs.configuration.models import TableConfig
from jobs.lake.column_mapping import name_in_files
from jobs.lake.record_names import PRIVACY

DELTA_WORDS = ("apache", "spark", "delta", "lake", "parquet", "write", "replace", "table", "create", "append", "engine")


@dataclasses.dataclass(frozen=True)
class Told:
    """What stands of a table beside its rows. stored: its schema as its files have it."""

    location: str
    stored: T.StructType
    properties: Mapping[str, str]


def by_column(entry: TableConfig) -> dict[str, list[str]]:
    """Texts that treatments put into results, by column."""
    found: dict[str, list[str]] = {}
    for path, cases in entry.decisions.items():
        for rule in cases.named.values():
            each = (part.technique for part in (rule.treatment, *rule.treatment.parts))
            words = [word for technique in each for word in technique.own_words()]
            if words:
                found.setdefault(str(ColumnPath.parse(path).column), []).extend(words)
    return found


def vocabulary(conf: Config, entry: TableConfig, table: Told) -> list[str]:
    """What the configuration writes of a table beside its rows: names, parameters, places. Whatever others wrote there
    (comments, properties, user metadata) is no word of ours."""
    words = [word for each in by_column(entry).values() for word in each]
    said = [snapshot(conf, entry.name), *(json.dumps(rule.why) for rule in entry.columns.values())]
    return [*said, *words, *of_table(table), *DELTA_WORDS]


def of_table(table: Told) -> list[str]:
    """What stands there by the configuration: names, and the record."""
    recorded = [each for name, text in table.properties.items() if name.startswith(PRIVACY) for each in (name, text)]
    delta = [name for name in table.properties if name.startswith("delta.")]
    return [
        json.dumps(_without_remarks(table.stored.jsonValue()), ensure_ascii=False),
        table.location,
        *recorded,
        *delta,
    ]


def _without_remarks(schema: Any) -> Any:
    """A schema as Delta writes it, without what others may write to a field: a comment is no word of ours."""
    if isinstance(schema, list):
        return [_without_remarks(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.get("metadata", {}).items() if name.startswith((PRIVACY, "delta."))}
    below = {name: _without_remarks(value) for name, value in schema.items() if name != "metadata"}
    return {**below, "metadata": kept}


def names_in_files(stored: T.DataType) -> dict[str, str]:
    """What fields are called in files -> in the table, where that differs."""
    found: dict[str, str] = {}
    if isinstance(stored, T.StructType):
        for field in stored.fields:
            if name_in_files(field) != field.name:
                found[name_in_files(field)] = field.name
            found |= names_in_files(field.dataType)
    elif isinstance(stored, T.ArrayType):
        found |= names_in_files(stored.elementType)
    elif isinstance(stored, T.MapType):
        found |= names_in_files(stored.keyType) | names_in_files(stored.valueType)
    return found
