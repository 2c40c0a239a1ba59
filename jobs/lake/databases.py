"""Databases of Spark's catalog, and the tables in them."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.lake.sql import quoted_table


def exists(spark: SparkSession, database: str) -> bool:
    return bool(spark.catalog.databaseExists(quoted_table(database)))


def tables(spark: SparkSession, database: str) -> list[str]:
    """The names of its tables, sorted, without views and what only this session has."""
    listed = spark.catalog.listTables(quoted_table(database))
    return sorted(table.name for table in listed if not table.isTemporary and table.tableType != "VIEW")
