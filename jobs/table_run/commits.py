"""The commit of a run: all rows of the target anew with their record, or more rows, or those of some partitions, under
the record that is there."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from jobs.gates.known import Prepared
from jobs.lake import grow, replace, shapes
from jobs.lake.delta_commit import Files
from jobs.lake.record_names import RECORD
from jobs.lake.replace import Commit
from jobs.table_run import comments
from jobs.table_run.aside import Aside
from jobs.table_run.written import properties


def committed(
    prepared: Prepared, treated: DataFrame, record: Mapping[str, str], aside: Aside, files: Files | None = None
) -> Commit:
    """Commit treated rows as the run's mode says. record: the table properties that hold it. aside: what was, or is by
    then, set aside of the source's rows. files: who writes them, where it is not Spark; then only the schema of
    ``treated`` counts."""
    spark, target, stands = prepared.spark, prepared.entry.target, prepared.target
    if prepared.source.gained:
        restated = _restated(prepared, record)
        return grow.grow(spark, treated, stands, target.partition_by, aside.expected, files, restated)
    if prepared.source.chosen is not None:
        where = prepared.source.chosen.where
        by = target.partition_by
        return grow.replace_partitions(spark, treated, stands, by, where, aside.expected, aside.stands_alone, files)
    if files is None:
        treated = comments.of_columns(treated, stands.before)
    else:
        treated = shapes.without_rows(spark, comments.in_schema(treated.schema, stands.before))
    comment, stated = comments.of_table(treated, stands.before, record), properties(prepared, record)
    return replace.replace(spark, treated, target, stands, stated, comment, aside.run_id, files, aside.expected)


def _restated(prepared: Prepared, record: Mapping[str, str]) -> Mapping[str, str] | None:
    """The record, where rows that were set aside are treated by wider rules than those that it states."""
    states_it = prepared.target.properties.get(RECORD) == record[RECORD]
    return None if states_it or not prepared.allowed.requeue else record
