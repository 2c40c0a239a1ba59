"""The schema of a table's files, by the schema in Delta's log, or in Spark's words for a folder of Parquet files."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from pyspark.sql import types as T

from jobs.columnar import arrow_types
from jobs.columnar.leaves import ENTRIES, LIST
from jobs.columnar.unfit import NotColumnar
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey
from jobs.lake.column_mapping import ID, NESTED_IDS, name_in_files

PARQUET_ID = b"PARQUET:field_id"


def of(fields: Iterable[T.StructField]) -> pa.Schema:
    """Columns by the names, and with the numbers, that they have in the files. Raises `NotColumnar`."""
    return pa.schema([_field(field) for field in fields])


def _field(field: T.StructField) -> pa.Field:
    if NESTED_IDS in field.metadata:
        raise NotColumnar("elements of lists and maps have numbers of their own (Iceberg compatibility)")
    number = field.metadata.get(ID)
    metadata = None if number is None else {PARQUET_ID: str(number).encode()}
    return pa.field(name_in_files(field), _type(field.dataType, field.name), True, metadata)


def _type(given: T.DataType, name: str) -> pa.DataType:
    if isinstance(given, T.StructType) and given.fields:
        return pa.struct([_field(field) for field in given.fields])
    if isinstance(given, T.ArrayType):
        return pa.list_(pa.field("element", _type(given.elementType, name)))
    if isinstance(given, T.MapType):
        return pa.map_(_type(given.keyType, name), _type(given.valueType, name))
    return arrow_types.of_spark(given, name)


def leaf_path(schema: T.StructType, path: ColumnPath) -> tuple[str, ...]:
    """A leaf column by the names and steps that it has in the files (`jobs.columnar.leaves`)."""
    given: T.DataType = schema
    found: list[str] = []
    for step in path.steps:
        if isinstance(step, Field):
            assert isinstance(given, T.StructType)
            field = given[step.name]
            given = field.dataType
            found.append(name_in_files(field))
        elif isinstance(step, Element):
            assert isinstance(given, T.ArrayType)
            given = given.elementType
            found += [LIST, "element"]
        else:
            assert isinstance(given, T.MapType)
            given = given.keyType if isinstance(step, MapKey) else given.valueType
            found += [ENTRIES, "key" if isinstance(step, MapKey) else "value"]
    return tuple(found)
