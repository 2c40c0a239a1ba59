"""Approve that somebody sees values of a treated table: ``python jobs/approve.py --conf conf --approver NAME
--signing-key KEY --table crm.customers --columns email --where "..." --actor NAME --purpose WHY --at-most 10 --hours 24
--output FILE``.

It says in words what the approval allows, and asks, before it signs. --show explains a file that is there; --review
signs that an approver looked at a run that broke the glass (docs/reversal.md). With --domain and --ids in the place of
table, columns and rows it approves that somebody is given all that is held of one person (docs/subject_access.md).

Exit codes: 0 done; 1 refused, and nothing was signed; 2 bad configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs import subject
from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.asking import answer
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.shown import say
from jobs.erasure import off_list, off_list_approval
from jobs.reversal import approval as approvals
from jobs.reversal import asked as asking
from jobs.reversal import chosen_rows, judged, review, signer, trail, treated, words
from jobs.reversal.approval import Approval
from jobs.reversal.asked import Asked, Rows
from jobs.reversal.selection import Selection
from jobs.run_events import events
from jobs.signatures.keys import SigningKey
from jobs.spark_app import failures, session
from jobs.subject_access import approval as access_approvals
from jobs.subject_access import carried_out as access
from jobs.subject_access.request import Request
from jobs.subjects import asked as subjects_asked

UTC = datetime.timezone.utc


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be approved. at_most: rows of a run. hours: how long it counts, from not_before on, or from now. once:
    whether one run uses it up."""

    asked: Asked
    at_most: int
    hours: int
    once: bool = True
    not_before: datetime.datetime | None = None


def _nobody_agreed(told: str) -> None:
    raise Refused("nothing was signed: say in 'agreed' that what it allows is meant")


def run(
    spark: SparkSession,
    conf: Config,
    wanted: Wanted,
    key: SigningKey,
    agreed: Callable[[str], None] = _nobody_agreed,
    now: datetime.datetime | None = None,
) -> str:
    """The approval, for a file. agreed: is shown in words what it allows, and raises where someone says no. Raises
    `Refused` where the policy does not let this approver approve it, or nothing could be turned back by it."""
    own, now = session.for_run(spark), now or datetime.datetime.now(UTC)
    return failures.translated(wanted.asked.table, lambda: _signed(own, conf, wanted, key, agreed, now))


def _signed(
    spark: SparkSession,
    conf: Config,
    wanted: Wanted,
    key: SigningKey,
    agreed: Callable[[str], None],
    now: datetime.datetime,
) -> str:
    asked, by = wanted.asked, signer.approver(conf, key)
    judged.check_purpose(conf.policy, asked.purpose)
    looked = treated.look(spark, conf, asked.table)
    columns = treated.chosen(conf, looked, asked.columns)
    judged.check_keys(conf.policy, columns)
    judged.check_may_approve(by, conf, asked.table, columns)
    Selection(asked.table, columns, frozenset(asked.beside), {}, asked.form == "masked").check(looked.schema)
    chosen_rows.of(looked, asked.rows, asked.columns[0])
    made = _approval(wanted, looked.place, looked.record_sha256, now)
    judged.check_to_sign(made, by, conf.policy)
    classes = {path: ", ".join(sorted(each.classes)) for path, each in columns.items()}
    agreed("\n".join(words.lines(made, by.name, classes, treated.unproven(columns))))
    return approvals.sign(made, key)


def of_person(
    spark: SparkSession,
    conf: Config,
    request: Request,
    key: SigningKey,
    at_most: int,
    hours: int,
    agreed: Callable[[str], None] = _nobody_agreed,
    now: datetime.datetime | None = None,
) -> str:
    """An approval of subject access, for a file; otherwise as `run`. at_most: rows of the export."""
    own, now = session.for_run(spark), now or datetime.datetime.now(UTC)
    made, by = failures.translated("", lambda: access.approved(own, conf, request, key, at_most, hours, now))
    agreed("\n".join(made.lines(by)))
    return access_approvals.sign(made, key)


def _approval(wanted: Wanted, place: str, record_sha256: str, now: datetime.datetime) -> Approval:
    asked, begins = wanted.asked, (wanted.not_before or now).astimezone(UTC).replace(microsecond=0)
    return Approval(
        id=approvals.new_id(),
        table=asked.table,
        place=place,
        record_sha256=record_sha256,
        columns=asked.columns,
        beside=asked.beside,
        rows=asked.rows,
        actor=asked.actor,
        purpose=asked.purpose,
        form=asked.form,
        at_most=wanted.at_most,
        not_before=begins,
        expires=begins + datetime.timedelta(hours=wanted.hours),
        once=wanted.once,
    )


def show(conf: Config, text: str, now: datetime.datetime | None = None) -> str:
    """What an approval allows, in words. Raises `Refused` where no approver of the policy signed it."""
    if conf.policy.subject_access is not None:
        with contextlib.suppress(Refused):
            given = access_approvals.opened(text, conf.policy)
            told = given.approval
            return "\n".join([*told.lines(given.by.name), told.state(now or datetime.datetime.now(UTC))])
    signed = approvals.opened(text, conf.policy)
    table = conf.tables.get(signed.approval.table)
    classes = {} if table is None else {path: rule.class_ for path, rule in table.columns.items()}
    rules = {} if table is None else {path: table.columns.get(path) for path in signed.approval.columns}
    unproven = [path for path, rule in rules.items() if rule is not None and not rule.treatment.technique.authenticates]
    in_words = [*words.lines(signed.approval, signed.by.name, classes, unproven)]
    return "\n".join([*in_words, words.state(signed.approval, now or datetime.datetime.now(UTC))])


