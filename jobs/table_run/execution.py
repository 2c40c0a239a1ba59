"""A prepared run carried out: one select, and one Delta commit that holds rows, record and counts."""

from __future__ import annotations

import json
import time
import uuid

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.archive import snapshots
from jobs.gates.known import Prepared
from jobs.lake import replace
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


def execute(spark: SparkSession, prepared: Prepared, report: Report = events.silent) -> Result:
    """Write what was prepared, in one commit."""
    start, plan, table = time.monotonic(), prepared.plan, prepared.plan.config
    run_id = str(uuid.uuid4())
    entries = treatment_record.entries(plan, prepared.keys.checks(plan))
    snapshot = snapshots.store(spark, prepared.conf, table.name, run_id)
    stated = treatment_record.properties(plan, entries, snapshot, prepared.conf.policy.version)
    properties = {
        **layout.column_mapping(table.target, plan.schema),
        **file_statistics.properties(plan),
        **stated,
    }

    def into_commit(counts: Counts) -> None:
        run = {"run_id": run_id, "source_version": prepared.source.version, "counts": by_column(plan, counts)}
        spark.conf.set(replace.USER_METADATA, json.dumps(run, ensure_ascii=False))

    into_commit({})
    counts = spark.sparkContext.accumulator({}, CountsParam(into_commit))
    report("planned", table=table.name, run_id=run_id, columns=len(plan.leaves), source=table.source.describe())
    written = session.settings(spark, file_statistics.parquet_settings(plan))
    with key_delivery.delivered(spark, prepared.keys, plan) as keys, written:
        selection = Selection(plan, entries, keys, counts)
        treated = comments.of_columns(prepared.source.rows.select(*selection.columns()), prepared.target.before)
        comment = comments.of_table(treated, prepared.target.before, stated)
        try:
            commit = replace.replace(spark, treated, table.target, prepared.target, properties, comment, run_id)
        except (PySparkException, Py4JError) as error:
            raise whereabouts.located(error, prepared.source, selection) or error from None
    result = Result(
        table.name, run_id, commit.version, commit.rows, time.monotonic() - start, by_column(plan, counts.value), plan
    )
    report("committed", **summary(result))
    return result
