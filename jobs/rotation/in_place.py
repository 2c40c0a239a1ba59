"""Chosen columns of a treated table written anew from the table itself, in one commit with the record that then holds.

No source is opened. Rows, the order in which they tell nothing, partitions, comments, constraints, statistics, names in
files, and the place in the source stay; so incremental runs, streams and runs that follow changes go on from it. What
becomes of a column's values is for a technique to say that stands in the place of one (`Change`), on whole arrays.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, When
from jobs.configuration.documents import canonical_json
from jobs.console.exit_codes import Refused
from jobs.lake import delta_commit, log_counts, log_replay, promises, replace
from jobs.lake.address import Address
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.lake.history import ROTATION
from jobs.lake.log_commits import Commit as Told
from jobs.lake.problems import CannotGrow
from jobs.lake.record_names import PRIVACY, RECORD
from jobs.lake.replace import USER_METADATA, Commit
from jobs.lake.session_settings import held
from jobs.lake.state import TargetState
from jobs.record import field_metadata, measured_risk, treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import columns_of
from jobs.table_run import file_settings, row_order
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import AnyReference
from privacy_udfs.nested import ByRow, Kept, Leaf, ListNode, MapNode, Node, StructNode, beside
from privacy_udfs.technique import Technique, plain_type
from privacy_udfs.udf import tree_udf

OF_RUN = ("run_id", "rows", "files", "rotation", "execution", "not_columnar", "changed")
"""Of what the run before says in its commit, what is of that commit alone."""
MOST = 5
NOT_THERE_AGAIN = "treat the table anew from its source (--mode source)"


@dataclasses.dataclass(frozen=True)
class Change:
    """What becomes of one leaf column. technique: stands in the place of one in a tree of treatments, as
    `privacy_udfs.reencryption.Reencryption` does: it takes whole Arrow arrays of the values that are there, and gives
    values of the same type. key: what its ``apply`` is given, once it is resolved. record: what is to be recorded of
    the column from then on. join: gives rows what the technique looks at besides (`Facts.beside`)."""

    technique: Technique
    key: AnyReference | None
    record: ColumnRecord
    join: Callable[[DataFrame], DataFrame] | None = None


Changes = Mapping[ColumnPath, Change]


@dataclasses.dataclass(frozen=True)
class Rewritten(Commit):
    """properties: of the table as the commit made it."""

    properties: Mapping[str, str]


def check(stands: TargetState, changes: Changes) -> Told:
    """The commit of the run that wrote the table last. Raises `Refused` with what is against it: then nothing can be
    written anew from the table alone."""
    name, begun = stands.name, stands.transaction
    if begun is None or stands.version < 0:
        raise Refused(f"{name} is not there, or out of reach of Delta's own transaction")
    if stands.version in stands.raw_versions:
        raise Refused(f"{name} holds rows that no run of this job wrote: {NOT_THERE_AGAIN}")
    try:
        last = stands.last_run()
    except CannotGrow as error:
        raise Refused(f"{str(error).partition(': ')[0]}: {NOT_THERE_AGAIN}") from None
    broken = [each for each in promises.breakable(stands) if "generated" in each or "identity" in each]
    if broken:
        raise Refused(f"columns of {name} are made by Delta itself ({', '.join(broken[:MOST])}): {NOT_THERE_AGAIN}")
    record = columns_of(stands.properties)
    for path in changes:
        if str(path) not in record or path.is_in_json or any(isinstance(step, When) for step in path.steps):
            raise Refused(f"{name}: {path} is no whole column of its record, and cannot be written anew by itself")
    _tree(stands.name, stands.before.schema, changes)
    return last


def rewritten(
    spark: SparkSession,
    stands: TargetState,
    table: str,
    changes: Changes,
    run_id: str,
    said: Mapping[str, Any],
    *,
    properties: Mapping[str, str | None] = {},
    shuffled: bool = True,
    at_last: Callable[[], None] | None = None,
) -> Rewritten:
    """Write the columns anew and commit, if the table is still as inspected; else raise `CommitConflict`.

    spark: a session of its own (`session.for_run`), in which the state was inspected. table: its name, for messages.
    said: what the commit says of it, under ``rotation``. properties: that the table is to have besides its record; None
    of one that is to go. shuffled: whether rows of a task change places, so that nobody can put the older version's
    beside them. at_last: raises what stops the commit, once all is written. Raises what `check` raises.
    """
    last, begun = check(stands, changes), stands.transaction
    assert begun is not None
    if at_last is not None:
        begun = dataclasses.replace(begun, at_last=at_last)
        stands = dataclasses.replace(stands, transaction=begun)
    schema, stated = _schema(stands, changes), {**_record(stands, changes, run_id), **properties}
    told = {**{k: v for k, v in last.run.items() if k not in OF_RUN}, "mode": ROTATION, "run_id": run_id}
    told["rotation"] = {**said, "mode": last.source_mode or "full"}
    there = Address(path=begun.location).read(spark, {"versionAsOf": str(stands.version)})
    expected, rows = log_counts.of(there), _rows(there, table, changes, shuffled)
    spark.conf.set(USER_METADATA, json.dumps(told, ensure_ascii=False))

    def metadata(rows: int, files: int) -> str:
        return replace.run_metadata(spark, lambda: expected, rows, files)

    with held(spark, _settings(spark, stands, changes)), replace.conflicts_told(stands):
        written = delta_commit.rewrite(begun, rows, schema, stated, metadata)
    kept = {**stands.properties, **stated}
    told_by_table = {name: value for name, value in kept.items() if value is not None}
    return Rewritten(written.version, written.rows, written.files, told_by_table)


def _settings(spark: SparkSession, stands: TargetState, changes: Changes) -> dict[str, str]:
    told = file_settings.as_it_stands(stands.before.schema, stands.properties, _entries(stands, changes))
    return {**log_replay.settings(spark, [stands.log_size]), **told}


# -- the record -------------------------------------------------------------------------------------------------------


def _entries(stands: TargetState, changes: Changes) -> dict[ColumnPath, ColumnRecord]:
    found = {ColumnPath.parse(path): entry for path, entry in columns_of(stands.properties).items()}
    return {**found, **{path: change.record for path, change in changes.items()}}


def _record(stands: TargetState, changes: Changes, run_id: str) -> dict[str, str]:
    """The record as it stands, but for the columns that change; and what was measured, which stays true."""
    record = json.loads(stands.properties[RECORD])
    record["columns"] |= {str(path): change.record.as_json() for path, change in changes.items()}
    risk = measured_risk.carried(stands.properties, run_id, stands.version + 1)
    return {RECORD: treatment_record.shown(canonical_json(record)), **risk}


def _schema(stands: TargetState, changes: Changes) -> T.StructType:
    """The table's own, each field with what the record then says of it."""
    return _restated(ColumnPath(()), stands.before.schema, _entries(stands, changes))  # type: ignore[return-value]


