"""The commit that puts the rows of a table, written anew, in the place of all its files; the table stays the same one.

It keeps its id, columns and their physical names, partitioning, clustering, constraints and properties, but for what is
stated; so what goes on from it, or from its record, goes on. And the commit that states properties alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.lake.active_session import active
from jobs.lake.delta_commit import before_commit
from jobs.lake.delta_commit.append_rows import added, committed, say
from jobs.lake.delta_commit.files import measure_removed
from jobs.lake.delta_commit.marks import Written, check_place, marked
from jobs.lake.delta_commit.replace_files import removals
from jobs.lake.delta_commit.scala import DELTA, java, java_class, scala_map, seq
from jobs.lake.delta_commit.transaction import Transaction

Properties = Mapping[str, str | None]
"""What a table is to say from then on; None of what it is to say no more."""


def rewrite(
    begun: Transaction,
    rows: DataFrame,
    schema: T.StructType,
    properties: Properties,
    run_metadata: Callable[[int, int], str],
) -> Written:
    """Write the rows and commit them in the place of all files. Arguments and errors as of `replace`.

    rows: of the table's own columns. schema: the same columns, with what their fields are to say under `PRIVACY`.
    Whatever others commit since the transaction began, and that changes rows or metadata, is a conflict.
    """
    with marked(begun.spark, begun.version), active(begun.spark):
        check_place(begun)
        begun.txn.readWholeTable()
        found = begun.txn.filterFiles()
        removed = [found.apply(at) for at in range(found.size())]
        begun.txn.updateMetadata(_restated(begun, properties, schema), False)
        actions, tags = added(begun, rows, None)
        measure_removed(begun, [int(file.size()) for file in removed])
        actions = actions.appendedAll(removals(begun, removed))
        before_commit.look(begun, actions, replaces_all=True)
        before_commit.state(begun)
        check_place(begun)
        return committed(begun, actions, tags, "Overwrite", run_metadata)


def state_properties(begun: Transaction, properties: Mapping[str, str]) -> int:
    """Commit properties and nothing else; returns the version. Raises what Delta raises at a conflict: not where others
    only add or remove files meanwhile."""
    with active(begun.spark):
        begun.txn.updateMetadata(_restated(begun, properties, None), False)
        jvm = java(begun.spark)
        operation = java_class(jvm, f"{DELTA}.DeltaOperations$SetTableProperties")(scala_map(jvm, properties))
        return int(begun.txn.commit(seq(jvm, []), operation, scala_map(jvm, {})))


def withdraw_properties(begun: Transaction, names: list[str]) -> int:
    """The same for properties that are to go."""
    with active(begun.spark):
        begun.txn.updateMetadata(_restated(begun, dict.fromkeys(names), None), False)
        jvm = java(begun.spark)
        operation = java_class(jvm, f"{DELTA}.DeltaOperations$UnsetTableProperties")(seq(jvm, names), True)
        return int(begun.txn.commit(seq(jvm, []), operation, scala_map(jvm, {})))


def _restated(begun: Transaction, properties: Properties, schema: T.StructType | None) -> Any:
    told = json.loads(begun.txn.metadata().json())["metaData"]
    if schema is not None:
        stored = json.loads(told["schemaString"])
        say(stored, schema.jsonValue())
        told["schemaString"] = json.dumps(stored)
    stated = {**told["configuration"], **properties}
    told["configuration"] = {name: value for name, value in stated.items() if value is not None}
    return java_class(java(begun.spark), f"{DELTA}.actions.Action").fromJson(json.dumps({"metaData": told}))
