"""Treat tables as the catalog says: ``spark-submit jobs/pseudonymize.py --conf conf --table crm.customers``.

Exit codes: 0 done; 1 refused by a check, nothing was committed for that table; 2 bad configuration or usage; 3 failed
at run time. From a notebook: ``run(spark, config.load(Path("conf")), "crm.customers")``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Execution
from jobs.console.exit_codes import DONE
from jobs.gates.known import Allowed, Prepared
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, lanes, session
from jobs.table_run.execution import execute
from jobs.table_run.planned import prepared as prepare
from jobs.table_run.result import Result

__all__ = ["Allowed", "Prepared", "Result", "execute", "prepare", "run"]

T = TypeVar("T")


def run(
    spark: SparkSession,
    conf: Config,
    table: str,
    allow_raw_history: bool = False,
    report: Report = events.silent,
    accept_other_key_version: bool = False,
    execution: Execution | None = None,
) -> Result:
    """Treat one table: conf -> plan -> key -> kernels -> one Delta commit with its record.

    execution: ``auto``, ``columnar`` or ``spark``; None: as the table's entry says.
    """
    conf = config.executed_by(conf, execution)
    own = session.for_run(spark)
    allowed = Allowed(allow_raw_history, accept_other_key_version)
    return failures.translated(table, lambda: execute(own, prepare(own, conf, table, allowed, report), report))


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("pseudonymize", __doc__)
    arguments.tables(options)
    flags.DRY_RUN.on(options)
    flags.ACCEPT_RAW_HISTORY.on(options)
    flags.ACCEPT_OTHER_KEY_VERSION.on(options)
    flags.EXECUTION.on(options)
    flags.PARALLEL.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    report = events.one_at_a_time(events.for_stream())
    return failures.exit_code(report, lambda: _run_all(options, report))


def _run_all(options: argparse.Namespace, report: Report) -> int:
    conf, names = arguments.chosen(options)
    conf = config.executed_by(conf, options.execution)
    started = session.start("lakenym pseudonymize")
    allowed = Allowed(options.accept_raw_history, options.accept_other_key_version, tuple(names))
    side_by_side = lanes.open_for(started, len(names), options.parallel)
    ready: list[Prepared] = []

    def prepare_one(spark: SparkSession, name: str) -> int:
        one = failures.translated(name, lambda: prepare(spark, conf, name, allowed, report))
        ready.append(one)
        report(events.Checked(name, len(one.plan.leaves)))
        return DONE

    def execute_one(spark: SparkSession, one: Prepared) -> int:
        failures.translated(one.table, lambda: execute(spark, one, report))
        return DONE

    def told(step: Callable[[SparkSession, T], int], table: Callable[[T], str]) -> Callable[[SparkSession, T], int]:
        return lambda spark, each: failures.exit_code(report, lambda: step(spark, each), table(each))

    # all tables are planned and checked before the first is written
    code = side_by_side.each(names, told(prepare_one, str))
    if code or options.dry_run:
        return code
    return side_by_side.each(ready, told(execute_one, lambda one: one.table), lambda one: one.spark)


if __name__ == "__main__":
    sys.exit(main())
