"""Types without what fields say of themselves, and what they hold in the end."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import types as T


def bare(given: T.DataType) -> T.DataType:
    """The same type without metadata on nested fields, as a UDF must state it: Spark compares all of a type."""
    if isinstance(given, T.StructType):
        return T.StructType([T.StructField(f.name, bare(f.dataType), f.nullable) for f in given.fields])
    if isinstance(given, T.ArrayType):
        return T.ArrayType(bare(given.elementType), given.containsNull)
    if isinstance(given, T.MapType):
        return T.MapType(bare(given.keyType), bare(given.valueType), given.valueContainsNull)
    return given


def innermost(kind: T.DataType) -> Iterator[T.DataType]:
    """The types of the values that a type holds in the end: of fields, elements, keys and values, down to those that
    hold no others."""
    if isinstance(kind, T.StructType):
        for field in kind.fields:
            yield from innermost(field.dataType)
    elif isinstance(kind, T.ArrayType):
        yield from innermost(kind.elementType)
    elif isinstance(kind, T.MapType):
        yield from innermost(kind.keyType)
        yield from innermost(kind.valueType)
    else:
        yield kind
