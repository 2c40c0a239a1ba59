"""Delta's own transaction, from the look at a target to the commit that replaces it: the one file that knows Delta's
inner interface. Tried with Delta 4.4.0 on Spark 4.2.

The statement ``CREATE OR REPLACE TABLE ... AS TABLE ...`` begins its transaction when it runs, so what another program
committed since the look is overwritten unseen. Here the transaction begins at the look; then the same steps are taken
that Delta's `CreateDeltaTableCommand` takes, the rows are written by Delta's own `WriteIntoDelta`, and Delta refuses
the commit if anything was changed in between. `begin` gives None where this Delta has other signatures: then the
statement serves.
"""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.lake.active_session import active
from jobs.lake.sql import quoted
from privacy_udfs.errors import LakenymError

DELTA = "org.apache.spark.sql.delta"
CATALOG = "org.apache.spark.sql.catalyst.catalog"
TRIED = {"4.2": "4.4"}
"""Spark -> Delta, of which everything here was tried. Others may have other signatures and other steps."""
FIELDS = 22
"""Of Spark's `CatalogTable`."""
STATISTICS = "delta.dataSkippingStatsColumns"
APPLICATION = "lakenym"
"""Of the ``txn`` action that `history` knows a commit of ours by; its version is the next after the one looked at."""


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


@dataclasses.dataclass(frozen=True)
class NewTable:
    """What is to stand at the target. rows: with the metadata of their fields."""

    rows: DataFrame
    properties: Mapping[str, str]
    comment: str
    partition_by: Sequence[str] = ()
    cluster_by: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Written:
    """A commit. files: those that were added."""

    version: int
    rows: int
    files: int


class Unregistered(LakenymError):
    """The rows are committed, but the catalog does not know the table."""


class Changed(Exception):
    """The table is not the one that the transaction began on."""


def begin(spark: SparkSession, path: str | None, table: str | None) -> Transaction | None:
    """A transaction on the table at a path, or of a name as SQL has it; None where this Delta has no such thing."""
    if not is_tried(spark):
        return None
    with active(spark):
        return _begin(spark, path, table)


def is_tried(spark: SparkSession) -> bool:
    """Whether the session's Delta is one that this file was tried with."""
    try:
        delta = str(_module(_java(spark), "io.delta.package").VERSION())
    except (Py4JError, AttributeError, TypeError):  # no Java behind the session, or no Delta of this kind
        return False
    return any(spark.version.startswith(f"{key}.") and delta.startswith(f"{value}.") for key, value in TRIED.items())


def _begin(spark: SparkSession, path: str | None, table: str | None) -> Transaction | None:
    jvm, session, name, existing = _java(spark), _session(spark), None, None
    logs = _class(jvm, f"{DELTA}.DeltaLog")
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
            log = logs.forTable(session, jvm.org.apache.hadoop.fs.Path(catalog.defaultTablePath(name)))
    log.update(False, jvm.scala.Option.empty(), jvm.scala.Option.apply(existing))
    txn = log.startTransaction(jvm.scala.Option.apply(existing), jvm.scala.Option.empty())
    if txn.snapshot().isCatalogOwned():
        return None
    version, location = int(txn.readVersion()), str(log.dataPath().toString())
    return Transaction(spark, log, txn, version, location, name, existing, _commit_file(jvm, log, version))


def _in_session_catalog(session: Any, table: str) -> Any:
    """The name with its database; None where it is another catalog's."""
    name = session.sessionState().sqlParser().parseTableIdentifier(table)
    given = name.catalog().get() if name.catalog().isDefined() else session.catalog().currentCatalog()
    return session.sessionState().catalog().qualifyIdentifier(name) if given == "spark_catalog" else None


def _commit_file(jvm: Any, log: Any, version: int) -> tuple[int, int] | None:
    """Time and length of a commit's file; None where it is not there."""
    path = _class(jvm, f"{DELTA}.util.FileNames").unsafeDeltaFile(log.logPath(), version)
    files = path.getFileSystem(log.newDeltaHadoopConf())
    if version < 0 or not files.exists(path):
        return None
    status = files.getFileStatus(path)
    return int(status.getModificationTime()), int(status.getLen())


# -- the commit -------------------------------------------------------------------------------------------------------


