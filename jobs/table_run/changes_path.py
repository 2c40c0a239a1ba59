"""Spark's path for what changed in a source: the target's files that hold such rows are written anew."""

from __future__ import annotations

import dataclasses

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columnar.set_aside import MOST_ROWS
from jobs.console.exit_codes import Refused
from jobs.gates.known import Prepared
from jobs.lake import change, shapes
from jobs.lake.changed import AFTER, TYPE
from jobs.lake.replace import Commit
from jobs.lake.session_settings import held
from jobs.table_run import file_settings, reconciled, refused_rows, spark_path, waiting, whereabouts
from jobs.table_run.aside import Aside
from jobs.table_run.changed_keys import THERE, ChangedKeys
from jobs.table_run.reconciled import Moves
from jobs.table_run.result import by_column
from jobs.table_run.selection import Selection
from jobs.table_run.written import Written

WHY = "rows that changed are put among others"
"""Why it is not the columnar path."""


def written(prepared: Prepared, selection: Selection, aside: Aside) -> Written:
    """Treat what changed and commit it. aside: where rows are set aside that cannot be treated, and what stands there.
    Raises `Refused` where the columnar path was asked for."""
    spark, plan, target, execution = prepared.spark, prepared.plan, prepared.target, prepared.entry.execution
    if execution == "columnar":
        raise Refused(f"{prepared.table}: execution: columnar is asked for, and {WHY}")
    not_columnar = None if execution == "spark" else WHY
    change.check(shapes.without_rows(spark, selection.schema()), target, prepared.entry.target.partition_by)
    try:
        waits = waiting.opened(prepared, selection, aside) if aside.before.runs else None
        changed = ChangedKeys(prepared, selection, waits)
        if prepared.kept_out is not None:
            aside.kept_out = prepared.kept_out.left(changed.feed.rows.where(F.col(TYPE).isin(*AFTER)))[1]
        moves = reconciled.moves(changed)
        waiting.take_out(aside, changed.all_aside, changed.taken_out())
        left, moves = _left(changed, moves, selection, aside)
        with spark_path.counted(prepared, aside, not_columnar, moves.counts) as counts:
            selection = dataclasses.replace(selection, counts=counts)
            with held(spark, file_settings.of(prepared)):
                commit = _committed(changed, moves, left, selection)
    except (PySparkException, Py4JError) as error:
        raise whereabouts.located(error, prepared.source, selection) or error from None
    return Written(commit, by_column(plan, counts.value), "spark", not_columnar, moves.counts)


def _left(changed: ChangedKeys, moves: Moves, selection: Selection, aside: Aside) -> tuple[DataFrame, Moves]:
    """The rows to put that are left, and what then becomes of the target, once those that are refused are set aside. A
    row of the target whose new version is refused leaves it."""
    put = changed.rows_to_put(all_stay=not moves.stale)
    refusal = None if aside.seal is None else selection.refusal(MOST_ROWS)
    if refusal is None or aside.seal is None:
        return put, moves
    refused = refused_rows.found(changed.rows_to_put_told(), refusal, selection, aside.seal, THERE)
    aside.put(refused, moves.inserted + moves.updated)
    there = sum(row[THERE] for row in refused)
    return put.where(refusal.isNull()), moves.without(there, len(refused) - there)


def _committed(changed: ChangedKeys, moves: Moves, left: DataFrame, selection: Selection) -> Commit:
    spark, target = changed.prepared.spark, changed.prepared.target
    touched = change.touched(spark, target, moves.places)
    new = selection.rows(left)
    rows = changed.rows_to_keep(touched.rows).union(new) if touched.files else new
    expected = touched.rows.count() - moves.deleted + moves.inserted if touched.files else moves.inserted
    return change.change(spark, rows, target, touched.files, expected)
