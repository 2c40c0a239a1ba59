"""CSV and JSON lines: what they hold exactly, or a refusal."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.models import Source
from jobs.lake.active_session import active
from jobs.lake.text_sources import csv_files, json_files, text_source


def rows_of(spark: SparkSession, source: Source) -> DataFrame:
    """The rows, lazily; a file that cannot be read exactly fails the run with no word of it in the message."""
    with active(spark):  # what a type in ``schema`` means depends on the session's settings
        return csv_files.rows_of(spark, source) if source.format == "csv" else json_files.rows_of(spark, source)


def names_from_data(source: Source) -> bool:
    """Whether the names of the columns come out of the files: of headers, which may be rows, and keys of objects."""
    if source.schema_ is not None or source.format not in ("csv", "json"):
        return False
    return source.format == "json" or text_source.flag(source.options, "header", True)
