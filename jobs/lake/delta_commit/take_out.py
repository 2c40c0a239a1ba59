"""The commit by which rows go, or parts of rows, and nothing comes; told by Delta's history as a DELETE.

Files that hold such a row are written anew without it, those that a deletion vector belongs to too, so that no file of
the version hides a row that it still holds. Where the table has a change data feed, the feed is told what went.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.lake.active_session import active
from jobs.lake.delta_commit import before_commit
from jobs.lake.delta_commit.files import number_added, without_statistics
from jobs.lake.delta_commit.log_files import quickly_written
from jobs.lake.delta_commit.marks import APPLICATION, check_place, check_stands
from jobs.lake.delta_commit.replace_files import removals
from jobs.lake.delta_commit.scala import DELTA, java, java_class, java_session, scala_map, scala_object, seq
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.java import as_python
from jobs.lake.session_settings import held

USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
CHANGE = "_change_type"
"""Of rows that are written: null of those that the table is to have; else what the change feed is to say of them."""
DELETED, BEFORE, AFTER = "delete", "update_preimage", "update_postimage"
DELETED_ROWS = "numDeletedRows"
METRICS = "org.apache.spark.sql.execution.metric.SQLMetrics"


@dataclasses.dataclass(frozen=True)
class Taken:
    """A commit. files: those that it took out."""

    version: int
    files: int


def files_of(begun: Transaction) -> list[Mapping[str, Any]]:
    """What the log says of the files of the table, without statistics; none of them counts as read by that."""
    columns = ("path", "partitionValues", "size", "modificationTime", "dataChange", "deletionVector", "baseRowId",
               "defaultRowCommitVersion", "tags")  # fmt: skip
    added = DataFrame(begun.txn.snapshot().allFiles().toDF(), begun.spark).select(*columns)
    told = added.select(F.to_json(F.struct(*columns)).alias("told")).collect()
    return [json.loads(row["told"]) for row in told]


def take_out(
    begun: Transaction, removed: Sequence[Mapping[str, Any]], rows: DataFrame, run_metadata: str, deleted: int
) -> Taken:
    """Write the rows, and commit them in the place of files. removed: as of `files_of`. rows: of the table's own
    schema, and with `CHANGE` where it has a change data feed. deleted: how many rows go; 0 where only parts of some do.
    The files count as read: who changed or removed one of them meanwhile makes a conflict. Who only added others does
    not: look again afterwards. Raises `Changed`, and what Delta raises."""
    jvm = java(begun.spark)
    with active(begun.spark), held(begun.spark, {USER_METADATA: run_metadata}):
        check_place(begun)
        files = without_statistics(jvm, removed)
        begun.txn.trackFilesRead(seq(jvm, files))
        written = begun.txn.writeFiles(rows._jdf)
        added = number_added(begun, written)
        actions = written.appendedAll(removals(begun, files)).appendedAll(_mark(begun))
        _measure(begun, {"numRemovedFiles": len(files), "numAddedFiles": added, DELETED_ROWS: deleted})
        try:
            if begun.at_last is not None:
                begun.at_last()
            check_place(begun)
            return Taken(_committed(begun, actions, run_metadata), len(files))
        except BaseException:
            with contextlib.suppress(Exception):
                if not begun.is_asked_for.is_set():
                    before_commit.take_away(begun, list(as_python(jvm, written)))
            raise


def mark_only(begun: Transaction, run_metadata: str) -> int:
    """A commit of the same kind that changes no file; its version."""
    with active(begun.spark), held(begun.spark, {USER_METADATA: run_metadata}):
        check_place(begun)
        _measure(begun, {"numRemovedFiles": 0, "numAddedFiles": 0, DELETED_ROWS: 0})
        return _committed(begun, _mark(begun), run_metadata)


def _committed(begun: Transaction, actions: Any, run_metadata: str) -> int:
    jvm = java(begun.spark)
    operation = java_class(jvm, f"{DELTA}.DeltaOperations$Delete")(seq(jvm, []))
    with quickly_written(begun):
        begun.is_asked_for.set()
        version = int(begun.txn.commit(actions, operation, scala_map(jvm, {})))
    check_stands(begun, version, run_metadata)
    return version


def _mark(begun: Transaction) -> Any:
    jvm, now = java(begun.spark), int(time.time() * 1000)
    told = {"txn": {"appId": APPLICATION, "version": begun.version + 1, "lastUpdated": now}}
    return seq(jvm, [java_class(jvm, f"{DELTA}.actions.Action").fromJson(json.dumps(told))])


def _measure(begun: Transaction, sums: Mapping[str, int]) -> None:
    """What Delta's own DELETE counts, and its history asks for."""
    jvm, context = java(begun.spark), begun.spark.sparkContext._jsc.sc()
    made = scala_object(jvm, METRICS)
    metrics = {name: made.createMetric(context, name) for name in sums}
    for name, number in sums.items():
        metrics[name].set(number)
    begun.txn.registerSQLMetrics(java_session(begun.spark), scala_map(jvm, metrics))


# -- the log ----------------------------------------------------------------------------------------------------------


def checkpointed(spark: SparkSession, location: str, version: int) -> bool:
    """Whether a version has a checkpoint, by which it is read without any file of its log before; made where there is
    none."""
    with active(spark):
        log = java_class(java(spark), f"{DELTA}.DeltaLog").forTable(java_session(spark), location)
        if not log.checkpointExistsAtVersion(version):
            log.createCheckpointAtVersion(version)
        return bool(log.checkpointExistsAtVersion(version))


def forget(spark: SparkSession) -> None:
    """What Delta holds in memory of logs."""
    java_class(java(spark), f"{DELTA}.DeltaLog").clearCache()
