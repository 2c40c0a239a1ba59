"""A source's rows, as the catalog says where they are. The version of a Delta source is pinned."""

from __future__ import annotations

import dataclasses

from pyspark.sql import DataFrame, SparkSession

from jobs.lake import text_files
from jobs.lake.sql import quoted, quoted_table
from jobs.shared.configuration.models import Source


@dataclasses.dataclass(frozen=True)
class SourceRows:
    rows: DataFrame
    version: int | None
    """The Delta version that is read, None for other formats."""
    names_from_data: bool = False
    """Whether the columns' names are read out of the files' text, where they may be values (a CSV without a header)."""


def rows_of(spark: SparkSession, source: Source) -> SourceRows:
    """The source's rows, lazily; a Delta source is pinned to its current version."""
    if source.table is not None:
        version = delta_version(spark, source.table) if is_delta_name(spark, source.table) else None
        reader = spark.read.options(**source.options)
        if version is not None and "versionAsOf" not in source.options:
            reader = reader.option("versionAsOf", version)
        return SourceRows(reader.table(quoted_table(source.table)), version)
    assert source.path is not None
    if source.format == "delta":
        version = int(source.options.get("versionAsOf", delta_version(spark, f"delta.{quoted(source.path)}")))
        reader = spark.read.format("delta").options(**source.options).option("versionAsOf", version)
        return SourceRows(reader.load(source.path), version)
    if source.format in ("csv", "json"):
        return SourceRows(text_files.rows_of(spark, source), None, text_files.names_from_data(source))
    # columns that only some of the files have must be decided too, so all their schemas count
    options = {"mergeSchema": "true", **source.options}
    return SourceRows(spark.read.format(str(source.format)).options(**options).load(source.path), None)


def is_delta_name(spark: SparkSession, table: str) -> bool:
    rows = spark.sql(f"DESCRIBE EXTENDED {quoted_table(table)}").where("col_name = 'Provider'").collect()
    return bool(rows) and rows[0]["data_type"].lower() == "delta"


def delta_version(spark: SparkSession, name: str) -> int:
    return int(spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]["version"])