def replace(begun: Transaction, table: NewTable, run_metadata: Callable[[int, int], str]) -> Written:
    """Write the rows and commit them as the whole table. Raises `Changed`, or what Delta raises at a conflict.

    run_metadata: number of rows and of files -> the commit's user metadata.
    """
    mark(begun.spark, begun.version)
    with active(begun.spark):
        _check_place(begun)
        described = _described(begun, table)
        if begun.version >= 0:
            begun.txn.updateMetadataForNewTableInReplace(_metadata(begun, table, described))
        actions, tags = _written(begun, table, described)
        rows, files = _metric(begun, "numOutputRows"), _metric(begun, "numFiles")
        _check_place(begun)
        version = begun.txn.commit(actions, _operation(begun, table, run_metadata(rows, files)), tags)
        written = Written(int(version), rows, files)
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
    jvm = _java(begun.spark)
    if begun.version >= 0 and _commit_file(jvm, begun.log, begun.version) != begun.last_commit:
        raise Changed
    if begun.version < 0 and _commit_file(jvm, begun.log, 0) is not None:
        raise Changed


def _described(begun: Transaction, table: NewTable) -> Any:
    """The `CatalogTable` that the statement would make, with its properties as Delta spells them."""
    jvm, stated, schema = _java(begun.spark), dict(table.properties), table.rows._jdf.schema()
    if table.cluster_by:
        stated["delta.feature.clustering"] = "supported"
    if STATISTICS in stated:
        checks = _class(jvm, f"{DELTA}.stats.StatisticsCollection")
        checks.validateDeltaStatsColumns(schema, _seq(jvm, table.partition_by), stated[STATISTICS])
    given = {
        1: begun.name or _path_name(begun),
        2: _kind(begun),
        3: begun.existing.storage() if begun.existing is not None else _storage(begun),
        4: schema,
        5: _some(jvm, "delta"),
        6: _seq(jvm, table.partition_by),
        12: _class(jvm, f"{DELTA}.DeltaConfigs").validateConfigurations(_map(jvm, stated)),
        15: _some(jvm, table.comment),
    }
    made = _class(jvm, f"{CATALOG}.CatalogTable")
    described = made.apply(*[_given(given, made, "apply", at) for at in range(1, FIELDS + 1)])
    return _with_dependencies(begun, described)


def _with_dependencies(begun: Transaction, described: Any) -> Any:
    """With the properties that others bring along."""
    formats = _class(_java(begun.spark), f"{DELTA}.UniversalFormat")
    properties = formats.enforceDependenciesInConfiguration(
        _session(begun.spark), described, described.properties(), begun.txn.snapshot()
    )
    return described.copy(*[_given({12: properties}, described, "copy", at) for at in range(1, FIELDS + 1)])


def _given(given: Mapping[int, Any], owner: Any, method: str, at: int) -> Any:
    """An argument of a Scala method: what is given, or its default."""
    return given[at] if at in given else getattr(owner, f"{method}$default${at}")()


def _path_name(begun: Transaction) -> Any:
    jvm = _java(begun.spark)
    return jvm.org.apache.spark.sql.catalyst.TableIdentifier(begun.location, _some(jvm, "delta"))


def _kind(begun: Transaction) -> Any:
    if begun.existing is not None:
        return begun.existing.tableType()
    kinds = _class(_java(begun.spark), f"{CATALOG}.CatalogTableType")
    return kinds.EXTERNAL() if begun.name is None else kinds.MANAGED()


def _storage(begun: Transaction) -> Any:
    empty = _class(_java(begun.spark), f"{CATALOG}.CatalogStorageFormat").empty()
    location = _some(_java(begun.spark), begun.log.dataPath().toUri())
    return empty.copy(*[_given({1: location}, empty, "copy", at) for at in range(1, 8)])


def _metadata(begun: Transaction, table: NewTable, described: Any) -> Any:
    """The new metadata of a table that is there; of a new one Delta's writer makes it from the same parts."""
    jvm = _java(begun.spark)
    metadata = {
        "id": str(uuid.uuid4()),
        "description": table.comment,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": table.rows._jdf.schema().asNullable().json(),
        "partitionColumns": list(table.partition_by),
        "configuration": dict(_java_map(jvm, described.properties())),
        "createdTime": int(time.time() * 1000),
    }
    return _class(jvm, f"{DELTA}.actions.Action").fromJson(json.dumps({"metaData": metadata}))


