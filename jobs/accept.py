"""Accept a draft of the catalog column by column: ``python jobs/accept.py --conf conf --table crm.customers``.

At a terminal it asks about each column in turn: it shows what is proposed and why, never a value, and takes your class,
your treatment and your reason. Every answer is saved at once, so you can stop and go on another time. Without a
terminal, one column at a time: ``--column email --why TEXT``, with ``--class`` and ``--treatment`` where you decide
other than is proposed; or all those of one class of which the inventory has evidence in their values:
``--all-with-evidence direct_identifier --why TEXT``. Nothing is ever accepted so that is to be kept.

Where the class is less than what the inventory saw, it asks why the inventory is wrong: ``--evidence-overruled TEXT``.

With the last column the file stops being a draft, if all of it is sound; until then nothing treats its table. Of a
table that is accepted it goes through the new columns that the inventory drafted, ``catalog/<table>.yaml.draft``, whose
lines go into the table's file with the last one.
Exit codes: 0 done, also where columns are left; 1 an answer is refused; 2 wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from jobs.command_line import arguments, flags
from jobs.configuration.entry import Class
from jobs.console import next_step, process, shown
from jobs.console.exit_codes import DONE, BadUsage
from jobs.console.shown import say
from jobs.run_events import events
from jobs.spark_app import failures
from jobs.starting import additions, draft_columns, typed_treatment, walk
from jobs.starting.acceptance import Draft
from jobs.starting.found_tables import absolute

NEVER_IN_BULK = "non_personal"
"""The class whose columns are kept: each wants a look of its own."""
STATED = ("owner", "target", "subject")
"""What options state of the table itself."""


def run(
    draft: Draft, path: str, why: str, class_: str | None = None, treatment: str | None = None, overruled: str = ""
) -> list[str]:
    """Accept one column: as it is proposed, but for what is stated. overruled: why the inventory is wrong about it.
    Returns warnings. Raises `Refused`, `BadUsage`."""
    column = draft.column(path)
    read = column.treatment if treatment is None else typed_treatment.read(treatment, draft.around.domains)
    return draft.accept(path, class_ or column.class_, read, why, overruled)


def run_evident(draft: Draft, class_: str, why: str, tell: Callable[[str], None] = lambda line: None) -> list[str]:
    """Accept all columns that are proposed as of ``class_`` because of what their values are; returns which. tell: of
    each as soon as it is saved, for the next may be refused."""
    if class_ == NEVER_IN_BULK:
        raise BadUsage(
            f"--all-with-evidence: columns of class {NEVER_IN_BULK} are kept, so each is looked at by itself"
        )
    found = draft_columns.evident(draft.columns(), class_)
    for column in found:
        warnings = draft.accept(column.path, column.class_, column.treatment, why)
        for line in (*(f"warning: {warning}" for warning in warnings), "accepted"):
            tell(f"{column.path}: {line}")
    return [column.path for column in found]


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("accept", __doc__)
    flags.CONF.on(options, required=True)
    flags.ONE_TABLE.on(options, required=True)
    which = options.add_mutually_exclusive_group()
    which.add_argument("--column", metavar="PATH", help="accept this column")
    which.add_argument(
        "--all-with-evidence",
        choices=[name for name in get_args(Class) if name != NEVER_IN_BULK],
        help="accept as proposed the columns of this class that the inventory knows by their values",
    )
    which.add_argument("--list", action="store_true", help="show the columns and what is proposed, and change nothing")
    options.add_argument("--class", dest="class_", choices=get_args(Class), help="with --column: its class")
    options.add_argument("--treatment", help=f"with --column: what becomes of it: {typed_treatment.EXAMPLES}")
    options.add_argument("--why", help="your reason, in your own words")
    options.add_argument(
        "--evidence-overruled",
        metavar="TEXT",
        help="with --column: why the inventory is wrong about it (what the values are instead)",
    )
    options.add_argument("--owner", help="who answers for the decisions")
    options.add_argument("--target", metavar="PATH", help="where treated tables go (this one)")
    options.add_argument("--subject", metavar="COLUMN", help="the column that says whose row it is")
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    if len(asked.table) != 1:
        parser().error("name one table with --table")
    asked.table = asked.table[0]
    if asked.target and not asked.target.startswith("${"):  # else it would depend on where a run is started
        asked.target = absolute(asked.target)
    return failures.exit_code(events.terminal, lambda: _run(asked))


def _run(asked: argparse.Namespace) -> int:
    _check(asked)
    draft = additions.opened(asked.conf, asked.table)
    changes = _changes(asked)
    if asked.list or (asked.json and not changes and not _is_decided(draft)):
        _list(draft, asked.json)
        return DONE
    for what in STATED:
        if getattr(asked, what) is not None:
            draft.state(what, getattr(asked, what))
    told = list[str]()
    tell = told.append if asked.json else say
    stands = dict[str, Any]()
    try:
        _decide(asked, draft, tell)
        stands = _as_data(draft)
        return _finish(draft, asked.conf, tell)
    finally:  # what is decided is saved by then, whatever is refused after it
        if asked.json and told:
            print(shown.as_json({**(stands or _as_data(draft)), "told": told}))


def _decide(asked: argparse.Namespace, draft: Draft, tell: Callable[[str], None]) -> None:
    if asked.column is not None:
        overruled = asked.evidence_overruled or ""
        for warning in run(draft, asked.column, asked.why, asked.class_, asked.treatment, overruled):
            tell(f"{asked.column}: warning: {warning}")
        tell(f"{asked.column}: accepted")
    elif asked.all_with_evidence is not None:
        run_evident(draft, asked.all_with_evidence, asked.why, tell)
    elif _is_decided(draft):
        pass  # nothing to ask, so no terminal is needed: stopped before it was finished, or decided in the entry
    elif sys.stdin.isatty() and not asked.json:
        walk.through(draft, input, say)
    elif not _changes(asked):
        raise BadUsage("no terminal to ask at: say --column and --why, --all-with-evidence and --why, or --list")


def _check(asked: argparse.Namespace) -> None:
    if (asked.column or asked.all_with_evidence) and not (asked.why or "").strip():
        raise BadUsage("--why: say why, in your own words; nothing is accepted without a reason")
    if (asked.class_ or asked.treatment) and not asked.column:
        raise BadUsage("--class and --treatment go with --column")
    if asked.evidence_overruled and not asked.column:
        raise BadUsage("--evidence-overruled goes with --column")
    if asked.why and not (asked.column or asked.all_with_evidence):
        raise BadUsage("--why goes with --column or --all-with-evidence")
    changes = _changes(asked)
    if changes and asked.list:
        raise BadUsage(f"--list shows the columns and changes nothing: leave out --{changes[0].replace('_', '-')}")


def _changes(asked: argparse.Namespace) -> list[str]:
    """The flags by which something is decided or stated."""
    return [name for name in ("column", "all_with_evidence", *STATED) if getattr(asked, name) is not None]


def _list(draft: Draft, as_json: bool) -> None:
    if as_json:
        print(shown.as_json(_as_data(draft)))
        return
    columns = draft.columns()
    if not columns:
        say(f"{draft.table}: no column of {draft.path.name} is left to decide: without --list, it is cleared away")
    for column in columns:
        state = "accepted" if column.accepted else "open"
        say(f"{column.path}: {state}: {column.class_} -> {typed_treatment.shown(column.treatment)}")
        for note in column.notes:
            say(f"    {note}")


def _as_data(draft: Draft) -> dict[str, Any]:
    file = draft.path.relative_to(draft.folder).as_posix()
    return {"table": draft.table, "file": file, "columns": [each.as_data() for each in draft.columns()]}


def _is_decided(draft: Draft) -> bool:
    return not draft.lacks() and all(column.accepted for column in draft.columns())


def _finish(draft: Draft, conf: Path, tell: Callable[[str], None]) -> int:
    left = [column.path for column in draft.columns() if not column.accepted]
    if left or draft.lacks():
        missing = [f"--{name}" for name in draft.lacks()]
        open_ = [f"{len(left):,} column{'s' * (len(left) > 1)} ({', '.join(left[:5])}{', ...' * (len(left) > 5)})"]
        tell(f"{draft.table}: left: {', '.join([*missing, *(open_ if left else [])])}")
        next_step.tell("accept", "--conf", conf, "--table", draft.table)
        return DONE
    draft.finish()
    tell(f"{draft.table}: {draft.done()}")
    next_step.tell("plan", "--conf", conf, "--table", draft.table)
    return DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
