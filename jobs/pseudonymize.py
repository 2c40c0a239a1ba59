"""Treat tables as the catalog says: ``spark-submit jobs/pseudonymize.py --conf conf --table crm.customers``.

Exit codes: 0 done; 1 refused by a check, nothing was committed for that table; 2 bad configuration or usage; 3 failed
at run time. From a notebook: ``run(spark, config.load(Path("conf")), "crm.customers")``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import threading
from collections.abc import Sequence
from typing import get_args

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Execution, Mode
from jobs.console import process
from jobs.console.exit_codes import DONE, BadUsage
from jobs.gates.known import Allowed, Prepared
from jobs.lineage import sink
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, lanes, session
from jobs.table_run import audited, rounds, streaming
from jobs.table_run.execution import execute
from jobs.table_run.planned import prepared as prepare
from jobs.table_run.result import Result
from jobs.table_run.tables import Tables

__all__ = ["Allowed", "Prepared", "Result", "execute", "prepare", "run"]


def run(
    spark: SparkSession,
    conf: Config,
    table: str,
    allow_raw_history: bool = False,
    report: Report = events.silent,
    accept_other_key_version: bool = False,
    execution: Execution | None = None,
    mode: Mode | None = None,
    retreat: bool = False,
    where: str | None = None,
    trigger: str | None = None,
    files_per_batch: int | None = None,
    stopping: threading.Event | None = None,
    requeue: bool = False,
    accept_deleted_rows: bool = False,
    even_unchanged: bool = True,
) -> Result:
    """Treat one table: conf -> plan -> key -> kernels -> one Delta commit with its record.

    execution: ``auto``, ``columnar`` or ``spark``; None: as the table's entry says. mode: ``full``, ``incremental``
    for the rows that the source gained since the last run, ``partitions``, ``changes`` for what was inserted, updated
    and deleted since then, or ``stream`` for what it gained in batches; None: as the target of the entry says. retreat:
    a run that goes on from the last one treats all rows anew where the target's record differs from its own, or its
    source has other columns or is read otherwise. where: with mode ``partitions``, SQL over partition columns of the
    target: the rows that it is true for are treated, and replace those that the target has of them. requeue: in mode
    ``full`` or ``incremental``, no source is treated, but the rows that stand in quarantine; those that pass now are
    put to the target. accept_deleted_rows: rows that others deleted in the target come back with a run that writes them
    anew, as far as the source still has them. even_unchanged: False: in mode ``full``, nothing is written where the
    target has what the run would write, as the command does it.

    Of a stream: trigger: ``available-now`` (so does None) or an interval such as ``30 seconds``. files_per_batch: as
    `jobs.lake.batch.Batch` says. stopping: ends it between two batches when it is set, by another thread.
    """
    conf = config.in_partitions(config.in_mode(config.executed_by(conf, execution), mode), where)
    asked = streaming.asked(conf, [table], trigger, files_per_batch)
    own = session.for_run(spark)
    accepted = allow_raw_history, accept_other_key_version
    allowed = Allowed(*accepted, retreat, requeue=requeue, deleted_rows=accept_deleted_rows)
    allowed = dataclasses.replace(allowed, even_unchanged=None if even_unchanged else False)
    if asked is not None:
        stream = streaming.Stream(conf, table, allowed, asked, streaming.once(report))
        return stream.to_its_end(own, stopping or threading.Event())

    def prepared() -> Prepared:
        return failures.translated(table, lambda: prepare(own, conf, table, allowed, report))

    one = audited.refusals_told(own, conf, table, report, prepared)
    return failures.translated(table, lambda: execute(own, one, report))


OF_A_RUN = (
    flags.ACCEPT_RAW_HISTORY, flags.ACCEPT_OTHER_KEY_VERSION, flags.ACCEPT_DELETED_ROWS, flags.MODE, flags.WHERE,
    flags.RETREAT, flags.EVEN_UNCHANGED, flags.TRIGGER, flags.FILES_PER_BATCH, flags.REQUEUE, flags.EXECUTION,
    flags.PARALLEL, flags.LINEAGE,
)  # fmt: skip
"""What a dry run is asked for, and the run after it."""


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("pseudonymize", __doc__)
    arguments.tables(options)
    flags.DRY_RUN.on(options)
    flags.ACCEPT_RAW_HISTORY.on(options)
    flags.ACCEPT_OTHER_KEY_VERSION.on(options)
    flags.ACCEPT_DELETED_ROWS.on(options)
    flags.MODE.on(options, more=flags.OF_RUNS, choices=get_args(Mode))
    flags.WHERE.on(
        options, more="with --mode partitions: over partition columns of the target, which of them are written anew"
    )
    flags.RETREAT.on(options)
    flags.EVEN_UNCHANGED.on(options)
    flags.TRIGGER.on(options)
    flags.FILES_PER_BATCH.on(options)
    flags.REQUEUE.on(options)
    flags.EXECUTION.on(options)
    flags.PARALLEL.on(options)
    flags.LINEAGE.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    report = events.one_at_a_time(events.for_stream())
    return failures.exit_code(report, lambda: _run_all(options, report))


def _run_all(options: argparse.Namespace, report: Report) -> int:
    if options.all and options.where is not None:
        raise BadUsage("--where chooses partitions of the tables that --table names: it cannot be used with --all")
    conf, names = arguments.chosen(options)
    conf = config.in_mode(config.executed_by(conf, options.execution), options.mode)
    conf = config.in_partitions(conf, options.where)
    asked = streaming.asked(conf, names, options.trigger, options.files_per_batch)
    if not options.dry_run:
        report = sink.told(report, conf, sink.stated(conf, options.lineage))
    started = session.start("lakenym pseudonymize")
    accepted = options.accept_raw_history, options.accept_other_key_version
    allowed = Allowed(*accepted, options.retreat, tuple(names), options.requeue, options.accept_deleted_rows)
    allowed = dataclasses.replace(allowed, even_unchanged=options.even_unchanged)
    tables = Tables(conf, allowed, report, lanes.open_for(started, len(names), options.parallel))
    if asked is None:
        code = tables.run(names, options.dry_run)
        if code == DONE:
            more = arguments.again(options, *OF_A_RUN) if options.dry_run else ()
            arguments.next_step("pseudonymize" if options.dry_run else "verify", options, *more)
        return code
    with rounds.ended_by_signals(report) as stopping:
        streams = dataclasses.replace(tables, report=streaming.once(report), asked=asked, stopping=stopping)
        return streams.run(names, options.dry_run)


if __name__ == "__main__":
    sys.exit(process.ended(main))