def _written(begun: Transaction, table: NewTable, described: Any) -> tuple[Any, Any]:
    """Write the rows; the commit's actions and its tags."""
    jvm, session = _java(begun.spark), _session(begun.spark)
    no_options = _class(jvm, f"{DELTA}.DeltaOptions")(_map(jvm, {}), session.sessionState().conf())
    described_too = {**dict(_java_map(jvm, described.properties())), "comment": table.comment}
    writer = _class(jvm, f"{DELTA}.commands.WriteIntoDelta")(
        begun.log,
        jvm.org.apache.spark.sql.SaveMode.Overwrite,
        no_options,
        _seq(jvm, table.partition_by),
        _map(jvm, described_too),
        table.rows._jdf,
        _some(jvm, described),
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


def _clustering(jvm: Any, table: NewTable) -> Any:
    if not table.cluster_by:
        return jvm.scala.Option.empty()
    names = _seq(jvm, [quoted(name) for name in table.cluster_by])
    specs = _class(jvm, f"{DELTA}.skipping.clustering.temp.ClusterBySpec")
    return _some(jvm, specs.fromColumnNames(names))


def _domains(begun: Transaction, clustering: Any) -> Any:
    """How the new table is clustered; and no longer is."""
    jvm = _java(begun.spark)
    clustered = _class(jvm, f"{DELTA}.skipping.clustering.ClusteredTableUtils")
    after = clustered.getDomainMetadataFromTransaction(clustering, begun.txn)
    domains = _module(jvm, f"{DELTA}.DomainMetadataUtils")
    return domains.handleDomainMetadataForReplaceTable(begun.txn.snapshot().domainMetadata(), after)


def _operation(begun: Transaction, table: NewTable, run_metadata: str) -> Any:
    jvm = _java(begun.spark)
    none = jvm.scala.Option.empty()
    clustered = _some(jvm, _seq(jvm, table.cluster_by)) if table.cluster_by else none
    managed = _kind(begun).name() == "MANAGED"
    return _class(jvm, f"{DELTA}.DeltaOperations$ReplaceTable")(
        begun.txn.metadata(), managed, True, True, _some(jvm, run_metadata), clustered, none, none, none, none, none
    )


def _metric(begun: Transaction, name: str) -> int:
    found = begun.txn.getMetric(name)
    return int(found.get().value()) if found.isDefined() else 0


def _register(begun: Transaction, described: Any) -> None:
    """A new name is made known to the catalog; of a known one its copy of the schema is mended. As Delta's command."""
    if begun.name is None:
        return
    jvm, session = _java(begun.spark), _session(begun.spark)
    none, existing = jvm.scala.Option.empty(), jvm.scala.Option.apply(begun.existing)
    # without partition columns, as Delta enters a new table: with them the catalog refuses the next change of the entry
    entry = described.copy(*[_given({6: _seq(jvm, [])}, described, "copy", at) for at in range(1, FIELDS + 1)])
    command = _class(jvm, f"{DELTA}.commands.CreateDeltaTableCommand")(
        described,
        existing,
        jvm.org.apache.spark.sql.SaveMode.Overwrite,
        none,
        _module(jvm, f"{DELTA}.commands.TableCreationModes$CreateOrReplace"),
        False,
        _seq(jvm, []),
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
    catalog = _session(begun.spark).sessionState().catalog()
    known = catalog.tableExists(begun.name)
    return bool(known and catalog.getTableMetadata(begun.name).location().equals(begun.existing.location()))


# -- Java and Scala from here -----------------------------------------------------------------------------------------


def _java(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm


def _session(spark: SparkSession) -> Any:
    return spark._jsparkSession


def _class(jvm: Any, name: str) -> Any:
    for part in name.split("."):
        jvm = getattr(jvm, part)
    return jvm


def _module(jvm: Any, name: str) -> Any:
    """A Scala object."""
    return getattr(_class(jvm, f"{name}$"), "MODULE$")


def _some(jvm: Any, value: Any) -> Any:
    return jvm.scala.Option.apply(value)


def _seq(jvm: Any, values: Sequence[Any]) -> Any:
    return jvm.org.apache.spark.api.python.PythonUtils.toSeq(list(values))


def _map(jvm: Any, values: Mapping[str, str]) -> Any:
    return jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(dict(values))


def _java_map(jvm: Any, values: Any) -> Mapping[str, str]:
    made: Mapping[str, str] = jvm.scala.jdk.javaapi.CollectionConverters.asJava(values)
    return made
