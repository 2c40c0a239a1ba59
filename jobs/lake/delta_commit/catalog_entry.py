"""What is to stand at a target, as the catalog and Delta describe a table."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame

from jobs.configuration import file_properties
from jobs.lake import column_mapping
from jobs.lake.column_mapping import MODE
from jobs.lake.delta_commit.scala import DELTA, argument, java, java_class, java_map, java_session, scala_map, seq, some
from jobs.lake.delta_commit.transaction import Transaction

CATALOG = "org.apache.spark.sql.catalyst.catalog"
FIELDS = 22
"""Of Spark's `CatalogTable`."""
STATISTICS = "delta.dataSkippingStatsColumns"


@dataclasses.dataclass(frozen=True)
class NewTable:
    """What is to stand at the target. rows: with the metadata of their fields."""

    rows: DataFrame
    properties: Mapping[str, str]
    comment: str
    partition_by: Sequence[str] = ()
    cluster_by: Sequence[str] = ()


def entry_of(begun: Transaction, table: NewTable) -> Any:
    """The `CatalogTable` that the statement would make, with its properties as Delta spells them."""
    jvm, stated, schema = java(begun.spark), dict(table.properties), table.rows._jdf.schema()
    if table.cluster_by:
        stated["delta.feature.clustering"] = "supported"
    if STATISTICS in stated:
        checks = java_class(jvm, f"{DELTA}.stats.StatisticsCollection")
        checks.validateDeltaStatsColumns(schema, seq(jvm, table.partition_by), stated[STATISTICS])
    given = {
        1: begun.name or _path_name(begun),
        2: kind(begun),
        3: begun.existing.storage() if begun.existing is not None else _storage(begun),
        4: schema,
        5: some(jvm, "delta"),
        6: seq(jvm, table.partition_by),
        12: _spelled(jvm, stated),
        15: some(jvm, table.comment),
    }
    made = java_class(jvm, f"{CATALOG}.CatalogTable")
    described = made.apply(*[argument(given, made, "apply", at) for at in range(1, FIELDS + 1)])
    return _with_dependencies(begun, described)


def _spelled(jvm: Any, stated: Mapping[str, str]) -> Any:
    """Properties as Delta spells them. Raises what Delta raises for those behind ``delta.`` that it does not know, but
    for those of files, which other writers know, and runs."""
    ours = {name: value for name, value in stated.items() if name.lower() in file_properties.BOTH}
    rest = {name: value for name, value in stated.items() if name not in ours}
    known = java_class(jvm, f"{DELTA}.DeltaConfigs").validateConfigurations(scala_map(jvm, rest))
    return scala_map(jvm, {**java_map(jvm, known), **ours}) if ours else known


def _with_dependencies(begun: Transaction, described: Any) -> Any:
    """With the properties that others bring along."""
    formats = java_class(java(begun.spark), f"{DELTA}.UniversalFormat")
    properties = formats.enforceDependenciesInConfiguration(
        java_session(begun.spark), described, described.properties(), begun.txn.snapshot()
    )
    if properties.equals(described.properties()):
        return described
    return described.copy(*[argument({12: properties}, described, "copy", at) for at in range(1, FIELDS + 1)])


def _path_name(begun: Transaction) -> Any:
    jvm = java(begun.spark)
    return java_class(jvm, "org.apache.spark.sql.catalyst.TableIdentifier")(begun.location, some(jvm, "delta"))


def kind(begun: Transaction) -> Any:
    if begun.existing is not None:
        return begun.existing.tableType()
    kinds = java_class(java(begun.spark), f"{CATALOG}.CatalogTableType")
    return kinds.EXTERNAL() if begun.name is None else kinds.MANAGED()


def _storage(begun: Transaction) -> Any:
    empty = java_class(java(begun.spark), f"{CATALOG}.CatalogStorageFormat").empty()
    location = some(java(begun.spark), begun.log.dataPath().toUri())
    return empty.copy(*[argument({1: location}, empty, "copy", at) for at in range(1, 8)])


def metadata(begun: Transaction, table: NewTable, described: Any) -> Any:
    """The new metadata of a table that is there; of a new one Delta's writer makes it from the same parts."""
    jvm, properties = java(begun.spark), java_map(java(begun.spark), described.properties())
    metadata = {
        "id": str(uuid.uuid4()),
        "description": table.comment,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": _schema(begun, table, properties),
        "partitionColumns": list(table.partition_by),
        "configuration": properties,
        "createdTime": int(time.time() * 1000),
    }
    return java_class(jvm, f"{DELTA}.actions.Action").fromJson(json.dumps({"metaData": metadata}))


def _schema(begun: Transaction, table: NewTable, properties: Mapping[str, str]) -> str:
    """In JSON. With column mapping and a change feed columns stay what they were in files: Delta takes new names of
    theirs for columns that were dropped, and refuses the commit."""
    schema = str(table.rows._jdf.schema().asNullable().json())
    there = json.loads(begun.txn.metadata().json())["metaData"]
    same = column_mapping.stated(properties, MODE) == column_mapping.stated(there["configuration"], MODE)
    if not same or not column_mapping.has_mapped_feed(properties):
        return schema
    return json.dumps(column_mapping.named_as_before(json.loads(schema), json.loads(there["schemaString"])))
