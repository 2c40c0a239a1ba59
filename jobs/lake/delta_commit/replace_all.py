"""The commit that makes rows the whole table, written by Delta's own writer or by others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.lake import small_log
from jobs.lake.active_session import active
from jobs.lake.delta_commit import before_commit, left_out
from jobs.lake.delta_commit.catalog_entry import NewTable, entry_of, kind, metadata
from jobs.lake.delta_commit.files import (
    AddedFile,
    Files,
    actions_of,
    measure,
    metric,
    number_added,
    place,
    without_statistics,
)
from jobs.lake.delta_commit.log_files import quickly_written
from jobs.lake.delta_commit.marks import Written, check_place, check_stands, marked
from jobs.lake.delta_commit.registration import is_known, register
from jobs.lake.delta_commit.scala import (
    DELTA,
    java,
    java_class,
    java_map,
    java_session,
    none,
    scala_map,
    scala_object,
    seq,
    some,
)
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.delta_commit.writer import writer
from jobs.lake.small_log import Replayed
from jobs.lake.sql import quoted
from privacy_udfs.errors import LakenymError


class Unregistered(LakenymError):
    """The rows are committed, but the catalog does not know the table."""


def replace(
    begun: Transaction, table: NewTable, run_metadata: Callable[[int, int], str], files: Files | None = None
) -> Written:
    """Write the rows and commit them as the whole table. Raises `Changed`, or what Delta raises at a conflict.

    run_metadata: number of rows and of files -> the commit's user metadata, asked for when all is written. files: who
    writes the rows; None for Delta's own writer. After an error the transaction is of no more use.
    """
    with marked(begun.spark, begun.version), active(begun.spark):
        check_place(begun)
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
            actions, tags = _added(begun, table, files(place(begun))), scala_map(java(begun.spark), {})
        actions = left_out.without(begun, actions)
        rows, written_files = metric(begun, "numOutputRows"), number_added(begun, actions)
        before_commit.look(begun, actions, replaces_all=True)
        before_commit.state(begun)
        check_place(begun)
        told = run_metadata(rows, written_files)
        operation = _operation(begun, table, told)
        with quickly_written(begun, anew=True):
            begun.is_asked_for.set()
            version = begun.txn.commit(actions, operation, tags)
        check_stands(begun, int(version), told)
        written = Written(int(version), rows, written_files)
        try:
            register(begun, described)
        except (PySparkException, Py4JError):
            if is_known(begun):  # by an entry whose copy of the schema is old; readers go by Delta's log
                return written
            raise Unregistered(
                f"version {version} is committed at {begun.location}, but the catalog does not take its name: run it "
                "again"
            ) from None
        return written


def _written(begun: Transaction, table: NewTable, described: Any) -> tuple[Any, Any]:
    """Write the rows; the commit's actions and its tags."""
    jvm, session = java(begun.spark), java_session(begun.spark)
    described_too = scala_map(jvm, {**java_map(jvm, described.properties()), "comment": table.comment})
    made = writer(begun, table.rows, "Overwrite", table.partition_by, described_too, described)
    clustering = _clustering(jvm, table)
    data = made.writeAndReturnCommitData(begun.txn, session, clustering, True)
    begun.txn.removeExistsDefaultFromSchema()
    actions = data.actions()
    if begun.version >= 0:
        actions = actions.appendedAll(_domains(begun, clustering))
    return actions, data.stringTags()


def _added(begun: Transaction, table: NewTable, files: Sequence[AddedFile]) -> Any:
    """The actions by which the files are the whole table, and the metrics that its history shows."""
    jvm, now = java(begun.spark), int(time.time() * 1000)
    small = small_log.replayed(begun.spark, begun.txn.snapshot(), begun.existing) if begun.version >= 0 else None
    replaced = _replaced(begun, small)
    measure(begun, files, [int(file.size()) for file in replaced])
    begun.txn.removeExistsDefaultFromSchema()
    clustering = _clustering(jvm, table)
    if begun.version >= 0:
        domains = _domains(begun, clustering, small)
    else:
        clustered = java_class(jvm, f"{DELTA}.skipping.clustering.ClusteredTableUtils")
        domains = clustered.getDomainMetadataFromTransaction(clustering, begun.txn)
    removed = seq(jvm, [file.removeWithTimestamp(now, True) for file in replaced])
    return actions_of(begun, files).appendedAll(removed).appendedAll(domains)


def _replaced(begun: Transaction, small: Replayed | None) -> list[Any]:
    """All files of the table, by which the whole of it counts as read, so that any append is a conflict."""
    if begun.version < 0 or small is not None:
        begun.txn.readWholeTable()
    if small is None:
        found = begun.txn.filterFiles() if begun.version >= 0 else seq(java(begun.spark), [])
    else:
        begun.txn.trackFilesRead(small.files)
        return without_statistics(java(begun.spark), small.told)
    return [found.apply(at) for at in range(found.size())]


def _clustering(jvm: Any, table: NewTable) -> Any:
    if not table.cluster_by:
        return none(jvm)
    names = seq(jvm, [quoted(name) for name in table.cluster_by])
    specs = java_class(jvm, f"{DELTA}.skipping.clustering.temp.ClusterBySpec")
    return some(jvm, specs.fromColumnNames(names))


def _domains(begun: Transaction, clustering: Any, small: Replayed | None = None) -> Any:
    """How the new table is clustered; and no longer is."""
    jvm = java(begun.spark)
    if small is not None and clustering.isEmpty() and small.domains.isEmpty():
        return seq(jvm, [])  # of none that is there and none that is asked for nothing comes: Delta runs jobs to see it
    clustered = java_class(jvm, f"{DELTA}.skipping.clustering.ClusteredTableUtils")
    after = clustered.getDomainMetadataFromTransaction(clustering, begun.txn)
    domains = scala_object(jvm, f"{DELTA}.DomainMetadataUtils")
    return domains.handleDomainMetadataForReplaceTable(begun.txn.snapshot().domainMetadata(), after)


def _operation(begun: Transaction, table: NewTable, run_metadata: str) -> Any:
    jvm = java(begun.spark)
    nothing = none(jvm)
    clustered = some(jvm, seq(jvm, table.cluster_by)) if table.cluster_by else nothing
    managed = kind(begun).name() == "MANAGED"
    return java_class(jvm, f"{DELTA}.DeltaOperations$ReplaceTable")(
        begun.txn.metadata(), managed, True, True, some(jvm, run_metadata), clustered, *[nothing] * 5
    )
