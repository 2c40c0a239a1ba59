"""The rows, written by Delta's own writer, and the commit that makes them the whole table."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.lake.active_session import active
from jobs.lake.delta_commit.catalog_entry import FIELDS, NewTable, entry_of, kind, metadata
from jobs.lake.delta_commit.scala import (
    DELTA,
    argument,
    java,
    java_class,
    java_list,
    java_map,
    java_session,
    scala_map,
    scala_object,
    seq,
    some,
)
from jobs.lake.delta_commit.transaction import Transaction, commit_file
from jobs.lake.sql import quoted
from privacy_udfs.errors import LakenymError

APPLICATION = "lakenym"
"""Of the ``txn`` action that `history` knows a commit of ours by; its version is the next after the one looked at."""


@dataclasses.dataclass(frozen=True)
class Written:
    """A commit. files: those that were added."""

    version: int
    rows: int
    files: int


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
    have in the files, in the fields' metadata. configuration: the table's properties, as Delta has them."""

    root: str
    schema: T.StructType
    partition_by: tuple[str, ...]
    configuration: Mapping[str, str]


class Unregistered(LakenymError):
    """The rows are committed, but the catalog does not know the table."""


class Changed(Exception):
    """The table is not the one that the transaction began on."""


Files = Callable[[Place], Sequence[AddedFile]]
"""Writes the files of a table, of which none is part of it before the commit."""


def replace(
    begun: Transaction, table: NewTable, run_metadata: Callable[[int, int], str], files: Files | None = None
) -> Written:
    """Write the rows and commit them as the whole table. Raises `Changed`, or what Delta raises at a conflict.

    run_metadata: number of rows and of files -> the commit's user metadata, asked for when all is written. files: who
    writes the rows; None for Delta's own writer. After an error the transaction is of no more use.
    """
    mark(begun.spark, begun.version)
    with active(begun.spark):
        _check_place(begun)
        described = entry_of(begun, table)
        stated = metadata(begun, table, described)
        if begun.version >= 0:
            begun.txn.updateMetadataForNewTableInReplace(stated)
        elif files is not None:
            begun.txn.updateMetadataForNewTable(stated)
        if files is None:
            actions, tags = _written(begun, table, described)
        else:
            begun.log.createLogDirectoriesIfNotExists()  # by it the next run knows what a killed one left for a table's
            actions, tags = _added(begun, table, files(_place(begun))), scala_map(java(begun.spark), {})
        rows, written_files = _metric(begun, "numOutputRows"), _metric(begun, "numFiles")
        _check_place(begun)
        version = begun.txn.commit(actions, _operation(begun, table, run_metadata(rows, written_files)), tags)
        written = Written(int(version), rows, written_files)
        try:
            _register(begun, described)
        except (PySparkException, Py4JError):
            if _is_known(begun):  # by an entry whose copy of the schema is old; readers go by Delta's log
                return written
            raise Unregistered(
                f"version {version} is committed at {begun.location}, but the catalog does not take its name: run it "
                "again"
            ) from None
        return written


def mark(spark: SparkSession, looked_at: int) -> None:
    """Have the session's next commit carry the mark of a run that looked at a version."""
    spark.conf.set("spark.databricks.delta.write.txnAppId", APPLICATION)
    spark.conf.set("spark.databricks.delta.write.txnVersion", str(looked_at + 1))


def _check_place(begun: Transaction) -> None:
    """What Delta does not look at: whether the newest commit is still the same file, or there is still none."""
    jvm = java(begun.spark)
    if begun.version >= 0 and commit_file(jvm, begun.log, begun.version) != begun.last_commit:
        raise Changed
    if begun.version < 0 and commit_file(jvm, begun.log, 0) is not None:
        raise Changed


def _written(begun: Transaction, table: NewTable, described: Any) -> tuple[Any, Any]:
    """Write the rows; the commit's actions and its tags."""
    jvm, session = java(begun.spark), java_session(begun.spark)
    no_options = java_class(jvm, f"{DELTA}.DeltaOptions")(scala_map(jvm, {}), session.sessionState().conf())
    described_too = {**dict(java_map(jvm, described.properties())), "comment": table.comment}
    writer = java_class(jvm, f"{DELTA}.commands.WriteIntoDelta")(
        begun.log,
        jvm.org.apache.spark.sql.SaveMode.Overwrite,
        no_options,
        seq(jvm, table.partition_by),
        scala_map(jvm, described_too),
        table.rows._jdf,
        some(jvm, described),
        jvm.scala.Option.empty(),
        False,
    )
    clustering = _clustering(jvm, table)
    data = writer.writeAndReturnCommitData(begun.txn, session, clustering, True)
    begun.txn.removeExistsDefaultFromSchema()
    actions = data.actions()
    if begun.version >= 0:
        actions = actions.appendedAll(_domains(begun, clustering))
    return actions, data.stringTags()


def _place(begun: Transaction) -> Place:
    stated = begun.txn.metadata()
    jvm = java(begun.spark)
    schema = T.StructType.fromJson(json.loads(stated.schemaString()))
    partition_by = tuple(java_list(jvm, stated.partitionColumns()))
    return Place(begun.location, schema, partition_by, dict(java_map(jvm, stated.configuration())))


