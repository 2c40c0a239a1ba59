"""Where a table is, by path or by name: how SQL writes it, whether it is there, and what it says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.configuration.audit_entry import AuditTable
from jobs.configuration.models import Quarantine, Source, Target
from jobs.configuration.policy_entries import Snapshots
from jobs.lake.sql import quoted, quoted_table

NOT_DELTA = ("EXPECT_TABLE_NOT_VIEW", "DELTA_OPERATION_MISSING_PATH")
"""What Delta says when it is asked about a view, or about a table of a catalog that is not its own."""


@dataclasses.dataclass(frozen=True)
class Address:
    """A Delta table at a path, or a table or view by the name that Spark's catalog has for it: one of the two."""

    path: str | None = None
    table: str | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected either a path or a table's name")

    @classmethod
    def of(cls, place: Source | Target | Snapshots | Quarantine | AuditTable) -> Address:
        """The address that an entry of the configuration states. Of a source only of Delta's format, or by name."""
        return cls(place.path, place.table)

    @classmethod
    def named(cls, text: str) -> Address:
        """As somebody says it in a word: by path, if there is a slash in it, else by name."""
        return cls(path=text) if "/" in text else cls(table=text)

    @property
    def sql(self) -> str:
        """How SQL writes it, whatever characters it has: ```db`.`t```, or delta.`path`."""
        return f"delta.{quoted(self.path)}" if self.path is not None else quoted_table(str(self.table))

    def exists(self, spark: SparkSession) -> bool:
        """Whether a Delta table is at the path, or the catalog has the name."""
        if self.path is not None:
            return DeltaTable.isDeltaTable(spark, self.path)
        return bool(spark.catalog.tableExists(self.sql))

    def is_delta(self, spark: SparkSession) -> bool:
        """Whether it is a Delta table; of a name by its catalog's own word, which says no of a view, and raises
        `PySparkException` where there is nothing."""
        if self.path is not None:
            return self.exists(spark)
        try:
            return str(self.detail(spark)["format"]).lower() == "delta"
        except PySparkException as error:
            if str(error.getCondition()).startswith(NOT_DELTA):
                return False
            raise

    def detail(self, spark: SparkSession) -> Row:
        """What Delta says of its table in one row: format, location, description, properties."""
        return spark.sql(f"DESCRIBE DETAIL {self.sql}").collect()[0]

    def location(self, spark: SparkSession) -> str:
        """The place of a Delta table, as a URI."""
        return str(self.detail(spark)["location"])

    def history(self, spark: SparkSession, newest: int | None = None) -> DataFrame:
        """A row for each commit of a Delta table that its log still has, or for the newest alone, which costs less."""
        return spark.sql(f"DESCRIBE HISTORY {self.sql}" + ("" if newest is None else f" LIMIT {newest}"))

    def version(self, spark: SparkSession) -> int:
        """The newest version of a Delta table."""
        return int(self.history(spark, newest=1).collect()[0]["version"])

    def properties(self, spark: SparkSession) -> Mapping[str, str]:
        """All properties of a table, which costs a small part of what `jobs.lake.state.inspect` does."""
        return {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {self.sql}").collect()}

    def read(self, spark: SparkSession, options: Mapping[str, str] = {}) -> DataFrame:
        """Its rows, lazily, by Spark's own reader, which looks at nothing: a source is read by `jobs.lake.read`."""
        reader = spark.read.options(**options)
        return reader.format("delta").load(self.path) if self.path is not None else reader.table(self.sql)
