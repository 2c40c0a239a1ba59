"""What is left of versions that hold raw rows: their data files, or what the log says of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.lake.java import hadoop_path
from jobs.lake.log_commits import LITERALLY

FILE = "struct<path: string, stats: string, partitionValues: map<string, string>>"
ACTIONS = f"add {FILE}, remove {FILE}, cdc {FILE}"
RETENTION, CLEANUP = "delta.logRetentionDuration", "delta.enableExpiredLogCleanup"


@dataclasses.dataclass(frozen=True)
class Leftovers:
    """files: whether a data file of a raw version is there, so that it can be read. log: whether the log says values of
    them, a column's least and greatest or the partition's. since: the day of the newest such version, in UTC.
    retention: how long the log is kept, as the table says it; None where it is kept for good."""

    files: bool
    log: bool
    since: str = ""
    retention: str | None = None

    def __bool__(self) -> bool:
        return self.files or self.log


NOTHING = Leftovers(False, False)


def of(
    spark: SparkSession, location: str, raw: Sequence[int], version: int, properties: Mapping[str, str]
) -> Leftovers:
    """What is left of the raw versions of a table, whose current version is ``version``."""
    if not raw:
        return NOTHING
    told = _told(spark, location, raw)
    summary = told.agg(F.bool_or("bounds"), F.max("time"), F.min("version")).collect()[0]
    unseen = raw[0] > 0 and raw[0] == summary[2]  # what was there before is in a checkpoint
    paths = {row[0] for row in told.select("path").distinct().collect()}
    files = (unseen and version in raw) or _any_there(spark, location, paths)
    kept = str(properties.get(CLEANUP, "true")).lower() != "true"
    since = summary[1].date().isoformat() if summary[1] is not None else ""
    return Leftovers(files, bool(summary[0]) or unseen, since, None if kept else properties.get(RETENTION, "30 days"))


def _told(spark: SparkSession, location: str, raw: Sequence[int]) -> DataFrame:
    """Of each action its version; where it is of a raw one: path, time, and whether values stand beside it."""
    actions = spark.read.options(**LITERALLY).schema(ACTIONS).json(f"{location}/_delta_log")
    number = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint")
    is_raw, file = number.isin(list(raw)), F.coalesce("add", "cdc")
    partitions = F.coalesce(F.size(file["partitionValues"]), F.lit(0))
    bounds = F.coalesce(file["stats"].rlike('"minValues":\\{"'), F.lit(False)) | (partitions > 0)
    removed = F.when((number - 1).isin(list(raw)), F.col("remove.path"))  # the next commit names what it removes
    return actions.select(
        number.alias("version"),
        F.when(is_raw, F.col("_metadata.file_modification_time")).alias("time"),
        F.coalesce(F.when(is_raw, file["path"]), removed).alias("path"),
        (is_raw & bounds).alias("bounds"),
    )


def _any_there(spark: SparkSession, location: str, paths: set[str | None]) -> bool:
    """Whether one of the paths, as the log spells them, is a file. One of another place counts as one."""
    wanted = {unquote(path) for path in paths if path is not None}
    if not wanted:
        return False
    if any(path.startswith("/") or ":/" in path for path in wanted):
        return True
    root = hadoop_path(spark, location)
    files = root.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    start = len(files.makeQualified(root).toUri().getPath().rstrip("/")) + 1
    found = files.listFiles(root, True)
    while found.hasNext():
        if found.next().getPath().toUri().getPath()[start:] in wanted:
            return True
    return False
