"""Which partitions a run writes anew: a predicate over partition columns, which whoever runs it gives for this run.

It must mean the same of the source's rows and of the target's partitions, so it names partition columns that are kept
as they are, and nothing else. It may hold values, so no message shows it or a name that stands in it and is no column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.console.exit_codes import BadUsage
from jobs.lake.chosen import Chosen
from jobs.lake.read import SourceRows
from jobs.treatment import layout, predicates
from jobs.treatment.treatment_plan import Plan

INSTEAD = "or treat all rows, with --mode full"


def check_asked(name: str, mode: str, where: str | None) -> None:
    """Raise `BadUsage` where a mode and a predicate do not belong together. name: of the table."""
    if mode == "partitions" and where is None:
        raise BadUsage(f"{name}: mode: partitions needs --where, which says which partitions are written; {INSTEAD}")
    if mode != "partitions" and where is not None:
        raise BadUsage(f"{name}: --where belongs to mode: partitions, and the mode is {mode}: add --mode partitions")


def chosen(source: SourceRows, plan: Plan) -> SourceRows:
    """The rows that the predicate is true for. Raises `BadUsage`, with the column and what to do."""
    where = plan.config.where
    assert where is not None, "looked at before the plan is made"
    columns = _columns(source, plan, where)
    texts = tuple(name for name in columns if isinstance(source.rows.schema[name].dataType, T.StringType))
    choice, places = Chosen(where, columns, texts, source.rows), source.places
    return dataclasses.replace(
        source,
        rows=choice.among(source.rows),
        places=None if places is None else lambda: choice.among(places()),
        position=None,
        count=None,
        chosen=choice,
    )


def _columns(source: SourceRows, plan: Plan, where: str) -> tuple[str, ...]:
    """The columns that the predicate names."""
    try:
        understood = predicates.condition(source.rows, where)
    except PySparkException as error:
        raise BadUsage(f"{plan.table}: --where: {_told(error)}") from None
    problem = predicates.refusal(source.rows, understood)
    if problem is not None:
        raise BadUsage(f"{plan.table}: --where: {problem}")
    columns = predicates.named(understood)
    for problem in _misfits(plan, columns):
        raise BadUsage(f"{plan.table}: --where {problem}; {INSTEAD}")
    return columns


def _told(error: PySparkException) -> str:
    if (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
        return "it names a column that the source does not have (a text stands in single quotes)"
    return predicates.told(error, ())


def _misfits(plan: Plan, columns: Sequence[str]) -> Iterator[str]:
    """Why the target's partitions cannot be chosen by these columns of the source."""
    by = plan.config.target.partition_by
    outputs = {str(leaf.path): leaf.output for leaf in plan.leaves}
    partitions = {layout.path_of(name, outputs) for name in by}
    if not by:
        yield "chooses partitions, and the target has none: state partition_by"
    if not columns:
        yield f"names no column: name some of {', '.join(by)}"
    for name in columns:
        path = ColumnPath((Field(name),))
        if str(path) not in partitions:
            yield f"names column {path}, by which the target is not partitioned: name some of {', '.join(by)}"
        elif not all(case.treatment.technique.keeps_values for case in plan.by_path[path].cases):
            yield f"names column {path}, whose values are other ones in the target, since it is treated: name another"