def _added(begun: Transaction, table: NewTable, files: Sequence[AddedFile]) -> Any:
    """The actions by which the files are the whole table, and the metrics that its history shows."""
    jvm, now = java(begun.spark), int(time.time() * 1000)
    found = begun.txn.filterFiles()  # by which the whole table counts as read, so that any append is a conflict
    replaced = [found.apply(at) for at in range(found.size())]
    _measure(begun, files, [int(file.size()) for file in replaced])
    actions = [_action(jvm, {"txn": {"appId": APPLICATION, "version": begun.version + 1, "lastUpdated": now}})]
    actions += [_action(jvm, {"add": _add(file, now)}) for file in files]
    actions += [file.removeWithTimestamp(now, True) for file in replaced]
    begun.txn.removeExistsDefaultFromSchema()
    clustering = _clustering(jvm, table)
    if begun.version >= 0:
        domains = _domains(begun, clustering)
    else:
        clustered = java_class(jvm, f"{DELTA}.skipping.clustering.ClusteredTableUtils")
        domains = clustered.getDomainMetadataFromTransaction(clustering, begun.txn)
    return seq(jvm, actions).appendedAll(domains)


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


def _measure(begun: Transaction, files: Sequence[AddedFile], replaced: Sequence[int]) -> None:
    """What Delta's own writer counts too. replaced: sizes of the files that are no longer part of the table."""
    jvm, context = java(begun.spark), begun.spark.sparkContext._jsc.sc()
    sums = {
        "numFiles": len(files),
        "numOutputRows": sum(file.rows for file in files),
        "numOutputBytes": sum(file.size for file in files),
        "numRemovedFiles": len(replaced),
        "numRemovedBytes": sum(replaced),
    }
    metrics = {}
    for name, number in sums.items():
        metrics[name] = scala_object(jvm, "org.apache.spark.sql.execution.metric.SQLMetrics").createMetric(
            context, name
        )
        metrics[name].set(number)
    begun.txn.registerSQLMetrics(java_session(begun.spark), scala_map(jvm, metrics))


def _clustering(jvm: Any, table: NewTable) -> Any:
    if not table.cluster_by:
        return jvm.scala.Option.empty()
    names = seq(jvm, [quoted(name) for name in table.cluster_by])
    specs = java_class(jvm, f"{DELTA}.skipping.clustering.temp.ClusterBySpec")
    return some(jvm, specs.fromColumnNames(names))


def _domains(begun: Transaction, clustering: Any) -> Any:
    """How the new table is clustered; and no longer is."""
    jvm = java(begun.spark)
    clustered = java_class(jvm, f"{DELTA}.skipping.clustering.ClusteredTableUtils")
    after = clustered.getDomainMetadataFromTransaction(clustering, begun.txn)
    domains = scala_object(jvm, f"{DELTA}.DomainMetadataUtils")
    return domains.handleDomainMetadataForReplaceTable(begun.txn.snapshot().domainMetadata(), after)


def _operation(begun: Transaction, table: NewTable, run_metadata: str) -> Any:
    jvm = java(begun.spark)
    none = jvm.scala.Option.empty()
    clustered = some(jvm, seq(jvm, table.cluster_by)) if table.cluster_by else none
    managed = kind(begun).name() == "MANAGED"
    return java_class(jvm, f"{DELTA}.DeltaOperations$ReplaceTable")(
        begun.txn.metadata(), managed, True, True, some(jvm, run_metadata), clustered, none, none, none, none, none
    )


def _metric(begun: Transaction, name: str) -> int:
    found = begun.txn.getMetric(name)
    return int(found.get().value()) if found.isDefined() else 0


def _register(begun: Transaction, described: Any) -> None:
    """A new name is made known to the catalog; of a known one its copy of the schema is mended. As Delta's command."""
    if begun.name is None:
        return
    jvm, session = java(begun.spark), java_session(begun.spark)
    none, existing = jvm.scala.Option.empty(), jvm.scala.Option.apply(begun.existing)
    # without partition columns, as Delta enters a new table: with them the catalog refuses the next change of the entry
    entry = described.copy(*[argument({6: seq(jvm, [])}, described, "copy", at) for at in range(1, FIELDS + 1)])
    command = java_class(jvm, f"{DELTA}.commands.CreateDeltaTableCommand")(
        described,
        existing,
        jvm.org.apache.spark.sql.SaveMode.Overwrite,
        none,
        scala_object(jvm, f"{DELTA}.commands.TableCreationModes$CreateOrReplace"),
        False,
        seq(jvm, []),
        none,
        False,
        none,
    )
    snapshot = begun.log.update(False, none, existing)
    command.updateCatalog(session, entry, snapshot, none, False, none)


def _is_known(begun: Transaction) -> bool:
    """Whether the catalog still has the table that it had, at the same place."""
    if begun.existing is None:
        return False
    catalog = java_session(begun.spark).sessionState().catalog()
    known = catalog.tableExists(begun.name)
    return bool(known and catalog.getTableMetadata(begun.name).location().equals(begun.existing.location()))
