"""The commit that puts rows to those that a table has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.lake.active_session import active
from jobs.lake.delta_commit import before_commit
from jobs.lake.delta_commit.files import Files, actions_of, measure, metric, number_added, place
from jobs.lake.delta_commit.log_files import quickly_written
from jobs.lake.delta_commit.marks import APPLICATION, Written, check_place, check_stands, marked
from jobs.lake.delta_commit.scala import DELTA, argument, java, java_class, java_session, scala_map, scala_object, some
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.delta_commit.writer import writer
from jobs.lake.record_names import PRIVACY

WRITE_FIELDS = 9
"""Of Delta's operation ``WRITE``."""


def append(
    begun: Transaction,
    rows: DataFrame,
    run_metadata: Callable[[int, int], str],
    files: Files | None = None,
    restated: Mapping[str, str] | None = None,
) -> Written:
    """Write the rows and commit them beside those that the table has. Arguments and errors as of `replace`.

    rows: of the table's own schema. restated: properties that the table is to have from then on, and with them what the
    fields of ``rows`` say under `PRIVACY`; None: nothing else of the table is changed. The whole table counts as read,
    so that a commit by which others added, changed or took away rows since the transaction began is a conflict.
    """
    with marked(begun.spark, begun.version), active(begun.spark):
        check_place(begun)
        begun.txn.readWholeTable()
        if restated is not None:
            _restate(begun, rows.schema, restated)
        actions, tags = added(begun, rows, files)
        before_commit.look(begun, actions)
        before_commit.state(begun)
        check_place(begun)
        return committed(begun, actions, tags, "Append", run_metadata)


def _restate(begun: Transaction, schema: T.StructType, properties: Mapping[str, str]) -> None:
    told = json.loads(begun.txn.metadata().json())["metaData"]
    stored = json.loads(told["schemaString"])
    say(stored, schema.jsonValue())
    told["schemaString"] = json.dumps(stored)
    told["configuration"] = {**told["configuration"], **properties}
    made = java_class(java(begun.spark), f"{DELTA}.actions.Action").fromJson(json.dumps({"metaData": told}))
    begun.txn.updateMetadata(made, False)


def say(stored: Any, wanted: Any) -> None:
    """Put what the fields of a type say under `PRIVACY` on those of another one of the same shape, as JSON has them."""
    if not isinstance(stored, dict):
        return
    if stored["type"] == "struct":
        pairs: Sequence[tuple[Any, Any]] = list(zip(stored["fields"], wanted["fields"], strict=True))
        for field, other in pairs:
            said = {name: value for name, value in other["metadata"].items() if name == PRIVACY}
            field["metadata"] = {**{k: v for k, v in field["metadata"].items() if k != PRIVACY}, **said}
            say(field["type"], other["type"])
    for part in ("elementType", "keyType", "valueType"):
        if part in stored:
            say(stored[part], wanted[part])


def _application() -> str:
    return APPLICATION


def added(
    begun: Transaction, rows: DataFrame, files: Files | None, application: Callable[[], str] = _application
) -> tuple[Any, Any]:
    """Write rows of the table's own schema; the actions by which they become part of it, and the commit's tags.
    application: of the mark, asked for when files were written by others; Delta's writer takes that of the session."""
    jvm = java(begun.spark)
    no_tags = scala_map(jvm, {})
    if files is not None:
        made = files(place(begun))
        measure(begun, made, ())
        return actions_of(begun, made, application()), no_tags
    data = writer(begun, rows, "Append", (), no_tags).writeAndReturnCommitData(
        begun.txn, java_session(begun.spark), jvm.scala.Option.empty(), False
    )
    return data.actions(), data.stringTags()


def committed(
    begun: Transaction,
    actions: Any,
    tags: Any,
    mode: str,
    run_metadata: Callable[[int, int], str],
    predicate: str | None = None,
) -> Written:
    """Commit actions as Delta's operation ``WRITE``. mode, predicate: what the table's history says of it."""
    rows, files = metric(begun, "numOutputRows"), number_added(begun, actions)
    told = run_metadata(rows, files)
    operation = _operation(begun, mode, told, predicate)
    with quickly_written(begun):
        begun.is_asked_for.set()
        version = int(begun.txn.commit(actions, operation, tags))
    check_stands(begun, version, told)
    return Written(version, rows, files)


def _operation(begun: Transaction, mode: str, run_metadata: str, predicate: str | None) -> Any:
    jvm = java(begun.spark)
    made = scala_object(jvm, f"{DELTA}.DeltaOperations$Write")
    given = {1: getattr(jvm.org.apache.spark.sql.SaveMode, mode), 3: some(jvm, predicate), 4: some(jvm, run_metadata)}
    return made.apply(*[argument(given, made, "apply", at) for at in range(1, WRITE_FIELDS + 1)])
