"""Take persons out of all tables of a domain: ``python jobs/erase.py --conf conf --domain customer --ids FILE``.

``--plan`` first: it says where they stand, what would be done and what would be left until which day, and writes
nothing. Rows of theirs are deleted, in arrays and maps of others their elements are; tokens of theirs are taken out of
the vault. What older versions, change feeds and logs hold goes when the tables' retention is over: run it again from
that day on, with the same ids, until it says that nothing is left. ``--force`` purges all of that at once; see what it
breaks in docs/erasure.md. A run that was killed is run again.

Exit codes: 0 they are out, and what is left goes by a further run (or the plan is told); 1 refused, or something is
left that this job does not take away; 2 bad configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.shown import as_json, say, shown
from jobs.console.text_table import table_lines
from jobs.erasure import carried_out, keeping_out, off_list, proof, receipt_job
from jobs.erasure.carried_out import Trail, Wanted
from jobs.erasure.outcome import Erased
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session
from jobs.subjects import asked
from jobs.subjects.asked import Asked

BREAKS = (
    "--force: nobody can read older versions of these tables any more, not even who is reading one now; what follows "
    "their change feed or log (streams, runs of mode incremental or changes from or to them) must begin anew"
)
NOWHERE = (
    "found nowhere, in no table and no older version that was looked into. Unless they were erased before, or stand "
    "where nobody looked, see that they are spelled as the sources have them: numbers in canonical form (1001, not "
    "1001.00)"
)
NOT_PURGED = (
    "an erasure of exactly these waited until {} to purge what it left in older versions, change files and logs: no "
    "run does that by their ids any more. Do not erase them again for it: from that day on VACUUM and the log's "
    "clean-up take it (of treated tables jobs/retain.py with versions_days; of sources, whoever keeps them)"
)


def plan(spark: SparkSession, conf: Config, wanted: Wanted, report: Report = events.silent) -> Erased:
    """What `run` would do. Nothing is written. Raises `Refused` with all that is against it."""
    return carried_out.planned(spark, conf, wanted, report)


def run(
    spark: SparkSession,
    conf: Config,
    wanted: Wanted,
    trail: Trail | None = None,
    report: Report = events.silent,
    receipt: Path | None = None,
) -> Erased:
    """Take them out, and purge what may go by now. Run again after an interruption it goes on where tables stand.
    trail: None: the audit log and the list of the erased, as the configuration names them. receipt: the file that is to
    hold one, signed."""
    told = trail or proof.opened(spark, conf, wanted.asked, receipt, report)
    try:
        return carried_out.erased(spark, conf, wanted, told, report)
    except BaseException as error:
        if isinstance(told, proof.Proof):
            told.failed(error)
        raise


# -- what is told -----------------------------------------------------------------------------------------------------


def as_data(found: Erased) -> dict[str, Any]:
    told = dataclasses.asdict(found)
    return {**_plain(told), "gone": found.is_gone, "done": found.is_done, "until": _plain(found.until)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name not in ("digests", "ids")}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def lines(found: Erased, is_plan: bool = False) -> Iterator[str]:
    many = "1 subject" if found.subjects == 1 else f"{found.subjects} subjects"
    yield f"{'plan for ' if is_plan else ''}{many} of domain {found.domain}"
    rows = [
        (each.name, f"{each.before} -> {each.after}" if each.is_changed else str(each.before), str(each.rows_deleted),
         str(each.elements_removed), str(each.files))
        for each in found.tables
    ]  # fmt: skip
    yield from table_lines(("table", "version", "rows", "elements", "files"), rows)
    if found.subject_keys:
        yield f"keys of subjects that {'would be' if is_plan else 'were'} destroyed: {found.subject_keys}"
    if found.nowhere:
        yield f"{found.nowhere} of them {'was' if found.nowhere == 1 else 'were'} {NOWHERE}"
    if found.forced:
        yield BREAKS
    for name, each in found.all_remains:
        day = f"goes from {each.until} on" if each.until is not None else "stays"
        yield f"{f'{name}: ' if name else ''}{each.count} {each.kind.replace('_', ' ')}, {day}: {each.why}"
    for gap in found.unsearched:
        yield f"not looked into: {': '.join(filter(None, (gap.table, gap.place)))}: {gap.why}"
    if found.is_gone:
        yield "nothing of theirs would be left" if is_plan else "nothing of theirs is left"
    elif found.until is not None:
        yield f"run it again from {found.until} on, with the same ids"


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("erase", __doc__)
    flags.CONF.on(options, required=True)
    flags.DOMAIN.on(options, more="whose ids are given")
    whom = options.add_mutually_exclusive_group()
    flags.IDS.on(whom)
    whom.add_argument("--ids-table", metavar="TABLE", help="a table, or the path of one, that holds the ids")
    options.add_argument("--ids-column", metavar="COLUMN", help="the column of --ids-table")
    flags.HELD_IN.on(options, more="then neither sources nor vaults are reached")
    options.add_argument("--sources", action="store_true", help="take them out of sources too, as far as those are "
                         "Delta tables; and look whether others hold them")  # fmt: skip
    options.add_argument("--force", action="store_true", help="purge at once what retention keeps (docs/erasure.md)")
    options.add_argument("--plan", action="store_true", help="say what would be done, and write nothing")
    options.add_argument("--receipt", type=Path, metavar="FILE", help="leave a signed receipt there, a new file")
    flags.VERIFY_RECEIPT.on(options, more="with ids: whether they were its subjects. Nothing is erased")
    flags.PUBLIC_KEY.on(options, more="with --verify-receipt")
    options.add_argument("--make-list", metavar="PATH", help="make an empty list of the erased, which keeps them out "
                         "of later runs, and print the lines for policy.yaml. Nothing is erased")  # fmt: skip
    flags.OFF_LIST.on(options, more="with --domain, --actor, --because and --approval. Nothing is erased")
    flags.ACTOR.on(options, more="who takes them off")
    flags.BECAUSE.on(options)
    flags.APPROVAL.on(options, more="of --off-list")
    flags.JSON.on(options)
    return options


ALONE = ("plan", "verify_receipt", "make_list", "off_list")
"""What is asked for in the place of an erasure."""


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    _check(options)
    conf = arguments.loaded(options.conf)
    if options.domain is not None:
        asked.check_domain(conf, options.domain)
    started = session.start("lakenym erase")
    if options.make_list is not None:
        print(keeping_out.make(session.for_run(started), options.make_list), end="")
        return DONE
    if options.off_list is not None:
        return _taken_off(started, conf, options)
    if options.verify_receipt is not None:
        whom = _asked(started, options) if _are_given(options) else None
        return receipt_job.told(started, conf, options.verify_receipt, options.public_key, whom, options.json)
    wanted = Wanted(_asked(started, options), options.force, options.sources)
    report = _warnings if options.json else events.terminal
    found = (
        plan(started, conf, wanted, report)
        if options.plan
        else run(started, conf, wanted, report=report, receipt=options.receipt)
    )
    print(as_json(as_data(found))) if options.json else say("\n".join(map(shown, lines(found, options.plan))))
    return DONE if options.plan or found.is_done else REFUSED


def _check(options: argparse.Namespace) -> None:
    """What words do not go together, before Spark starts."""
    if (options.ids_table is None) != (options.ids_column is None):
        raise BadUsage("--ids-table and --ids-column go together")
    alone = [name for name in ALONE if vars(options)[name] not in (None, False)]
    if len(alone) > 1 or (alone and options.receipt is not None):
        words = [f"--{name.replace('_', '-')}" for name in (*alone, *["receipt"] * (options.receipt is not None))]
        raise BadUsage(f"{' and '.join(words)} do not go together: say one of them")
    if options.off_list is not None and (options.domain is None or _are_given(options)):
        raise BadUsage("--off-list goes with --domain, --actor, --because and --approval, and with no other ids")
    is_erasure = options.plan or not alone
    if is_erasure and (options.domain is None or not _are_given(options)):
        raise BadUsage("say whom to erase: --domain, and --ids or --ids-table")
    if options.ids is not None:
        given_files.readable(options.ids)


def _are_given(options: argparse.Namespace) -> bool:
    return options.ids is not None or options.ids_table is not None


def _taken_off(spark: SparkSession, conf: Config, options: argparse.Namespace) -> int:
    whom = asked.of_file(options.domain, options.off_list, None)
    request = off_list.Request(whom, options.actor or "", options.because or "")
    approval = None if options.approval is None else given_files.text(options.approval)
    done = failures.translated("", lambda: off_list.taken_off(spark, conf, request, approval))
    told = f"{done.found} of {done.subjects} ids of domain {done.domain} stood on the list, and do no more"
    told = f"{told} (version {done.version} of it)"
    if done.not_purged is not None:
        told = f"{told}\n{NOT_PURGED.format(done.not_purged)}"
    say(as_json(dataclasses.asdict(done)) if options.json else told)
    return DONE


def _asked(spark: SparkSession, options: argparse.Namespace) -> Asked:
    held_in = asked.held_in(options.held_in)
    if options.ids is not None:
        return asked.of_file(options.domain, options.ids, held_in)
    own = session.for_run(spark)
    return asked.of_table(own, options.domain, options.ids_table, options.ids_column, held_in)


def _warnings(event: events.Event) -> None:
    """Beside JSON nothing else is on standard output."""
    if isinstance(event, events.Warned | events.Failed):
        events.terminal(event)


if __name__ == "__main__":
    sys.exit(process.ended(main))
