"""A table as a catalog shows it: schema, comments, properties. No row is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import types as T

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


def of_delta(spark: SparkSession, name: str) -> Described:
    """A Delta table. name: as SQL has it, quoted; also ``delta.`path```."""
    detail = spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]
    schema = spark.read.table(name).schema
    return Described(schema, detail["description"] or "", detail["properties"], detail["location"])


def of_any(spark: SparkSession, name: str) -> Described:
    """Any table or view of the catalog. name: as SQL has it, quoted."""
    rows = spark.sql(f"SHOW TBLPROPERTIES {name}").collect()
    comment = spark.catalog.getTable(name).description
    return Described(spark.read.table(name).schema, comment or "", {row["key"]: row["value"] for row in rows})
