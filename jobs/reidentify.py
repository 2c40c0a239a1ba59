"""Turn values of a treated table back, under an approval: ``python jobs/reidentify.py --conf conf --table crm.customers
--columns email --where "..." --actor NAME --purpose WHY --approval FILE --output PATH``.

A second person makes the approval with jobs/approve.py. What is shown goes to a new table that its owner alone can
enter, and that is to be removed when its time is over (--expire PATH); the audit log is told before anything is shown,
and of what is refused (docs/reversal.md).

Exit codes: 0 done; 1 refused, and nothing was shown; 2 bad configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.exit_codes import DONE, BadUsage
from jobs.console.numbers import many
from jobs.console.shown import say
from jobs.console.text_table import table_lines
from jobs.reversal import asked as asking
from jobs.reversal import carried_out, words
from jobs.reversal.approval import TIME
from jobs.reversal.asked import Asked, Rows
from jobs.reversal.carried_out import Output, TurnedBack
from jobs.reversal.formats import FORMATS, Format
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session

UTC = datetime.timezone.utc


def run(
    spark: SparkSession,
    conf: Config,
    asked: Asked,
    approval: str | None = None,
    output: str | None = None,
    *,
    written_as: Format = "delta",
    report: Report = events.silent,
    now: datetime.datetime | None = None,
) -> TurnedBack:
    """Turn back what is asked for. approval: the text of its file. output: the path of a new folder; None to have the
    rows in the result. written_as: what the folder is to hold, a Delta table or one file of CSV or of JSON lines. now:
    the time in UTC; None: that of the clock. Raises `Refused` and tells the audit log."""
    own, now = session.for_run(spark), now or datetime.datetime.now(UTC)
    return carried_out.turned_back(own, conf, asked, approval, Output(output, written_as), report, now)


def expire(spark: SparkSession, conf: Config, path: str, now: datetime.datetime | None = None) -> str:
    """Remove what a run wrote to a path, once its time is over; returns the run. Raises `Refused` before then."""
    own, now = session.for_run(spark), now or datetime.datetime.now(UTC)
    return failures.translated("", lambda: carried_out.expired(own, conf, path, now))


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("reidentify", __doc__)
    flags.CONF.on(options, required=True)
    for flag in (flags.ONE_TABLE, flags.COLUMNS, flags.WITH, flags.ACTOR, flags.PURPOSE, flags.FORM):
        flag.on(options)
    which = options.add_mutually_exclusive_group()
    flags.WHERE.on(which, more="over the treated table")
    flags.TOKENS.on(which)
    options.add_argument("--approval", type=Path, metavar="FILE", help="what approve.py made")
    where = options.add_mutually_exclusive_group()
    flags.OUTPUT.on(where, type=str, metavar="PATH", more="a new folder")
    options.add_argument("--format", choices=FORMATS, default="delta", help="of what is written there (default: delta)")
    where.add_argument("--console", action="store_true", help="print the rows, and write none")
    where.add_argument("--expire", metavar="PATH", help="remove what a run wrote there, once its time is over")
    options.add_argument("--break-glass", action="store_true", help="without an approval, where the policy allows it")
    options.add_argument("--reason", default="", help="why there is no time for an approval; an approver will read it")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    conf = arguments.loaded(options.conf)
    if options.expire is not None:
        say(f"{options.expire}: removed, of run {expire(session.start('lakenym reidentify'), conf, options.expire)}")
        return DONE
    if not options.console and options.output is None:
        raise BadUsage("say where to write with --output, or --console to have the rows printed")
    Output(options.output, options.format)  # before Spark is begun
    asked = _asked(options)
    approval = None if options.approval is None else given_files.text(options.approval)
    found = run(
        session.start("lakenym reidentify"),
        conf,
        asked,
        approval,
        options.output,
        written_as=options.format,
        report=events.terminal,
    )
    if found.shown is not None:
        say("\n".join(_lines(found.shown)))
    else:
        way = "columnar path" if found.execution == "columnar" else f"Spark's path: {found.not_columnar}"
        until = found.expires.strftime(TIME)
        rows = f"{many(found.rows, 'row')} {'is' if found.rows == 1 else 'are'}"
        say(f"{asked.table}: {rows} in {found.place}, to be removed by {until} ({way})")
    if found.unproven:
        say(words.not_proven(found.unproven))
    return DONE


def _asked(options: argparse.Namespace) -> Asked:
    if len(options.table or ()) != 1:
        raise BadUsage("name one table with --table")
    rows = Rows(where=options.where) if options.tokens is None else asking.of_tokens(options.tokens)
    return Asked(
        table=options.table[0],
        columns=asking.listed(options.columns),
        rows=rows,
        actor=options.actor or "",
        purpose=options.purpose or "",
        form=options.form,
        beside=asking.listed(options.__dict__["with"]),
        break_glass=options.break_glass,
        reason=options.reason,
    )


def _lines(rows: pa.Table) -> list[str]:
    cells = [["" if value is None else str(value) for value in row.values()] for row in rows.to_pylist()]
    return table_lines(rows.column_names, cells)


if __name__ == "__main__":
    sys.exit(process.ended(main))