def _restated(path: ColumnPath, given: T.DataType, entries: Mapping[ColumnPath, ColumnRecord]) -> T.DataType:
    if isinstance(given, T.StructType):
        return T.StructType([_field(path.child(Field(each.name)), each, entries) for each in given.fields])
    if isinstance(given, T.ArrayType):
        return T.ArrayType(_restated(path.child(Element()), given.elementType, entries), given.containsNull)
    if isinstance(given, T.MapType):
        key = _restated(path.child(MapKey()), given.keyType, entries)
        return T.MapType(key, _restated(path.child(MapValue()), given.valueType, entries), given.valueContainsNull)
    return given


def _field(path: ColumnPath, field: T.StructField, entries: Mapping[ColumnPath, ColumnRecord]) -> T.StructField:
    kept = {name: value for name, value in field.metadata.items() if name != PRIVACY}
    metadata = {**kept, **field_metadata.of_field(path, entries)}
    return T.StructField(field.name, _restated(path, field.dataType, entries), field.nullable, metadata)


# -- the rows ---------------------------------------------------------------------------------------------------------


def columns(rows: DataFrame, table: str, changes: Changes) -> DataFrame:
    """The rows with what would be written of them; of some columns of a table, too."""
    return _rows(rows, table, changes, shuffled=False)


def _rows(there: DataFrame, table: str, changes: Changes, shuffled: bool) -> DataFrame:
    columns = [_column(field, table, changes) for field in there.schema.fields]
    for change in changes.values():
        there = there if change.join is None else change.join(there)
    return row_order.shuffled(there, columns) if shuffled else there.select(*columns)


def _column(field: T.StructField, table: str, changes: Changes) -> Column:
    path = ColumnPath((Field(field.name),))
    node = _walk(path, field.dataType, table, changes)
    if isinstance(node, Kept):
        return column(field.name)
    value, others = column(field.name), beside(node)
    if others:
        node = ByRow(node, (), others)
        found = [column(*ColumnPath.parse(each).names).alias(f"beside_{at}") for at, each in enumerate(others)]
        value = F.struct(value.alias("column"), *found)
    return tree_udf(node, bare(field.dataType), mark=wording.mark())(value).alias(field.name)


def _tree(table: str, schema: T.StructType, changes: Changes) -> Node:
    """Raises `Refused` for a column that is not there, or of which another type would come."""
    found: set[ColumnPath] = set()
    node = _walk(ColumnPath(()), schema, table, changes, found)
    missing = [str(path) for path in changes if path not in found]
    if missing:
        raise Refused(f"{table}: the treated table has no {', '.join(missing[:MOST])}, which its record names")
    return node


def _walk(
    path: ColumnPath, given: T.DataType, table: str, changes: Changes, found: set[ColumnPath] | None = None
) -> Node:
    if path in changes:
        if found is not None:
            found.add(path)
            _check_type(path, given, table, changes[path])
        return Leaf(f"{table}: {path}", changes[path].technique, changes[path].key)
    if isinstance(given, T.StructType):
        below = {
            each.name: _walk(path.child(Field(each.name)), each.dataType, table, changes, found)
            for each in given.fields
        }
        return _or_kept(StructNode(below), *below.values())
    if isinstance(given, T.ArrayType):
        element = _walk(path.child(Element()), given.elementType, table, changes, found)
        return _or_kept(ListNode(element), element)
    if isinstance(given, T.MapType):
        key = _walk(path.child(MapKey()), given.keyType, table, changes, found)
        value = _walk(path.child(MapValue()), given.valueType, table, changes, found)
        return _or_kept(MapNode(key, value), key, value)
    return Kept()


def _or_kept(node: Node, *children: Node) -> Node:
    return Kept() if all(isinstance(each, Kept) for each in children) else node


def _check_type(path: ColumnPath, given: T.DataType, table: str, change: Change) -> None:
    try:
        made = change.technique.output_type(plain_type(to_arrow_type(given, timezone="UTC")))
        same = from_arrow_type(made, prefer_timestamp_ntz=True).simpleString() == given.simpleString()
    except LakenymError as error:
        raise Refused(f"{table}: {path}: {error}") from None
    if not same:
        raise Refused(f"{table}: {path} is {given.simpleString()} and would become another type")
