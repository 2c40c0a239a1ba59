"""A prepared run carried out: one select, and one Delta commit that holds rows, record and counts."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping

from py4j.protocol import Py4JError
from pyspark.accumulators import Accumulator
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.archive import snapshots
from jobs.console.exit_codes import BadUsage
from jobs.gates.known import Prepared
from jobs.lake import log_replay, replace
from jobs.lake.replace import Commit
from jobs.named_keys import key_delivery
from jobs.record import treatment_record
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import session
from jobs.table_run import comments, whereabouts
from jobs.table_run.result import Result, by_column, summary
from jobs.table_run.selection import Selection
from jobs.treatment import file_statistics, layout
from privacy_udfs.nested import Counts
from privacy_udfs.udf import CountsParam

NUMBERING = threading.Lock()
"""pyspark numbers accumulators without one: of two that are made at once, one would get the counts of both."""


def execute(spark: SparkSession, prepared: Prepared, report: Report = events.silent) -> Result:
    """Write what was prepared, in one commit. spark: the session that it was prepared in. Raises `BadUsage` where it is
    another one, or where no gate was asked."""
    if not isinstance(prepared, Prepared) or spark is not prepared.spark:
        raise BadUsage("a run is carried out as it was prepared: by pseudonymize.prepare, in the same session")
    start, run_id, plan = time.monotonic(), str(uuid.uuid4()), prepared.plan
    entries = treatment_record.entries(plan, prepared.keys.checks(plan))
    snapshot = snapshots.store(spark, prepared.conf, prepared.table, run_id)
    record = treatment_record.properties(plan, entries, snapshot, prepared.conf.policy.version)
    counts = _counts_in_commit(spark, prepared, run_id)
    report(events.Begun(prepared.table, run_id, len(plan.leaves), prepared.entry.source.describe()))
    replay = log_replay.settings(spark, [*prepared.source.log_sizes, prepared.target.log_size])
    written = session.settings(spark, {**file_statistics.parquet_settings(plan), **replay})
    with key_delivery.delivered(spark, prepared.keys, plan) as keys, written:
        commit = _commit(spark, prepared, Selection(plan, entries, keys, counts), record, run_id)
    seconds, by_name = time.monotonic() - start, by_column(plan, counts.value)
    result = Result(prepared.table, run_id, commit.version, commit.rows, seconds, by_name, plan)
    report(summary(result))
    return result


def _counts_in_commit(spark: SparkSession, prepared: Prepared, run_id: str) -> Accumulator[Counts]:
    """The accumulator of the run's counts, which stand in the user metadata of its commit as far as they are known."""

    def into_commit(counts: Counts) -> None:
        named = by_column(prepared.plan, counts)
        run = {"run_id": run_id, "source_version": prepared.source.version, "counts": named}
        spark.conf.set(replace.USER_METADATA, json.dumps(run, ensure_ascii=False))

    into_commit({})
    with NUMBERING:
        return spark.sparkContext.accumulator({}, CountsParam(into_commit))


def _commit(
    spark: SparkSession, prepared: Prepared, selection: Selection, record: Mapping[str, str], run_id: str
) -> Commit:
    """record: the table properties that hold it."""
    plan, target, before = prepared.plan, prepared.entry.target, prepared.target.before
    properties = {**layout.column_mapping(target, plan.schema), **file_statistics.properties(plan), **record}
    treated = comments.of_columns(prepared.source.rows.select(*selection.columns()), before)
    comment = comments.of_table(treated, before, record)
    try:
        return replace.replace(spark, treated, target, prepared.target, properties, comment, run_id)
    except (PySparkException, Py4JError) as error:
        raise whereabouts.located(error, prepared.source, selection) or error from None
