"""Which columns of a source are looked for in the treated table."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field, MapKey, Step
from jobs.configuration.models import TableConfig
from jobs.lake.bare_types import innermost


def identifiers(entry: TableConfig, schema: T.StructType) -> tuple[tuple[str, ...], dict[str, str]]:
    """The columns of the source whose values must not survive; and the others of their class, and why."""
    wanted: list[str] = []
    left_out: dict[str, str] = {}
    for path, cases in entry.decisions.items():
        rules = list(cases.named.values())
        if all(rule.class_ != "direct_identifier" for rule in rules):
            continue
        techniques = [rule.treatment.technique for rule in rules]
        if any(each.keeps_values for each in techniques):
            left_out[path] = "it is kept, by decision"
        elif any(each.treats_within for each in techniques):
            left_out[path] = "only what is recognized within it is treated"
        elif (kind := _without_digests(schema, ColumnPath.parse(path).steps)) is not None:
            left_out[path] = f"it is {kind.simpleString()}, and only texts and exact numbers are looked for"
        else:
            wanted.append(path)
    return tuple(wanted), left_out


def _without_digests(kind: T.DataType, steps: Sequence[Step]) -> T.DataType | None:
    """The type at a path below another, if nothing in it is looked for."""
    for step in steps:
        if isinstance(kind, T.StructType) and isinstance(step, Field):
            kind = next((each.dataType for each in kind.fields if each.name.lower() == step.name.lower()), kind)
        elif isinstance(kind, T.ArrayType):
            kind = kind.elementType
        elif isinstance(kind, T.MapType):
            kind = kind.keyType if isinstance(step, MapKey) else kind.valueType
    return None if _has_digests(kind) else kind


def _has_digests(kind: T.DataType) -> bool:
    return any(isinstance(each, T.StringType | T.IntegralType | T.DecimalType) for each in innermost(kind))
