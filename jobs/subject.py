"""Give a person what is held of them: ``python jobs/subject.py --conf conf --domain customer --ids FILE --export PATH
--actor NAME --purpose WHY --approval FILE``. The ids of the file are those of *one* person.

--plan says which tables would be searched, and what cannot be found, and reads nobody's rows. A second person makes the
approval with jobs/approve.py --domain. What is given out is a new folder that its owner alone can enter: a file of JSON
lines for each table with rows, and index.json. Pseudonyms stand there as the tables hold them; of arrays and rows that
hold others too only what is the person's (docs/subject_access.md).

Exit codes: 0 done; 1 refused, and nothing was given out; 2 bad configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Iterator, Sequence

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.exit_codes import DONE, BadUsage
from jobs.console.shown import say, shown
from jobs.reversal import carried_out as reversals
from jobs.reversal.approval import TIME
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session
from jobs.subject_access import carried_out
from jobs.subject_access.carried_out import Given
from jobs.subject_access.request import Request
from jobs.subjects import asked as asking
from jobs.subjects.asked import Asked
from jobs.subjects.held import Held

UTC = datetime.timezone.utc
WAYS = {
    "pseudonym": "by pseudonym",
    "vault": "by tokens of its vault",
    "opened": "by opening its values within the search",
    "kept": "by its values",
}


def run(
    spark: SparkSession,
    conf: Config,
    request: Request,
    approval: str | None,
    output: str,
    report: Report = events.silent,
    now: datetime.datetime | None = None,
) -> Given:
    """Write all that is held of one person to a new folder. approval: the text of its file. now: the time in UTC; None:
    that of the clock. Raises `Refused` and tells the audit log."""
    own, now = session.for_run(spark), now or datetime.datetime.now(UTC)
    return carried_out.given(own, conf, request, approval, output, report, now)


def plan(spark: SparkSession, conf: Config, request: Request) -> Held:
    """What would be searched, and what not. Reads no row of anybody."""
    own = session.for_run(spark)
    return failures.translated("", lambda: carried_out.planned(own, conf, request))


def expire(spark: SparkSession, conf: Config, path: str, now: datetime.datetime | None = None) -> str:
    """Remove what a run wrote to a path, once its time is over; returns the run. Raises `Refused` before then."""
    own, now = session.for_run(spark), now or datetime.datetime.now(UTC)
    return failures.translated("", lambda: reversals.expired(own, conf, path, now))


def asked_of(options: argparse.Namespace) -> Asked:
    """Whose rows, as the command line says. Raises `BadUsage`."""
    if options.domain is None or options.ids is None:
        raise BadUsage("say who is asked for: --domain, and --ids with a file of ids")
    return asking.of_file(options.domain, options.ids, asking.held_in(options.held_in))


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("subject", __doc__)
    flags.CONF.on(options, required=True)
    flags.DOMAIN.on(options, more="that the ids are of")
    for flag in (flags.IDS, flags.HELD_IN, flags.ACTOR, flags.PURPOSE, flags.JSON):
        flag.on(options)
    flags.APPROVAL.on(options)
    what = options.add_mutually_exclusive_group(required=True)
    told = "say what would be done, and write nothing (which tables are searched, and what cannot be found)"
    what.add_argument("--plan", action="store_true", help=told)
    what.add_argument("--export", metavar="PATH", help="a new folder for what is held of the person")
    what.add_argument("--expire", metavar="PATH", help="remove what a run wrote there, once its time is over")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    conf = arguments.loaded(options.conf)
    if options.expire is not None:
        say(f"{options.expire}: removed, of run {expire(session.start('lakenym subject'), conf, options.expire)}")
        return DONE
    asked = asked_of(options)
    asking.check_domain(conf, asked.domain)
    if options.plan:
        request = Request(asked, options.actor or "nobody", options.purpose or "a plan")
        held = plan(session.start("lakenym subject"), conf, request)
        say(json.dumps(as_data(held), indent=1) if options.json else "\n".join(lines(held)))
        return DONE
    request = Request(asked, options.actor or "", options.purpose or "")
    approval = None if options.approval is None else given_files.text(options.approval)
    found = run(session.start("lakenym subject"), conf, request, approval, options.export, events.terminal)
    say(f"what is held of the person is in {found.place}, to be removed by {found.expires.strftime(TIME)}")
    say("\n".join(_gaps(found.held)))
    return DONE


def lines(held: Held) -> Iterator[str]:
    """What would be searched, for people."""
    for table in held.tables:
        yield f"{table.treated.name} (version {table.treated.version})"
        yield from (f"  {shown(str(each.path))}: {WAYS[each.way]} ({each.record.technique})" for each in table.places)
    if not held.tables:
        yield f"no table can be searched for domain {held.domain}"
    yield from _gaps(held)


def _gaps(held: Held) -> Iterator[str]:
    yield from (f"not searched: {gap}" for gap in held.gaps)
    yield "not looked at: older versions, quarantines, copies, tables outside of the catalog, free text"


def as_data(held: Held) -> dict[str, object]:
    tables = [
        {
            "table": table.treated.name,
            "version": table.treated.version,
            "columns": [
                {"column": str(each.path), "technique": each.record.technique, "way": each.way} for each in table.places
            ],
        }
        for table in held.tables
    ]
    gaps = [{"table": gap.table, "column": gap.path, "why": gap.why} for gap in held.gaps]
    return {"domain": held.domain, "tables": tables, "not_searched": gaps}


if __name__ == "__main__":
    sys.exit(process.ended(main))
