"""What changed in a Delta table since a run stopped in it, by the table's own change data feed.

The feed is believed only as far as the rest of the log bears it out: it must have been on all the time, and what it
says was added and taken away must make as many rows as the table has more or fewer, in each version for which the log
tells it. A table that was put back (RESTORE), made anew or copied over, a log or files that were cleaned away: each
stops the run.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.lake import gained, source_schema
from jobs.lake.address import Address
from jobs.lake.bare_types import bare
from jobs.lake.log_commits import LITERALLY
from jobs.lake.position import DeltaPosition
from jobs.lake.problems import HEALS, CannotGrow

TYPE, VERSION, TIME = "_change_type", "_commit_version", "_commit_timestamp"
"""Columns that the feed has beside those of the table."""
INSERTED = "insert"
BEFORE = ("delete", "update_preimage")
AFTER = (INSERTED, "update_postimage")
ENABLED = "delta.enableChangeDataFeed"
SWITCHES = ("RESTORE", "CLONE")
"""Operations that put other rows in place of those that were there, without a word about each."""


@dataclasses.dataclass(frozen=True)
class Feed:
    """rows: of the feed, with `TYPE` and `VERSION`. more: by how many rows the table grew. held: how many it has.
    commits: what the log says of each version that the feed is of."""

    rows: DataFrame
    more: int
    held: int
    commits: tuple[Commit, ...]

    def rows_after(self) -> DataFrame:
        """The rows as each change left them."""
        return self.rows.where(F.col(TYPE).isin(*AFTER)).drop(TYPE, VERSION)


class Commit(NamedTuple):
    """changes: whether it adds or removes files with a change of rows. feed: whether the feed is on from here; None
    where it stays as it was. added, removed: how many rows these files hold; None where the log does not say it.
    deleted: how many rows a DELETE took away, by its own count."""

    version: int
    operation: str | None
    changes: bool
    feed: bool | None
    added: int | None
    removed: int | None
    deleted: int | None

    @property
    def has_rows(self) -> bool:
        """Whether the feed must have a row of it: all but files without a row, as some writers add."""
        return self.changes and (self.added, self.removed) != (0, 0)

    @property
    def more(self) -> int | None:
        """By how many rows the table grew, if the log tells: Delta's UPDATE and DELETE leave the numbers of rows of the
        files that they remove out of it."""
        if self.added is not None and self.removed is not None:
            return self.added - self.removed
        if self.operation == "DELETE":
            return None if self.deleted is None else -self.deleted
        return 0 if self.operation == "UPDATE" else None


def feed(rows: DataFrame, address: Address, stopped: DeltaPosition) -> Feed | None:
    """What changed up to the version of a table that ``rows`` are of; None where nothing did. Raises `CannotGrow`."""
    spark, index = rows.sparkSession, gained.index_of(rows)
    if index is None:
        raise CannotGrow(f"it is no whole Delta table, so nobody knows what changed in it: {HEALS}")
    snapshot = index.getSnapshot()
    gained.check_same(spark, index.deltaLog(), snapshot, stopped)
    first, last = stopped.version + 1, int(snapshot.version())
    commits = _commits(spark, str(index.path().toString()), first, last) if first <= last else []
    _check_followed(commits, first, last)
    if not any(commit.changes for commit in commits):
        return None
    before = _at(spark, address, stopped.version)
    _check_fed(commits, _is_fed(gained.index_of(before)))
    held = rows.count()
    return Feed(_of_table(spark, address, rows, first, last), held - before.count(), held, tuple(commits))


def _commits(spark: SparkSession, location: str, first: int, last: int) -> list[Commit]:
    lines = spark.read.options(**LITERALLY).text(f"{location}/_delta_log")
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint").alias("version")
    is_set = F.get_json_object("value", "$.metaData.id").isNotNull()
    enabled = F.lower(F.get_json_object("value", f"$.metaData.configuration['{ENABLED}']")) == "true"
    told = lines.select(version, "value").where(F.col("version").between(first, last)).groupBy("version")
    found = told.agg(
        F.max(F.get_json_object("value", "$.commitInfo.operation")),
        F.count_if(_changes("add") | _changes("remove")) > 0,
        F.max(F.when(is_set, F.coalesce(enabled, F.lit(False)))),
        _rows("add"),
        _rows("remove"),
        F.max(F.get_json_object("value", "$.commitInfo.operationMetrics.numDeletedRows").cast("bigint")),
    )
    return sorted(Commit(*row) for row in found.collect())


def _changes(kind: str) -> Any:
    return F.coalesce(F.get_json_object("value", f"$.{kind}.dataChange").cast("boolean"), F.lit(False))


def _rows(kind: str) -> Any:
    """How many rows the files hold, without those that their deletion vectors take away; null where one says none."""
    stats, told = F.get_json_object("value", f"$.{kind}.stats"), _changes(kind)
    gone = F.get_json_object("value", f"$.{kind}.deletionVector.cardinality").cast("bigint")
    count = F.get_json_object(stats, "$.numRecords").cast("bigint") - F.coalesce(gone, F.lit(0))
    known = F.count_if(told & count.isNull()) == 0
    return F.when(known, F.coalesce(F.sum(F.when(told, count)), F.lit(0)))


def _check_followed(commits: list[Commit], first: int, last: int) -> None:
    for commit in commits:
        if commit.operation in SWITCHES:
            told = f"its version {commit.version} put other rows in place of all ({commit.operation})"
            raise CannotGrow(f"{told}: {HEALS}")
    missing = {*range(first, last + 1)} - {commit.version for commit in commits}
    if missing:
        raise CannotGrow(f"its log no longer holds version {min(missing)}, which is new: {HEALS}")


def _check_fed(commits: list[Commit], enabled: bool) -> None:
    for commit in commits:
        enabled = enabled if commit.feed is None else commit.feed
        if not enabled:
            raise CannotGrow(
                f"its change data feed was off in version {commit.version}: switch it on (ALTER TABLE ... SET "
                f"TBLPROPERTIES ({ENABLED} = true)), and {HEALS}, so that later changes can be followed"
            )


def _is_fed(index: Any) -> bool:
    configuration = json.loads(index.getSnapshot().metadata().json())["metaData"]["configuration"]
    return str(configuration.get(ENABLED, "")).lower() == "true"


def _at(spark: SparkSession, address: Address, version: int) -> DataFrame:
    try:
        return address.read(spark, {"versionAsOf": str(version)})
    except (PySparkException, Py4JError):
        raise CannotGrow(f"its log can no longer tell version {version}, which the last run read: {HEALS}") from None


def _of_table(spark: SparkSession, address: Address, rows: DataFrame, first: int, last: int) -> DataFrame:
    """The feed with the columns that the table's rows have, as they are read elsewhere."""
    options = {"readChangeFeed": "true", "startingVersion": str(first), "endingVersion": str(last)}
    found = source_schema.cleaned(address.read(spark, options).drop(TIME))
    wanted = [(field.name, bare(field.dataType)) for field in source_schema.cleaned(rows).schema.fields]
    own = [(field.name, bare(field.dataType)) for field in found.schema.fields if field.name not in (TYPE, VERSION)]
    if own != wanted:
        raise CannotGrow(f"its columns are no longer those of version {last}, which this run looked at: run it again")
    return found
