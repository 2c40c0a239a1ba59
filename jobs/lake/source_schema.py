"""The rows of a source with the types that a treatment sees: CHAR without its padding, and no field metadata.

**CHAR(n)** is text that is padded with blanks to n characters, by the writer and again by Spark when it reads. The
blanks are no data: with them `Ann` would have one pseudonym in a CHAR(6), another in a CHAR(10) and a third in a text
column. So they are taken off CHAR columns, nested ones too, and the column is text (string) from there on. VARCHAR and
text keep the blanks that they have.

**Field metadata** of a source (comments, another table's treatment record) says nothing about the treated column.
"""

from __future__ import annotations

import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.bare_types import bare, innermost
from jobs.lake.problems import raised
from jobs.lake.sql import quoted

CHAR_TYPE = "__CHAR_VARCHAR_TYPE_STRING"
"""Where Spark keeps the type of a column of CHAR, or of one that holds CHAR: the column itself it reads as text."""
DEFAULT = "EXISTS_DEFAULT"
"""Where Delta keeps what a column has in files that do not have it."""
_CHAR = re.compile(r"\bchar\(\d+\)", re.IGNORECASE)
EQUAL_KEYS = "a map of the source has keys of CHAR that differ in their padding only"


def cleaned(rows: DataFrame) -> DataFrame:
    """The same rows without padding of CHAR and without field metadata."""
    if not any(_needs_cleaning(field) for field in rows.schema.fields):
        return rows
    return rows.select(*[_cleaned(field) for field in rows.schema.fields])


def _needs_cleaning(field: T.StructField) -> bool:
    return bool(field.metadata) or bare(field.dataType) != field.dataType


def _cleaned(field: T.StructField) -> Column:
    column, plain = F.col(quoted(field.name)), bare(field.dataType)
    written = str(field.metadata.get(CHAR_TYPE, ""))
    if _CHAR.search(written):
        column = _stripped(column, _parsed(written))
    if plain != field.dataType:
        column = column.cast(plain)
    return column.alias(field.name, metadata={})


def _parsed(written: str) -> T.DataType:
    """The type as it was declared, CHAR included."""
    return T.DataType.fromDDL(written)


def _has_char(given: T.DataType) -> bool:
    return any(isinstance(each, T.CharType) for each in innermost(given))


def _stripped(column: Column, given: T.DataType) -> Column:
    if not _has_char(given):
        return column
    if isinstance(given, T.StructType):
        fields = [_stripped(column[f.name], f.dataType).alias(f.name) for f in given.fields]
        return F.when(column.isNotNull(), F.struct(*fields))
    if isinstance(given, T.ArrayType):
        return F.transform(column, lambda element: _stripped(element, given.elementType))
    if isinstance(given, T.MapType):
        return _stripped_map(column, given)
    return F.rtrim(column)


def _stripped_map(column: Column, given: T.MapType) -> Column:
    values = F.transform_values(column, lambda _, value: _stripped(value, given.valueType))
    if not _has_char(given.keyType):
        return values
    keys = F.transform(F.map_keys(column), lambda key: _stripped(key, given.keyType))
    alike = F.size(F.array_distinct(keys)) < F.size(column)  # Spark's own error would show the key
    stripped = F.transform_keys(values, lambda key, _: _stripped(key, given.keyType))
    return F.when(alike, raised(F.lit(EQUAL_KEYS)).cast(bare_char(given))).otherwise(stripped)


def bare_char(given: T.DataType) -> T.DataType:
    """The type as Spark reads it: text in place of CHAR and VARCHAR."""
    if isinstance(given, T.StructType):
        return T.StructType([T.StructField(f.name, bare_char(f.dataType)) for f in given.fields])
    if isinstance(given, T.ArrayType):
        return T.ArrayType(bare_char(given.elementType))
    if isinstance(given, T.MapType):
        return T.MapType(bare_char(given.keyType), bare_char(given.valueType))
    return T.StringType() if isinstance(given, (T.CharType, T.VarcharType)) else given
