"""What Spark says of the tables and folders that rows are read from, from the plan alone: no row is read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.lake import log_replay
from jobs.lake.record_names import PRIVACY, RECORD

_KINDS: dict[str, frozenset[str]] = {}
"""Whole name of a class -> the names of it and of what it is made from."""


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One table or folder. version: of a Delta table. columns: those that the files hold, where they are files."""

    schema: T.StructType
    partitions: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    version: int | None = None
    has_record: bool = False
    reader: str = ""
    """Spark's class that reads the files, where they are files."""
    log_size: int | None = None
    """Of a Delta table, as `log_replay.size`."""

    @property
    def is_treated(self) -> bool:
        """Whether it carries the record of a treatment, in its properties or on any field."""
        return self.has_record or _has_entry(self.schema.jsonValue())


def of(rows: DataFrame) -> list[Leaf]:
    """All that the rows come from; of a view what is under it."""
    leaves = rows._jdf.queryExecution().analyzed().collectLeaves()
    return [_leaf(leaves.apply(at)) for at in range(leaves.size())]


def relations(rows: DataFrame) -> list[Any]:
    """Spark's own relation of files for each leaf; None for a leaf of another kind."""
    leaves = rows._jdf.queryExecution().analyzed().collectLeaves()
    return [_relation(leaves.apply(at)) for at in range(leaves.size())]


def is_whole(rows: DataFrame) -> bool:
    """Whether they are all rows of one table or folder, none left out or made anew; so they are no view's."""
    node = rows._jdf.queryExecution().analyzed()
    while is_a(node, "Project") or is_a(node, "SubqueryAlias"):  # by these `jobs.lake.read` takes metadata off
        node = node.child()
    return is_a(node, "LogicalRelation")


def _relation(node: Any) -> Any:
    if not is_a(node, "LogicalRelation") or not is_a(node.relation(), "HadoopFsRelation"):
        return None
    return node.relation()


def schema_of(schema: Any) -> T.StructType:
    """A schema of the JVM, metadata included."""
    return T.StructType.fromJson(json.loads(schema.json()))


def _leaf(node: Any) -> Leaf:
    schema, relation = schema_of(node.schema()), _relation(node)
    if is_a(node, "HiveTableRelation"):
        partitions = node.partitionCols()
        names = tuple(str(partitions.apply(at).name()) for at in range(partitions.size()))
        return Leaf(schema, names, has_record=bool(node.tableMeta().properties().contains(RECORD)))
    if relation is None:
        return Leaf(schema)
    table = node.catalogTable()
    found = Leaf(
        schema,
        tuple(schema_of(relation.partitionSchema()).names),
        tuple(schema_of(relation.dataSchema()).names),
        has_record=bool(table.isDefined() and table.get().properties().contains(RECORD)),
        reader=str(relation.fileFormat().getClass().getSimpleName()),
    )
    return _with_index(found, relation.location())


def _with_index(found: Leaf, index: Any) -> Leaf:
    if is_a(index, "TahoeFileIndex"):
        has_record = found.has_record or bool(index.metadata().configuration().contains(RECORD))
        snapshot = snapshot_of(index)
        size = log_replay.size(snapshot)
        return dataclasses.replace(found, version=int(snapshot.version()), has_record=has_record, log_size=size)
    if is_a(index, "InMemoryFileIndex"):
        paths = index.rootPaths()
        return dataclasses.replace(found, roots=tuple(paths.apply(at).toString() for at in range(paths.size())))
    return found


def snapshot_of(index: Any) -> Any:
    """Delta's own description of the version that an index is of: of all its files, or of some (`jobs.lake.gained`)."""
    return index.snapshot() if is_a(index, "TahoeBatchFileIndex") else index.getSnapshot()


def is_a(thing: Any, name: str) -> bool:
    """Whether a class of the JVM is called so, or a class that it is made from."""
    kind = thing.getClass()
    known = str(kind.getName())
    if known not in _KINDS:
        _KINDS[known] = frozenset(_kinds(kind))
    return name in _KINDS[known]


def _kinds(kind: Any) -> Iterator[str]:
    while kind is not None:
        yield str(kind.getSimpleName())
        kind = kind.getSuperclass()


def _has_entry(data: Any) -> bool:
    """Whether any field of a schema, given as JSON, carries an entry of a treatment record."""
    if isinstance(data, list):
        return any(map(_has_entry, data))
    if not isinstance(data, dict):
        return False
    metadata = data.get("metadata")
    told = metadata.get(PRIVACY) if isinstance(metadata, dict) else None
    if isinstance(told, dict) and any(isinstance(entry.get("technique"), str) for entry in _entries(told)):
        return True
    return any(_has_entry(value) for name, value in data.items() if name != "metadata")


def _entries(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield told
    yield from (entry for entry in told.values() if isinstance(entry, dict))
