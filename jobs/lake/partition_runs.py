"""Which commit put or took rows of each partition of a Delta table last, as its log says."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import source_files
from jobs.lake.log_commits import LITERALLY
from jobs.lake.sql import quoted

NEWEST = "lakenym newest"
_FILE = "struct<partitionValues: map<string, string>, dataChange: boolean>"
ACTIONS = f"add {_FILE}, remove {_FILE}"


def newest(
    spark: SparkSession, location: str, fields: Sequence[T.StructField], among: Sequence[int], last: int
) -> DataFrame:
    """Of each partition that one of some commits wrote its values and the newest of these versions. fields: the
    partition columns, as the table's schema has them."""
    actions = spark.read.options(**LITERALLY).schema(ACTIONS).json(f"{location}/_delta_log")
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint")
    files = actions.select(version.alias(NEWEST), F.coalesce("add", "remove").alias("file"))
    chosen = files.where(
        F.col("file.dataChange") & F.col(quoted(NEWEST)).isin(*among) & (F.col(quoted(NEWEST)) <= last)
    )
    of_each = chosen.select(F.col(quoted(NEWEST)), F.col("file.partitionValues").alias("partitionValues"))
    values = of_each.select(
        *(source_files.folder_value(field).alias(field.name) for field in fields), F.col(quoted(NEWEST))
    )
    return values.groupBy(*(quoted(field.name) for field in fields)).agg(F.max(quoted(NEWEST)).alias(NEWEST))
