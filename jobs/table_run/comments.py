"""The comments of a target when it is replaced: what people wrote stays, what is said of the treatment is as it is now.

A replace drops the comments that it does not state. They are field metadata and a clause of the one statement, so they
are in the commit that writes rows and record.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.lake.columns import column
from jobs.lake.described import COMMENT, Described
from jobs.record import marks
from jobs.record.treated_table import by_column, privacy_of


def of_columns(treated: DataFrame, before: Described) -> DataFrame:
    """The same rows; each column with the comment that the target's had before, and its mark."""
    fields = in_schema(treated.schema, before).fields
    return treated.select(*[column(field.name).alias(field.name, metadata=field.metadata) for field in fields])


def in_schema(treated: T.StructType, before: Described) -> T.StructType:
    """The same columns, each with the comment that the target's had before, and its mark."""
    fields, there = [], set(before.schema.names)
    for name, leaves in by_column(treated).items():
        comment = marks.marked(before.comment_of(name) if name in there else "", marks.of_column(leaves))
        field = treated[name]
        fields.append(T.StructField(name, field.dataType, field.nullable, {**field.metadata, COMMENT: comment}))
    return T.StructType(fields)


def of_table(treated: DataFrame | T.StructType, before: Described, properties: Mapping[str, str]) -> str:
    """The comment that the table had before, and its mark. properties: those of the record."""
    return marks.marked(before.comment, marks.of_table(properties, privacy_of(treated).values()))
