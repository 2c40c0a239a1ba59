"""Treat tables as the catalog says: ``spark-submit jobs/pseudonymize.py --conf conf --table crm.customers``.

Exit codes: 0 done; 1 refused by a check, nothing was committed for that table; 2 bad configuration or usage; 3 failed
at run time. From a notebook: ``run(spark, config.load(Path("conf")), "crm.customers")``.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import functools
import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.archive import snapshots
from jobs.command_line import arguments
from jobs.configuration.config import Config
from jobs.gates.checks import check_before_write, refuse
from jobs.lake import consent, places, read, replace, state
from jobs.lake.read import SourceRows
from jobs.lake.state import TargetState
from jobs.named_keys import key_checks, key_delivery, key_exposure, key_ring
from jobs.policy import policy_rules
from jobs.record import treatment_record
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session
from jobs.table_run import comments, whereabouts
from jobs.table_run.selection import Selection
from jobs.treatment import file_statistics, layout, predicates, treatment_plan
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.nested import Counts
from privacy_udfs.udf import CountsParam


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run did. counts: leaf column -> (treated, null, refused); a column that is not read has no counts."""

    table: str
    run_id: str
    version: int
    rows: int
    seconds: float
    counts: Mapping[str, tuple[int, int, int]]
    plan: Plan


@dataclasses.dataclass(frozen=True)
class Allowed:
    """What someone took the responsibility for. raw_history: older versions of the target hold untreated rows.
    other_key_version: pseudonyms will not join with other tables' for now. together: tables treated in the same run."""

    raw_history: bool = False
    other_key_version: bool = False
    together: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A run up to its first write: everything is decided and checked."""

    conf: Config
    source: SourceRows
    keys: key_ring.KeyRing
    plan: Plan
    target: TargetState


def prepare(
    spark: SparkSession, conf: Config, table: str, allowed: Allowed = Allowed(), report: Report = events.silent
) -> Prepared:
    """Plan one table against its source, open its keys, look at its target. Raises where a check refuses."""
    entry = conf.tables[table]
    source = predicates.minimized(read.rows_of(spark, entry.source), entry)
    refuse(table, key_exposure.refusals(spark.sparkContext.getConf().getAll(), conf.keys))
    keys = key_ring.open_for(conf, entry)
    plan = treatment_plan.build(entry, source.rows.schema, keys.ids, source.names_from_data)
    target = state.inspect(spark, entry.target)
    if target.location is not None:
        places.check_apart(spark, source.rows, target.location, target.name)
    found = key_checks.look(spark, conf, plan, keys, allowed.together, allowed.other_key_version)
    if target.transaction is None:
        report("warning", table=table, message=replace.UNGUARDED)
    for warning in found.warned:
        report("warning", table=table, message=warning)
    judged = policy_rules.violations(conf, table, datetime.datetime.now(datetime.timezone.utc).date())
    for violation in judged:
        if violation.level == "warn":
            report("warning", table=table, message=str(violation))
    refusals = [
        *consent.refusals(entry, source),
        *key_delivery.refusals(spark, keys, plan),
        *found.refused,
        *map(str, policy_rules.refused(judged)),
    ]
    check_before_write(plan, keys, target, allowed.raw_history, refusals)
    return Prepared(conf, source, keys, plan, target)


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


def run(
    spark: SparkSession,
    conf: Config,
    table: str,
    allow_raw_history: bool = False,
    report: Report = events.silent,
    accept_other_key_version: bool = False,
) -> Result:
    """Treat one table: conf -> plan -> key -> UDF -> one select -> one Delta commit with its record."""
    own = session.for_run(spark)
    allowed = Allowed(allow_raw_history, accept_other_key_version)
    return failures.translated(table, lambda: execute(own, prepare(own, conf, table, allowed, report), report))


def by_column(plan: Plan, counts: Counts) -> dict[str, tuple[int, int, int]]:
    """Counts by leaf column instead of by label."""
    prefix = f"{plan.table}: "
    return {label.removeprefix(prefix): numbers for label, numbers in sorted(counts.items())}


def summary(result: Result) -> dict[str, Any]:
    """A result as plain data, for events."""
    columns = []
    for column in result.plan.columns:
        treated, null, refused = result.counts.get(str(column.path), (None, None, None))
        names = {"column": str(column.path), "class": column.rule.class_, "technique": column.name}
        columns.append({**names, "treated": treated, "null": null, "refused": refused})
    rate = result.rows / result.seconds if result.seconds else None
    return {
        "table": result.table,
        "run_id": result.run_id,
        "version": result.version,
        "rows": result.rows,
        "seconds": round(result.seconds, 3),
        "rows_per_second": rate and round(rate),
        "columns": columns,
    }


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("pseudonymize", __doc__)
    options.add_argument("--dry-run", action="store_true", help="plan and check everything, write nothing")
    options.add_argument(
        "--allow-raw-history",
        action="store_true",
        help="replace a target although older versions of it hold untreated rows, which time travel shows until VACUUM",
    )
    arguments.add_other_key_version(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    report = events.for_stream()
    return failures.exit_code(report, lambda: _run_all(options, report))


def _run_all(options: argparse.Namespace, report: Report) -> int:
    conf, names = arguments.chosen(options)
    spark = session.for_run(session.start("lakenym pseudonymize"))
    allowed = Allowed(options.allow_raw_history, options.accept_other_key_version, tuple(names))
    prepared: list[Prepared] = []

    def prepare_one(name: str) -> int:
        prepared.append(failures.translated(name, lambda: prepare(spark, conf, name, allowed, report)))
        report("checked", table=name, columns=len(prepared[-1].plan.leaves))
        return 0

    def execute_one(ready: Prepared) -> int:
        failures.translated(ready.plan.table, lambda: execute(spark, ready, report))
        return 0

    # all tables are planned and checked before the first is written
    code = max(failures.exit_code(report, functools.partial(prepare_one, name), name) for name in names)
    if code or options.dry_run:
        return code
    return max(failures.exit_code(report, functools.partial(execute_one, one), one.plan.table) for one in prepared)


if __name__ == "__main__":
    sys.exit(main())
