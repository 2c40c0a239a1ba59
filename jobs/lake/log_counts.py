"""How many rows a version of a Delta table has, or some partitions of it, as its log says; no row is read."""

from __future__ import annotations

import json
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import gained, small_log, source_files
from jobs.lake.chosen import Chosen
from jobs.lake.source_schema import CHAR_TYPE

ROWS = "lakenym rows"


def of(rows: DataFrame, chosen: Chosen | None = None) -> int | None:
    """How many rows these are. rows: of a table's version, or those that ``chosen`` is chosen from.

    None where nobody knows: they are not all rows of one Delta table, its log does not say it of some file, or not its
    partitions alone tell what is chosen.
    """
    try:
        index = gained.index_of(rows)
        if index is None:
            return None
        spark, snapshot = rows.sparkSession, index.getSnapshot()
        small = small_log.replayed(spark, snapshot) if chosen is None else None
        return gained.rows_in(small.told) if small is not None else _by_spark(spark, snapshot, chosen)
    except (PySparkException, Py4JError):  # then the rows are not counted; if they cannot be read either, that is told
        return None


def _by_spark(spark: SparkSession, snapshot: Any, chosen: Chosen | None) -> int | None:
    folders = [] if chosen is None else _folders(snapshot, chosen)
    if folders is None:
        return None
    gone = F.coalesce(F.col("deletionVector.cardinality"), F.lit(0))
    count = F.get_json_object("stats", "$.numRecords").cast("bigint") - gone
    files = DataFrame(snapshot.allFiles().toDF(), spark).select(count.alias(ROWS), *folders)
    files = files if chosen is None else chosen.among(files)
    total, unknown = files.agg(F.sum(ROWS), F.count_if(F.col(ROWS).isNull())).collect()[0]
    return None if unknown else int(total or 0)


def _folders(snapshot: Any, chosen: Chosen) -> list[Column] | None:
    """The columns that choose, as the log has their values; None where these are not all partition columns."""
    told = json.loads(snapshot.metadata().json())["metaData"]
    schema = T.StructType.fromJson(json.loads(told["schemaString"]))
    if not set(chosen.columns) <= set(told["partitionColumns"]):
        return None
    fields = [schema[name] for name in chosen.columns]
    if any(CHAR_TYPE in field.metadata for field in fields):
        return None
    return [source_files.folder_value(field).alias(field.name) for field in fields]
