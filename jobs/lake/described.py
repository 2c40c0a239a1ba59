"""A table as a catalog shows it: schema, comments, properties. No row is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.lake.address import Address
from jobs.lake.record_names import RECORD

COMMENT = "comment"
"""Where Spark keeps a column's comment in its field's metadata."""


@dataclasses.dataclass(frozen=True)
class Described:
    """comment: of the table, empty for none; those of columns are in the schema. location: of a Delta table."""

    schema: T.StructType
    comment: str = ""
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    location: str | None = None

    @property
    def is_treated(self) -> bool:
        return RECORD in self.properties

    def comment_of(self, column: str) -> str:
        """A column's comment, empty for none."""
        return str(self.schema[column].metadata.get(COMMENT, ""))


def of_delta(spark: SparkSession, address: Address) -> Described:
    """A Delta table."""
    detail = address.detail(spark)
    schema = address.read(spark).schema
    return Described(schema, detail["description"] or "", detail["properties"], detail["location"])


def of_any(spark: SparkSession, address: Address) -> Described:
    """Any table or view of the catalog, by its name."""
    properties, comment = address.properties(spark), spark.catalog.getTable(address.sql).description
    return Described(address.read(spark).schema, comment or "", properties)
