"""Spark's path: one select that treats all columns in Arrow UDFs, written by Delta. It takes every table."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Mapping

from py4j.protocol import Py4JError
from pyspark.accumulators import Accumulator
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.gates import used_up, vault
from jobs.gates.known import Prepared
from jobs.lake import replace
from jobs.lake.session_settings import held
from jobs.table_run import commits, file_settings, kept_out, refused_rows, tokens, whereabouts
from jobs.table_run.aside import Aside
from jobs.table_run.result import by_column
from jobs.table_run.selection import Selection
from jobs.table_run.written import Written, run_metadata
from privacy_udfs.nested import Counts
from privacy_udfs.udf import CountsParam, PartCountsParam

OPTIMIZED_WRITES, OPTIMIZED = "spark.databricks.delta.optimizeWrite.enabled", "delta.autooptimize"
NUMBERING = threading.Lock()
"""pyspark numbers accumulators without one: of two that are made at once, one would get the counts of both."""


def written(
    prepared: Prepared, selection: Selection, record: Mapping[str, str], aside: Aside, not_columnar: str | None = None
) -> Written:
    """Treat and commit all rows. record: the table properties that hold it. aside: where rows are set aside that cannot
    be treated. not_columnar: why it is this path."""
    spark, plan = prepared.spark, prepared.plan
    prepared = aside.prepared = _with_number(prepared)
    try:
        prepared = kept_out.without(prepared, aside)
        if aside.seal is not None:
            prepared = refused_rows.set_aside(prepared, selection, aside, _accumulator(spark, CountsParam()))
            aside.prepared = prepared
        tokens.charge(prepared, selection, aside)
        vaults = tokens.filled(prepared, selection)
        said = {**prepared.vaults, **{domain: each.said for domain, each in vaults.items()}}
        prepared = aside.prepared = dataclasses.replace(prepared, vaults=said)
        with counted(prepared, aside, not_columnar) as counts:
            selection = dataclasses.replace(selection, counts=counts)
            treated = tokens.rows(prepared, selection, vaults)
            with held(spark, file_settings.of(prepared)):
                commit = commits.committed(prepared, treated, record, aside)
    except (PySparkException, Py4JError) as error:
        raise whereabouts.located(error, prepared.source, selection) or error from None
    return Written(commit, by_column(plan, counts.value), "spark", not_columnar)


def _with_number(prepared: Prepared) -> Prepared:
    """The run with how many rows are to be treated, where that is not told yet and the log of a Delta source says
    it."""
    if prepared.source.count is not None:
        return prepared
    source = dataclasses.replace(prepared.source, count=used_up.number_of_rows(prepared))
    return dataclasses.replace(prepared, source=source)


@contextlib.contextmanager
def counted(
    prepared: Prepared, aside: Aside, not_columnar: str | None, changed: Mapping[str, int] | None = None
) -> Iterator[Accumulator[Counts]]:
    """The accumulator of the run's counts, which stand in the user metadata of its commit as far as they are known."""
    spark = prepared.spark

    def into_commit(counts: Counts) -> None:
        told = run_metadata(prepared, aside, counts, "spark", not_columnar, changed)
        spark.conf.set(replace.USER_METADATA, told)

    into_commit({})
    param = PartCountsParam if _is_shuffled(prepared) else CountsParam
    counts = _accumulator(spark, param(into_commit))
    try:
        yield counts
    finally:
        counts.accum_param = CountsParam()  # pyspark keeps each for ever, and in a stream there are many


def _is_shuffled(prepared: Prepared) -> bool:
    """Whether rows go from task to task after they are treated: to their tokens, or to files of the size that
    Delta's optimized writes want."""
    if vault.vaults(prepared) or prepared.spark.conf.get(OPTIMIZED_WRITES, "false") != "false":
        return True
    stated = {**prepared.target.properties, **prepared.entry.target.properties}
    return any(name.lower().startswith(OPTIMIZED) for name in stated)


def _accumulator(spark: SparkSession, param: CountsParam) -> Accumulator[Counts]:
    with NUMBERING:
        return spark.sparkContext.accumulator({}, param)
