"""What old versions of a table leave behind: data files, change files, its log; until when; how they go.

VACUUM takes files away that no version within ``delta.deletedFileRetentionDuration`` has, and change files as old.
Delta cleans its log up after a checkpoint, of whole days that are past ``delta.logRetentionDuration``: commits, their
checksums and older checkpoints hold statistics, least and greatest values among them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.lake import delta_commit, row_deletion
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction
from jobs.lake.delta_commit.scala import java, java_class, scala_object, some
from jobs.lake.java import hadoop_path
from jobs.lake.problems import SourceProblem

FILES_KEPT, LOG_KEPT = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"
CLEANUP = "delta.enableExpiredLogCleanup"
LISTING = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
FEW_TASKS = 32
"""VACUUM lists in as many tasks as `LISTING` says, which are 10,000 where nobody says otherwise."""
LOG, CHANGES = "_delta_log/", "_change_data/"
COMMIT = re.compile(r"(\d{20})(\.\d{20})?(\.compacted)?\.json")
CHECKSUM = re.compile(r"(\d{20})\.crc")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\b.*|_sidecars/.*")
POSITIONS = re.compile(r"(^|/)deletion_vector_[^/]*\.bin$")
"""Files of deletion vectors: numbers of rows, and nothing of them."""
DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Left:
    """Files that are no part of the newest version, or of the log before it. first, last: the times of the oldest and
    of the newest of them, UTC; None where there is none."""

    count: int = 0
    first: datetime.datetime | None = None
    last: datetime.datetime | None = None

    def and_one(self, at: datetime.datetime) -> Left:
        first, last = self.first or at, self.last or at
        return Left(self.count + 1, min(first, at), max(last, at))


@dataclasses.dataclass(frozen=True)
class OldVersions:
    """versions: that can be read besides the newest, as far as the log says. files, changes: data files of older
    versions or of no version, and change files. commits, checksums, checkpoints: of the log, before the newest version.
    files_kept, log_kept: for how long, by the table's own word; log_kept None: for good."""

    newest: int
    versions: int
    files: Left
    changes: Left
    commits: Left
    checksums: Left
    checkpoints: Left
    files_kept: datetime.timedelta
    log_kept: datetime.timedelta | None

    def files_until(self, at: datetime.datetime | None) -> datetime.date | None:
        """The first day on which VACUUM takes what became old at a time, whatever the hour."""
        return None if at is None else (at + self.files_kept).date() + DAY

    def log_until(self, at: datetime.datetime | None) -> datetime.date | None:
        """The first day on which a checkpoint lets the log of a time be cleaned up; None: never. Delta cleans up whole
        days, and leaves the last commit before what it keeps."""
        return None if at is None or self.log_kept is None else (at + self.log_kept).date() + 2 * DAY

    def has_files_due(self, now: datetime.datetime) -> bool:
        """Whether VACUUM would take any."""
        return any(
            each.first is not None and each.first + self.files_kept <= now for each in (self.files, self.changes)
        )

    def has_log_due(self, now: datetime.datetime) -> bool:
        """Whether a checkpoint would let any of the log be cleaned up."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        parts = (self.commits, self.checksums, self.checkpoints)
        kept = self.log_kept
        return kept is not None and any(each.first is not None and each.first + kept < midnight for each in parts)


def looked(spark: SparkSession, begun: Transaction, taken_at: int = -1) -> OldVersions:
    """By one listing of the table's folder, and its log. begun: looks at the newest version. taken_at: the version that
    took rows away last, whose commit may name what it took; -1 for none."""
    snapshot = begun.txn.snapshot()
    with active(spark):
        current = {unquote(row["path"]) for row in _collected(spark, snapshot.allFiles(), "path")}
        tombs = _collected(spark, snapshot.tombstones(), "path", "deletionTimestamp")
        gone = {unquote(row["path"]): int(row["deletionTimestamp"] or 0) for row in tombs}
    found: dict[str, Left] = dict.fromkeys(("files", "changes", "commits", "checksums", "checkpoints"), Left())
    oldest = begun.version
    for name, modified in _listed(spark, begun.location):
        kind = _kind(name, max(begun.version, taken_at + 1))
        if kind is None or name in current:
            continue
        at = max(modified, gone.get(name, 0)) if kind in ("files", "changes") else modified
        found[kind] = found[kind].and_one(datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc))
        if kind == "commits":
            oldest = min(oldest, int(name.removeprefix(LOG)[:20]))
    metadata = snapshot.metadata()
    keeps = bool(begun.log.enableExpiredLogCleanup(metadata))
    kept = datetime.timedelta(milliseconds=int(begun.log.deltaRetentionMillis(metadata))) if keeps else None
    return OldVersions(
        begun.version, begun.version - oldest, **found, files_kept=delta_commit.retention(begun), log_kept=kept
    )


def _kind(name: str, version: int) -> str | None:
    """What a file below the table's folder is; None of what holds nothing of an older version."""
    if not name.startswith(LOG):
        if POSITIONS.search(name):
            return None
        return "changes" if name.startswith(CHANGES) else "files"
    inner = name.removeprefix(LOG)
    for kind, pattern in (("commits", COMMIT), ("checksums", CHECKSUM), ("checkpoints", CHECKPOINT)):
        found = pattern.fullmatch(inner)
        if found is not None:
            number = found[1] or "0"
            return kind if int(number) < version else None
    return None


def _listed(spark: SparkSession, location: str) -> Iterator[tuple[str, int]]:
    """Each file below the table's folder, and when it was written (milliseconds)."""
    root = hadoop_path(spark, location)
    files = root.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    start = len(files.makeQualified(root).toUri().getPath().rstrip("/")) + 1
    found = files.listFiles(root, True)
    while found.hasNext():
        each = found.next()
        yield str(each.getPath().toUri().getPath())[start:], int(each.getModificationTime())


def _collected(spark: SparkSession, dataset: Any, *names: str) -> list[Row]:
    return DataFrame(dataset.toDF(), spark).select(*names).collect()


def vacuumed(spark: SparkSession, address: Address) -> None:
    """Take away what VACUUM may, as the table's own retention allows."""
    spark.conf.set(LISTING, str(FEW_TASKS))
    try:
        with active(spark), _console_silent(spark):
            row_deletion.table(spark, address).vacuum()
    finally:
        spark.conf.unset(LISTING)


@contextlib.contextmanager
def _console_silent(spark: SparkSession) -> Iterator[None]:
    """What VACUUM prints goes to standard error: on the other, somebody may wait for JSON."""
    jvm = java(spark)
    console, before = scala_object(jvm, "scala.Console"), None
    with contextlib.suppress(Py4JError, AttributeError, TypeError):
        before = console.out()
        console.setOutDirect(java_class(jvm, "java.lang.System").err)
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(Py4JError, AttributeError, TypeError):
                console.setOutDirect(before)


def log_cleaned(spark: SparkSession, address: Address) -> None:
    """Write a checkpoint of the newest version, by which Delta cleans its log up of what is past its retention."""
    begun = delta_commit.begin(spark, address.path, address.sql)
    if begun is None:
        raise SourceProblem(f"{address.sql} is out of reach of Delta's own log here")
    with active(spark):
        begun.log.checkpoint(begun.txn.snapshot(), some(java(spark), begun.existing))