def reviewed(spark: SparkSession, conf: Config, run_id: str, key: SigningKey) -> str:
    """Tell the audit log that an approver looked at a run that broke the glass; returns the table. Raises `Refused`."""
    signer.approver(conf, key)
    own = session.for_run(spark)
    return failures.translated("", lambda: review.sign(trail.log_of(own, conf), conf.policy, run_id, key))


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("approve", __doc__)
    flags.CONF.on(options, required=True)
    what = options.add_mutually_exclusive_group()
    what.add_argument("--show", type=Path, metavar="FILE", help="explain an approval that is there, and whose it is")
    what.add_argument("--review", metavar="RUN", help="sign that you looked at a run that broke the glass")
    what.add_argument("--print-key", action="store_true", help="print the public key, for policy.yaml")
    options.add_argument("--approver", metavar="NAME", help="who signs, as policy.yaml names them")
    options.add_argument("--signing-key", metavar="KEY", help="a name of keys.yaml, or the address of a keyset")
    options.add_argument("--kek", metavar="URI", help="the key that encrypts the keyset at that address")
    for flag in (flags.ONE_TABLE, flags.COLUMNS, flags.WITH, flags.ACTOR, flags.PURPOSE, flags.FORM):
        flag.on(options)
    for flag in (flags.DOMAIN, flags.IDS, flags.HELD_IN):
        flag.on(options, more="subject access")
    flags.OFF_LIST.on(options, more="with --domain, --actor, --because and --hours (docs/receipts.md)")
    flags.BECAUSE.on(options)
    rows = options.add_mutually_exclusive_group()
    flags.WHERE.on(rows, more="over the treated table")
    flags.TOKENS.on(rows)
    options.add_argument("--at-most", type=flags.at_least_one, metavar="N", help="rows of a run")
    options.add_argument("--hours", type=flags.at_least_one, metavar="N", help="how long it counts, from now")
    options.add_argument("--many", action="store_true", help="it counts for any number of runs (default: once)")
    flags.OUTPUT.on(options, metavar="FILE", more="a new file")
    flags.YES.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    conf = arguments.loaded(options.conf)
    if options.show is not None:
        say(show(conf, given_files.text(options.show)))
        return DONE
    if options.approver is None or options.signing_key is None:
        raise BadUsage("say who signs, and with which key: --approver and --signing-key")
    key = signer.key(conf, options.approver, options.signing_key, options.kek)
    if options.print_key:
        say(str(key.public))
    elif options.review is not None:
        table = reviewed(session.start("lakenym approve"), conf, options.review, key)
        say(f"{table}: the audit log says that {key.name} looked at run {options.review}")
    elif options.off_list is not None:
        _approve_off_list(conf, options, key)
    elif options.domain is not None or options.ids is not None:
        _approve_access(conf, options, key)
    else:
        wanted, output = _wanted(options), _output(options)
        text = run(session.start("lakenym approve"), conf, wanted, key, lambda told: _agree(told, options.yes))
        given_files.create(output, text)
        say(f"signed: {output}")
    return DONE


def _approve_access(conf: Config, options: argparse.Namespace, key: SigningKey) -> None:
    others = ("table", "columns", "with", "where", "tokens", "many")
    if any(vars(options)[name] for name in others) or options.form != "clear":
        raise BadUsage("subject access is of all tables, as they hold a person, and once: leave the other flags out")
    if options.at_most is None or options.hours is None:
        raise BadUsage("say the most rows with --at-most, and how long it counts with --hours")
    request = Request(subject.asked_of(options), options.actor or "", options.purpose or "")
    output, spark = _output(options), session.start("lakenym approve")
    text = of_person(spark, conf, request, key, options.at_most, options.hours, lambda told: _agree(told, options.yes))
    given_files.create(output, text)
    say(f"signed: {output}")


def _approve_off_list(conf: Config, options: argparse.Namespace, key: SigningKey) -> None:
    if options.domain is None or options.hours is None or options.ids is not None or options.table:
        raise BadUsage("--off-list goes with --domain, --actor, --because and --hours, and with no table")
    asked, output = subjects_asked.of_file(options.domain, options.off_list, None), _output(options)
    request = off_list.Request(asked, options.actor or "", options.because or "")
    made, by = off_list.to_sign(conf, request, key, options.hours)
    _agree("\n".join(made.lines(by)), options.yes)
    given_files.create(output, off_list_approval.signed(made, key))
    say(f"signed: {output}")


def _wanted(options: argparse.Namespace) -> Wanted:
    if len(options.table or ()) != 1 or options.at_most is None or options.hours is None:
        raise BadUsage("name one table with --table, the most rows with --at-most, and how long it counts with --hours")
    asked = Asked(
        table=options.table[0],
        columns=asking.listed(options.columns),
        rows=Rows(where=options.where) if options.tokens is None else asking.of_tokens(options.tokens),
        actor=options.actor or "",
        purpose=options.purpose or "",
        form=options.form,
        beside=asking.listed(options.__dict__["with"]),
    )
    return Wanted(asked, options.at_most, options.hours, not options.many)


def _output(options: argparse.Namespace) -> Path:
    if options.output is None:
        raise BadUsage("say with --output which file is to hold the approval")
    return Path(options.output)


def _agree(told: str, yes: bool) -> None:
    say(told)
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("nothing was signed: say --yes where no one can be asked")
    if answer("Type yes to sign this: ").strip() != "yes":
        raise Refused("nothing was signed")


if __name__ == "__main__":
    sys.exit(process.ended(main))
