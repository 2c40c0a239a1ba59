"""Spark's path: one select that treats all columns in Arrow UDFs, written by Delta. It takes every table."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping

from py4j.protocol import Py4JError
from pyspark.accumulators import Accumulator
from pyspark.errors import PySparkException

from jobs.gates.known import Prepared
from jobs.lake import replace
from jobs.spark_app import session
from jobs.table_run import comments, whereabouts
from jobs.table_run.result import by_column
from jobs.table_run.selection import Selection
from jobs.table_run.written import Written, properties, run_metadata
from jobs.treatment import file_statistics
from privacy_udfs.nested import Counts
from privacy_udfs.udf import CountsParam

NUMBERING = threading.Lock()
"""pyspark numbers accumulators without one: of two that are made at once, one would get the counts of both."""


def written(
    prepared: Prepared, selection: Selection, record: Mapping[str, str], run_id: str, not_columnar: str | None = None
) -> Written:
    """Treat and commit all rows. record: the table properties that hold it. not_columnar: why it is this path."""
    spark, plan = prepared.spark, prepared.plan
    counts = _counts_in_commit(prepared, run_id, not_columnar)
    selection = dataclasses.replace(selection, counts=counts)
    target, before = prepared.entry.target, prepared.target.before
    treated = comments.of_columns(prepared.source.rows.select(*selection.columns()), before)
    comment, stated = comments.of_table(treated, before, record), properties(prepared, record)
    try:
        with session.settings(spark, file_statistics.parquet_settings(plan)):
            commit = replace.replace(spark, treated, target, prepared.target, stated, comment, run_id)
    except (PySparkException, Py4JError) as error:
        raise whereabouts.located(error, prepared.source, selection) or error from None
    return Written(commit, by_column(plan, counts.value), "spark", not_columnar)


def _counts_in_commit(prepared: Prepared, run_id: str, not_columnar: str | None) -> Accumulator[Counts]:
    """The accumulator of the run's counts, which stand in the user metadata of its commit as far as they are known."""
    spark = prepared.spark

    def into_commit(counts: Counts) -> None:
        spark.conf.set(replace.USER_METADATA, run_metadata(prepared, run_id, counts, "spark", not_columnar))

    into_commit({})
    with NUMBERING:
        return spark.sparkContext.accumulator({}, CountsParam(into_commit))
