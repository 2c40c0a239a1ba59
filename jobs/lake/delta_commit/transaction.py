"""A transaction of Delta, begun at the look at a target."""

from __future__ import annotations

import dataclasses
import datetime
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, SparkSession

from jobs.lake.active_session import active
from jobs.lake.delta_commit.rest import LeavesOut
from jobs.lake.delta_commit.scala import (
    DELTA,
    java,
    java_class,
    java_list,
    java_map,
    java_session,
    none,
    scala_object,
    some,
)
from jobs.lake.java import hadoop_path

TRIED = {"4.2": "4.4"}
"""Spark -> Delta, of which everything here was tried. Others may have other signatures and other steps."""


@dataclasses.dataclass(frozen=True)
class Transaction:
    """A transaction on a table as it was when it began.

    version: what was read, -1 where no table was. location: where the table is or will be. name: how the session's
    catalog calls it, None for a table by path. existing: what the catalog says of it, None where it knows no such
    table.
    """

    spark: SparkSession
    log: Any
    txn: Any
    version: int
    location: str
    name: Any
    existing: Any
    last_commit: tuple[int, int] | None
    """Time and length of the newest commit's file: another table may stand at the place by the time of the commit."""
    asks: Callable[[DataFrame], None] | None = dataclasses.field(default=None, repr=False)
    """Is shown the rows that the table will have, and raises what stops the commit; None where nobody asks."""
    leaves_out: LeavesOut | None = dataclasses.field(default=None, repr=False)
    """Is shown the same before, and says which of them are left out; None where nobody does."""
    states: Callable[[], Mapping[str, str | None]] | None = dataclasses.field(default=None, repr=False)
    """Says, once nothing stops the commit any more, properties that the table is to have by it; None of one that is to
    go. None where nobody has any."""
    at_last: Callable[[], None] | None = dataclasses.field(default=None, repr=False)
    """Is asked last of all, once every file is written, and raises what stops the commit; None where nobody is."""
    is_asked_for: threading.Event = dataclasses.field(default_factory=threading.Event, repr=False, compare=False)
    """Set from the moment on at which the store is asked for the commit: an error before it is one of nothing that was
    committed, after it of nobody knows what."""


def begin(spark: SparkSession, path: str | None, table: str | None) -> Transaction | None:
    """A transaction on the table at a path, or of a name as SQL has it; None where this Delta has no such thing."""
    if not is_tried(spark):
        return None
    with active(spark):
        return _begin(spark, path, table)


def is_tried(spark: SparkSession) -> bool:
    """Whether the session's Delta is one that this file was tried with."""
    try:
        delta = str(scala_object(java(spark), "io.delta.package").VERSION())
    except (Py4JError, AttributeError, TypeError):  # no Java behind the session, or no Delta of this kind
        return False
    return any(spark.version.startswith(f"{key}.") and delta.startswith(f"{value}.") for key, value in TRIED.items())


def _begin(spark: SparkSession, path: str | None, table: str | None) -> Transaction | None:
    jvm, session, name, existing = java(spark), java_session(spark), None, None
    logs = java_class(jvm, f"{DELTA}.DeltaLog")
    if path is not None:
        log = logs.forTable(session, path)
    else:
        name = _in_session_catalog(session, str(table))
        catalog = session.sessionState().catalog()
        if name is None:
            return None
        if catalog.tableExists(name):
            existing = catalog.getTableMetadata(name)
            log = logs.forTable(session, existing)
        else:
            log = logs.forTable(session, hadoop_path(spark, catalog.defaultTablePath(name)))
    log.update(False, none(jvm), some(jvm, existing))
    txn = log.startTransaction(some(jvm, existing), none(jvm))
    if txn.snapshot().isCatalogOwned():
        return None
    version, location = int(txn.readVersion()), str(log.dataPath().toString())
    return Transaction(spark, log, txn, version, location, name, existing, commit_file(jvm, log, version))


def _in_session_catalog(session: Any, table: str) -> Any:
    """The name with its database; None where it is another catalog's."""
    name = session.sessionState().sqlParser().parseTableIdentifier(table)
    given = name.catalog().get() if name.catalog().isDefined() else session.catalog().currentCatalog()
    return session.sessionState().catalog().qualifyIdentifier(name) if given == "spark_catalog" else None


