"""Types without what fields say of themselves."""

from __future__ import annotations

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
