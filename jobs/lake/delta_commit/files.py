"""Files of data that others write: what Delta is told of them, and what they are told of the table."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.lake.active_session import active
from jobs.lake.delta_commit.marks import APPLICATION
from jobs.lake.delta_commit.scala import (
    DELTA,
    java,
    java_class,
    java_list,
    java_map,
    java_session,
    none,
    scala_map,
    scala_object,
    seq,
)
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.java import as_python

READ = (
    "path",
    "partitionValues",
    "size",
    "modificationTime",
    "dataChange",
    "deletionVector",
    "baseRowId",
    "defaultRowCommitVersion",
)
"""What a reader needs of a file's description; the rest is statistics, which are values."""


@dataclasses.dataclass(frozen=True)
class AddedFile:
    """A data file that is to be part of the table. path: below the table's folder, nothing encoded. partition_values:
    by the columns' names in the files. stats: Delta's JSON."""

    path: str
    size: int
    partition_values: Mapping[str, str | None]
    stats: str
    rows: int


@dataclasses.dataclass(frozen=True)
class Place:
    """What who writes the files of a table needs to know. root: its folder. schema: with the names and ids that columns
    have in the files, in the fields' metadata. configuration: the table's properties, as Delta has them. features: of
    Delta's protocol, that who writes the table must know, by name."""

    root: str
    schema: T.StructType
    partition_by: tuple[str, ...]
    configuration: Mapping[str, str]
    features: frozenset[str]


Files = Callable[[Place], Sequence[AddedFile]]
"""Writes the files of a table, of which none is part of it before the commit."""


def place(begun: Transaction) -> Place:
    stated = begun.txn.metadata()
    jvm = java(begun.spark)
    schema = T.StructType.fromJson(json.loads(stated.schemaString()))
    partition_by = tuple(java_list(jvm, stated.partitionColumns()))
    features = json.loads(begun.txn.protocol().json())["protocol"].get("writerFeatures", ())
    return Place(begun.location, schema, partition_by, java_map(jvm, stated.configuration()), frozenset(features))


def actions_of(begun: Transaction, files: Sequence[AddedFile], application: str = APPLICATION) -> Any:
    """The actions by which files become part of the table, and the commit carries the mark of a run."""
    jvm, now = java(begun.spark), int(time.time() * 1000)
    mark: Mapping[str, Any] = {"txn": {"appId": application, "version": begun.version + 1, "lastUpdated": now}}
    return seq(jvm, [_action(jvm, each) for each in (mark, *({"add": _add(file, now)} for file in files))])


def rows_of_files(spark: SparkSession, log: Any, snapshot: Any, added: Iterable[Mapping[str, Any]]) -> DataFrame:
    """The rows of some files, as a version reads them. log, snapshot: Delta's own, of the table and of the version.
    added: what the log says of the files."""
    jvm = java(spark)
    with active(spark):  # else rows that are written from them heed another session's settings
        frame = log.createDataFrame(snapshot, seq(jvm, without_statistics(jvm, added)), False, none(jvm))
    return DataFrame(frame, spark)


def without_statistics(jvm: Any, added: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Delta's own objects of files, as it has them where it lists them to remove. added: what the log says of them."""
    return [_action(jvm, {"add": _read(file)}) for file in added]


def _read(file: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where no tags are told Delta would say that there are none, which is more than it says."""
    return {**{name: file[name] for name in READ if name in file}, "tags": file.get("tags") or None}


def _action(jvm: Any, data: Mapping[str, Any]) -> Any:
    return java_class(jvm, f"{DELTA}.actions.Action").fromJson(json.dumps(data))


def _add(file: AddedFile, now: int) -> Mapping[str, Any]:
    return {
        "path": quote(file.path, safe="/=-_.~"),
        "partitionValues": file.partition_values,
        "size": file.size,
        "modificationTime": now,
        "dataChange": True,
        "stats": file.stats,
    }


def measure(begun: Transaction, files: Sequence[AddedFile], replaced: Sequence[int]) -> None:
    """What Delta's own writer counts too. replaced: sizes of the files that are no longer part of the table."""
    measure_added(begun, len(files), sum(file.rows for file in files), sum(file.size for file in files))
    measure_removed(begun, replaced)


def measure_added(begun: Transaction, files: int, rows: int, size: int) -> None:
    """size: of all files, in bytes."""
    _register(begun, {"numFiles": files, "numOutputRows": rows, "numOutputBytes": size})


def measure_removed(begun: Transaction, sizes: Sequence[int]) -> None:
    """sizes: of the files that are no longer part of the table."""
    _register(begun, {"numRemovedFiles": len(sizes), "numRemovedBytes": sum(sizes)})


def _register(begun: Transaction, sums: Mapping[str, int]) -> None:
    jvm, context = java(begun.spark), begun.spark.sparkContext._jsc.sc()
    made = scala_object(jvm, "org.apache.spark.sql.execution.metric.SQLMetrics")
    metrics = {name: made.createMetric(context, name) for name in sums}
    for name, number in sums.items():
        metrics[name].set(number)
    begun.txn.registerSQLMetrics(java_session(begun.spark), scala_map(jvm, metrics))


def metric(begun: Transaction, name: str) -> int:
    found = begun.txn.getMetric(name)
    return int(found.get().value()) if found.isDefined() else 0


def number_added(begun: Transaction, actions: Any) -> int:
    """How many files actions add. Delta's own number counts those without a row too, which are no part of a commit."""
    return sum("modificationTime" in action for action in as_python(java(begun.spark), actions))
