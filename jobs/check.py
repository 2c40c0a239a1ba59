"""Check the configuration against its policy: ``python jobs/check.py --conf conf [--as-of 2027-01-31] [--strict]``.

Starts no Spark and opens no key: fit for a pre-commit hook and for CI. A draft that nobody has accepted yet is told in
a line; its decisions are not looked at. Exit codes: 0 nothing is refused (there may be warnings, and drafts); 1 the
policy refuses something, or with ``--strict`` warns of it; 2 the configuration is faulty, or wrong usage. ``--as-of``
tells what will be refused on a day to come.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.command_line import arguments, flags
from jobs.configuration import config, unaccepted
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.finding import Finding, in_order, refused
from jobs.configuration.unaccepted import Unaccepted
from jobs.configuration.variables import StandIns
from jobs.console import next_step, process, shown
from jobs.console.exit_codes import DONE, REFUSED
from jobs.console.numbers import many
from jobs.console.shown import say
from jobs.gates import configuration_gates
from jobs.gates.known import today
from jobs.grants_sql import findings as grants
from jobs.policy import evidence_rules, whys
from jobs.policy.evidence_rules import Overruled

MOST_OVERRULED = 20
"""Columns that overrule the inventory, each told in a line; --json tells all."""


def run(conf: Config, as_of: datetime.date | None = None) -> list[Finding]:
    """What of a configuration its policy refuses or warns of, on a day; today, in UTC, if none is given. And what
    stands against its grants, if there are any; and reasons that give none, which no run repeats."""
    reasons = [found for table in conf.tables.values() for found in whys.of_table(table)]
    return in_order([*configuration_gates.all_findings(conf, as_of or today()), *grants.of(conf), *reasons])


def as_text(
    found: Sequence[Finding],
    tables: int,
    conf: Path,
    drafts: Sequence[Unaccepted] = (),
    overruled: Sequence[Overruled] = (),
) -> str:
    """One line for each finding and each draft, as editors know to follow them, one for each column that overrules the
    inventory (up to `MOST_OVERRULED`), and one that sums up."""
    stop = len(refused(found))
    total = f"{many(tables, 'table')}: {stop:,} refused, {many(len(found) - stop, 'warning')}"
    total += f"; {len(drafts):,} not accepted yet" if drafts else ""
    total += f"; the inventory is overruled of {many(len(overruled), 'column')}" if overruled else ""
    notes = [f"overruled: {each}" for each in overruled[:MOST_OVERRULED]]
    notes += [f"overruled: {len(overruled) - MOST_OVERRULED:,} more: --json"] if len(overruled) > MOST_OVERRULED else []
    return "\n".join([*(f"{conf}/{each}" for each in (*found, *drafts)), *notes, total])


def as_data(
    found: Sequence[Finding],
    tables: int,
    as_of: datetime.date,
    drafts: Sequence[Unaccepted] = (),
    overruled: Sequence[Overruled] = (),
) -> dict[str, Any]:
    """The same as plain data."""
    told = {"tables": tables, "as_of": str(as_of), "violations": [each.as_data() for each in found]}
    told |= {"overruled": [each.as_data() for each in overruled]} if overruled else {}
    return {**told, "drafts": [each.as_data() for each in drafts]} if drafts else told


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("check", __doc__)
    flags.CONF.on(options, required=True)
    options.add_argument("--as-of", type=_day, metavar="DATE", help="the day to check for; today (UTC) by default")
    flags.JSON.on(options)
    flags.WITHOUT_ENVIRONMENT.on(options)
    flags.STRICT.on(options, more="for warnings")
    return options


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date as YYYY-MM-DD, got {text!r}") from None


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return process.exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    as_of = options.as_of or today()
    try:
        conf = config.load(options.conf, StandIns(os.environ) if options.without_environment else os.environ)
    except ConfigError as error:
        _tell_faults(error, options)
        return error.exit_code
    found = run(conf, as_of)
    tables, overruled = len(conf.tables), evidence_rules.overruled(conf)
    decided = {name: (table.file, table.decisions) for name, table in conf.tables.items()}
    drafts = [*conf.drafts, *unaccepted.additions(options.conf, decided)]
    as_json = json.dumps(as_data(found, tables, as_of, drafts, overruled))
    say(as_json if options.json else as_text(found, tables, options.conf, drafts, overruled))
    if refused(found) or (options.strict and found):
        return REFUSED
    to_accept = [draft.table for draft in drafts if not draft.problem]
    if to_accept:
        next_step.tell("accept", "--conf", options.conf, "--table", to_accept[0])
    elif conf.tables:
        next_step.tell("plan", "--conf", options.conf, "--all")
    return DONE


def _tell_faults(error: ConfigError, options: argparse.Namespace) -> None:
    if options.json:
        faults = [{"file": f.file, "line": f.line, "key": f.key, "message": f.message} for f in error.faults]
        print(json.dumps({"faults": faults}))
        return
    for fault in error.faults:
        print(shown.event(f"{options.conf}/{fault}"))
    print(f"{many(len(error.faults), 'fault')}: the configuration cannot be used")


if __name__ == "__main__":
    sys.exit(process.ended(main))