def comment_and_properties(begun: Transaction) -> tuple[str, Mapping[str, str]]:
    """Of the table that it began on; the comment is empty for none."""
    metadata = begun.txn.snapshot().metadata()
    return str(metadata.description() or ""), java_map(java(begun.spark), metadata.configuration())


def partition_columns(begun: Transaction) -> tuple[str, ...]:
    """Of the table that it began on."""
    return tuple(java_list(java(begun.spark), begun.txn.snapshot().metadata().partitionColumns()))


def schema(begun: Transaction) -> Mapping[str, Any]:
    """Of the table that it began on, as its log has it; without fields where there is no table."""
    found: dict[str, Any] = json.loads(str(begun.txn.snapshot().metadata().schemaString() or "") or '{"fields": []}')
    return found


def clustering_columns(begun: Transaction) -> tuple[str, ...]:
    """Of the table that it began on."""
    snapshot = begun.txn.snapshot()
    if not snapshot.protocol().writerFeatureNames().contains("clustering"):
        return ()
    names = java_class(java(begun.spark), f"{DELTA}.skipping.clustering.ClusteringColumnInfo")
    return tuple(java_list(java(begun.spark), names.extractLogicalNames(snapshot)))


@dataclasses.dataclass(frozen=True)
class Kept:
    """How long a table keeps what is no part of it any more, in milliseconds: files, until VACUUM takes them, and its
    log; None where it keeps that for good."""

    files: int
    log: int | None


def kept(begun: Transaction) -> Kept:
    """By the properties of the table that it began on."""
    metadata = begun.txn.snapshot().metadata()
    files = int(scala_object(java(begun.spark), f"{DELTA}.DeltaLog").tombstoneRetentionMillis(metadata))
    cleans = bool(begun.log.enableExpiredLogCleanup(metadata))
    return Kept(files, int(begun.log.deltaRetentionMillis(metadata)) if cleans else None)


def retention(begun: Transaction) -> datetime.timedelta:
    """How long VACUUM leaves the files that are no longer part of the table."""
    return datetime.timedelta(milliseconds=kept(begun).files)


def goes_on_from(begun: Transaction, before: Transaction) -> bool:
    """Whether a transaction began on the table of an earlier one, or on what became of it by further commits."""
    if before.last_commit is None or begun.location != before.location or begun.version < before.version:
        return False
    return commit_file(java(begun.spark), begun.log, before.version) == before.last_commit


def commit_file(jvm: Any, log: Any, version: int) -> tuple[int, int] | None:
    """Time and length of a commit's file; None where it is not there."""
    files, path = _place_of_commit(jvm, log, version)
    if version < 0 or not files.exists(path):
        return None
    status = files.getFileStatus(path)
    return int(status.getModificationTime()), int(status.getLen())


def commit_holds(jvm: Any, log: Any, version: int, text: str) -> bool:
    """Whether a commit's file is there and has a text of ASCII in what it says of itself: its first line."""
    files, path = _place_of_commit(jvm, log, version)
    if not files.exists(path):
        return False
    stream = files.open(path)
    try:
        reader = jvm.java.io.BufferedReader(jvm.java.io.InputStreamReader(stream, "UTF-8"))
        return text in (reader.readLine() or "")
    finally:
        stream.close()


def commit_digest(spark: SparkSession, log: Any, version: int) -> str | None:
    """SHA-256 of a commit's file, hex; None where it is not there. log: Delta's own of the table."""
    files, path = _place_of_commit(java(spark), log, version)
    if not files.exists(path):
        return None
    stream = files.open(path)
    try:
        return str(java(spark).org.apache.commons.codec.digest.DigestUtils.sha256Hex(stream))
    finally:
        stream.close()


def _place_of_commit(jvm: Any, log: Any, version: int) -> tuple[Any, Any]:
    """The file of a commit, and the file system that it is in."""
    path = java_class(jvm, f"{DELTA}.util.FileNames").unsafeDeltaFile(log.logPath(), version)
    return path.getFileSystem(log.newDeltaHadoopConf()), path
