"""Predicates over the partition columns of a table: which of its files they hold for, as Delta itself sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import types as T

from jobs.lake.active_session import active
from jobs.lake.delta_commit.scala import DELTA, java, java_class, scala_object, seq
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.java import as_python
from privacy_udfs.errors import UnexpectedFailure

LITERALS = "org.apache.spark.sql.catalyst.expressions.Literal"


def files_where(begun: Transaction, where: str) -> list[Any]:
    """Delta's ``AddFile`` objects of the partitions that a predicate is true for. These partitions, and no others,
    count as read in the transaction: files that others put into them in between are a conflict.

    where: SQL over partition columns alone, judged before (`jobs.treatment.predicates`).
    """
    with active(begun.spark):
        found = begun.txn.filterFiles(seq(java(begun.spark), [_condition(begun, where)]), False)
    return [found.apply(at) for at in range(found.size())]


def check_inside(begun: Transaction, actions: Any, where: str) -> None:
    """Raise `UnexpectedFailure` where an action adds a file to a partition that the predicate is not true for."""
    told = (action.get("partitionValues") for action in as_python(java(begun.spark), actions))
    values = _distinct(each for each in told if each is not None)
    if _number_inside(begun, values, where) != len(values):
        raise UnexpectedFailure("rows were written to other partitions than those that they were to replace")


def is_any_inside(begun: Transaction, partitions: Iterable[Mapping[str, str | None]], where: str) -> bool:
    """Whether the predicate is true for any of some partitions, given as the log has them."""
    with active(begun.spark):
        return _number_inside(begun, _distinct(partitions), where) > 0


def _distinct(partitions: Iterable[Mapping[str, str | None]]) -> set[str]:
    return {json.dumps(each, sort_keys=True) for each in partitions}


def _number_inside(begun: Transaction, values: set[str], where: str) -> int:
    jvm, schema = java(begun.spark), begun.txn.snapshot().metadata().partitionSchema()
    files = begun.spark.createDataFrame([(json.loads(each),) for each in values], "partitionValues map<string, string>")
    logs, condition = java_class(jvm, f"{DELTA}.DeltaLog"), seq(jvm, [_condition(begun, where)])
    return int(logs.filterFileList(schema, files._jdf, condition, seq(jvm, []), True).count())


def _condition(begun: Transaction, where: str) -> Any:
    """The predicate with the types of the table's columns, in Spark's own plainest form: Delta puts the values of
    partitions in the place of columns, and some forms (BETWEEN) do not bear that."""
    schema = T.StructType.fromJson(json.loads(begun.txn.snapshot().metadata().partitionSchema().json()))
    rows = begun.spark.createDataFrame(begun.spark.sparkContext.emptyRDD(), schema)
    literals = scala_object(java(begun.spark), LITERALS)
    all_of_them, plan = (each._jdf.queryExecution().optimizedPlan() for each in (rows, rows.where(where)))
    kinds = tuple(str(each.getClass().getSimpleName()) for each in (all_of_them, plan))
    if kinds == ("LogicalRDD", "Filter"):
        return plan.condition()
    if kinds == ("LogicalRDD", "LogicalRDD"):  # true whatever the values are
        return literals.TrueLiteral()
    if kinds == ("LogicalRDD", "LocalRelation"):
        return literals.FalseLiteral()
    raise UnexpectedFailure("Spark does not say which partitions the predicate is true for")
