"""Which columns a predicate looks at, as Spark understands it. The text of a predicate is told to nobody: values stand
in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.treatment import predicates

References = Callable[[str], tuple[str, ...]]
"""The paths of the columns that a predicate looks at, in the order in which they stand in it."""


def of_schema(spark: SparkSession, schema: T.StructType) -> References:
    """Of predicates over rows of a schema. No row is read."""
    rows = functools.cache(lambda: spark.createDataFrame([], schema))
    spelt = {name.lower(): name for name in schema.names}

    def found(text: str) -> tuple[str, ...]:
        understood = predicates.condition(rows(), text)
        return () if understood is None else tuple(dict.fromkeys(map(str, _paths(understood, spelt))))

    return found


def _paths(node: Any, spelt: Mapping[str, str]) -> Iterator[ColumnPath]:
    path = _path(node, spelt)
    if path is not None:
        yield path
        return
    for at in range(node.children().size()):
        yield from _paths(node.children().apply(at), spelt)


def _path(node: Any, spelt: Mapping[str, str]) -> ColumnPath | None:
    """The way to a column, or to a field of structs only, as the schema spells it; None for any other expression."""
    kind = str(node.getClass().getSimpleName())
    if kind == "AttributeReference":
        name = str(node.name())
        return ColumnPath((Field(spelt.get(name.lower(), name)),))
    if kind == "GetStructField":
        above = _path(node.child(), spelt)
        return None if above is None else above.child(Field(str(node.childSchema().apply(node.ordinal()).name())))
    return None
