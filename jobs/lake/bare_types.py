"""Types without what fields say of themselves, and what they hold in the end, by its path."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue

ROW = ColumnPath(())


def bare(given: T.DataType) -> T.DataType:
    """The same type without metadata on nested fields, as a UDF must state it: Spark compares all of a type."""
    if isinstance(given, T.StructType):
        return T.StructType([T.StructField(f.name, bare(f.dataType), f.nullable) for f in given.fields])
    if isinstance(given, T.ArrayType):
        return T.ArrayType(bare(given.elementType), given.containsNull)
    if isinstance(given, T.MapType):
        return T.MapType(bare(given.keyType), bare(given.valueType), given.valueContainsNull)
    return given


def leaves(given: T.DataType, path: ColumnPath = ROW) -> Iterator[tuple[ColumnPath, T.DataType]]:
    """Path and type of each leaf, in the order of the schema: fields, elements, keys and values, down to those that
    hold no others."""
    if isinstance(given, T.StructType):
        for field in given.fields:
            yield from leaves(field.dataType, path.child(Field(field.name)))
    elif isinstance(given, T.ArrayType):
        yield from leaves(given.elementType, path.child(Element()))
    elif isinstance(given, T.MapType):
        yield from leaves(given.keyType, path.child(MapKey()))
        yield from leaves(given.valueType, path.child(MapValue()))
    else:
        yield path, given


def innermost(kind: T.DataType) -> Iterator[T.DataType]:
    """The types of the values that a type holds in the end."""
    return (each for _, each in leaves(kind))
