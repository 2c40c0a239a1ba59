"""Versions of a table that hold rows without a treatment record."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.shared.record_reader import RECORD


def raw_versions(spark: SparkSession, name: str, location: str) -> tuple[int, ...]:
    """Versions in the history without a treatment record, from the metadata actions of the Delta log."""
    schema = "metaData struct<configuration: map<string, string>>"
    actions = spark.read.schema(schema).json(f"{location}/_delta_log/*.json")
    commits = actions.select(
        F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).alias("version"), "metaData"
    )
    commits = (
        commits.where("version != ''")
        .groupBy(F.col("version").cast("bigint").alias("version"))
        .agg(
            F.max(F.col("metaData").isNotNull()).alias("sets"),
            F.max(F.col("metaData.configuration")[RECORD].isNotNull()).alias("treated"),
        )
    )
    rows = sorted(commits.collect(), key=lambda row: row["version"])
    raw, treated = [], _starts_treated(spark, name, rows[0]["version"]) if rows and not rows[0]["sets"] else False
    for row in rows:
        treated = bool(row["treated"]) if row["sets"] else treated
        if not treated:
            raw.append(int(row["version"]))
    return tuple(raw)


def _starts_treated(spark: SparkSession, name: str, version: int) -> bool:
    """Whether the oldest version left was treated; its metadata is in a checkpoint, so its schema is asked."""
    schema = spark.read.option("versionAsOf", version).table(name).schema
    return any("privacy" in field.metadata for field in schema.fields)
