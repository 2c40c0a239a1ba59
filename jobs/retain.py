"""Carry out the retention of treated tables: ``python jobs/retain.py --conf conf --all``.

Rows go once their date lies more than the ``days`` of their entry's ``retention`` back; then VACUUM and a checkpoint
take away what older versions and the log hold of them, as far as the table's own retention allows. ``--plan`` says what
would go, and until when the rest stays, and writes nothing. Run it every night: it goes on where it stopped, and where
nothing is due it finds nothing (docs/retention.md).

Exit codes: 0 done, or the plan is told; 1 refused, or something is left that no later run takes away; 2 bad
configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.numbers import many
from jobs.console.shown import as_json, say, shown
from jobs.console.text_table import table_lines
from jobs.erasure import of_retention, receipt_job
from jobs.retention import carried_out
from jobs.retention.carried_out import Retained
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session
from jobs.treatment import kept_rows

OF_ASIDE = " of its quarantine, which hold sealed rows that left it,"


def plan(
    spark: SparkSession,
    conf: Config,
    tables: Sequence[str],
    day: datetime.date | None = None,
    report: Report = events.silent,
) -> list[Retained]:
    """What `run` would do. Nothing is written. day: in UTC; None: today. Raises `Refused` with all that is against
    it."""
    return carried_out.planned(spark, conf, tables, day or kept_rows.today(), report)


def run(
    spark: SparkSession,
    conf: Config,
    tables: Sequence[str],
    report: Report = events.silent,
    day: datetime.date | None = None,
    all_rows: bool = False,
    receipt: Path | None = None,
) -> list[Retained]:
    """Take away what is past its time. Of several tables those without such a rule are passed over. all_rows: whether a
    table may lose every row that it has. receipt: the file that is to hold one, signed, of all of them, and of what
    earlier runs took away that were killed before they left theirs."""
    own = session.for_run(spark)
    if receipt is not None:
        of_retention.check(own, conf, receipt)
    told = of_retention.opened(own, conf, tables, receipt, report)
    done = carried_out.carried_out(spark, conf, tables, day or kept_rows.today(), told, report, all_rows)
    if told.receipt is not None:
        failures.translated("", lambda: of_retention.left(told, done, receipt))
    return done


# -- what is told -----------------------------------------------------------------------------------------------------


def as_data(found: Sequence[Retained], is_plan: bool) -> dict[str, Any]:
    return {"plan": is_plan, "tables": [_as_data(each, is_plan) for each in found]}


def _as_data(each: Retained, is_plan: bool) -> dict[str, Any]:
    counted = each.counted
    told: dict[str, Any] = {"table": each.table, "there": each.is_there, "before": each.before, "rows": counted.rows}
    told |= {"past": counted.past, "without_date": counted.undated, "date_to_come": counted.to_come}
    told |= {"files": counted.files, "overdue_days_up_to": counted.overdue, "older_versions": each.versions}
    if is_plan:
        told |= {"files_until": each.files_until and each.files_until.isoformat()}
        told |= {"log_until": each.log_until and each.log_until.isoformat()}
    else:
        told |= {"deleted": each.rows, "version": each.version, "still_due": each.due}
    told |= {"quarantine_remains": [left.as_data() for left in each.aside]} if each.aside else {}
    return {**told, "remains": [left.as_data() for left in each.remains]}


def lines(found: Sequence[Retained], is_plan: bool) -> Iterator[str]:
    headings = ("table", "before", "rows", "to go" if is_plan else "gone", "files", "overdue", "no date", "to come")
    yield from table_lines(headings, [_row(each) for each in found])
    for each in found:
        if not each.is_there:
            yield f"{each.table}: there is no target yet"
        if each.due and not is_plan:
            yield f"{each.table}: {each.due} rows past their time are there again"
        if is_plan and each.due:
            files, log = _until(each.files_until), _until(each.log_until)
            yield f"{each.table}: if they go today, older files hold them {files}, the log {log}"
        for of_what, left in (*(("", left) for left in each.remains), *((OF_ASIDE, left) for left in each.aside)):
            until = "for good" if left.until is None else f"until a run on or after {left.until.isoformat()}"
            yield f"{each.table}: {left.count} {left.kind.replace('_', ' ')}s{of_what} stay {until}: {left.why}"


def _until(day: datetime.date | None) -> str:
    return "for good" if day is None else f"until {day.isoformat()}"


def _row(each: Retained) -> tuple[str, ...]:
    counted = each.counted
    overdue = (
        ""
        if not counted.past
        else "over a year"
        if counted.overdue is None
        else f"up to {many(counted.overdue, 'day')}"
    )
    numbers = (counted.rows, each.rows, counted.files)
    rest = (overdue, f"{counted.undated:,}", f"{counted.to_come:,}")
    return (each.table, (each.before or "")[:10], *(f"{number:,}" for number in numbers), *rest)


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("retain", __doc__)
    arguments.tables(options)
    options.add_argument("--plan", action="store_true", help="say what would be done, and write nothing")
    options.add_argument(
        "--accept-empty", action="store_true", help="take rows away also where a table would have none left"
    )
    options.add_argument("--receipt", type=Path, metavar="FILE", help="leave a signed receipt there, a new file")
    flags.VERIFY_RECEIPT.on(options, more="nothing is taken away")
    flags.PUBLIC_KEY.on(options, more="with --verify-receipt")
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.receipt is not None and (options.plan or options.verify_receipt is not None):
        raise BadUsage("--receipt: a plan takes nothing away, nor does --verify-receipt, and has no receipt")
    conf, names = arguments.chosen(options)
    started = session.start("lakenym retain")
    if options.verify_receipt is not None:
        return receipt_job.told(started, conf, options.verify_receipt, options.public_key, None, options.json)
    report = _warnings if options.json else events.terminal
    if options.plan:
        found = plan(started, conf, names, report=report)
    else:
        found = run(started, conf, names, report, all_rows=options.accept_empty, receipt=options.receipt)
    if options.json:
        print(as_json(as_data(found, options.plan)))
    else:
        say("\n".join(map(shown, lines(found, options.plan))))
    return DONE if options.plan or all(each.is_done for each in found) else REFUSED


def _warnings(event: events.Event) -> None:
    """Beside JSON nothing else is on standard output."""
    if isinstance(event, events.Warned | events.Failed):
        events.terminal(event)


if __name__ == "__main__":
    sys.exit(process.ended(main))
