"""Move treated tables to the version of a key that is in force: ``python jobs/rotate_keys.py --conf conf --key crm``.

Make the version and put it in force first (``keys.py add``, ``promote``). ``--plan`` says what would be done, and
writes nothing. Tables whose columns can all be turned back are re-encrypted from themselves, others treated anew from
their sources; each is moved in one commit, and marked before the first one is. A run that was killed is run again and
goes on; at the end it is proven that nothing of an older version is left (docs/rotation.md).

Exit codes: 0 all tables are moved and proven, or the plan is told; 1 refused, or not proven; 2 bad configuration or
usage; 3 failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.shown import as_json, say, shown
from jobs.console.text_table import table_lines
from jobs.rotation import bridge_filling, carried_out, foreseen, judged, scope
from jobs.rotation.carried_out import Rotated
from jobs.rotation.foreseen import Size
from jobs.rotation.needed import Needed
from jobs.rotation.scope import Asked, Scope, check
from jobs.rotation.ways import WAYS
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session


def plan(
    spark: SparkSession, conf: Config, asked: Asked, report: Report = events.silent
) -> tuple[Scope, dict[str, Size], list[Needed]]:
    """What `run` would do, and use of limits. Nothing is written. Raises `Refused` with all that is against it."""
    found = scope.found(spark, conf, asked)
    used = judged.check(spark, conf, found, asked, report)
    return found, foreseen.sizes(session.for_run(spark), found), used


def run(spark: SparkSession, conf: Config, asked: Asked, report: Report = events.silent) -> Rotated:
    """Move the tables, and prove it. Run again after an interruption it goes on where the tables stand; at the end it
    finds nothing to do and writes nothing."""
    return carried_out.rotated(spark, conf, asked, report)


def build_bridge(spark: SparkSession, conf: Config, asked: Asked) -> int:
    """Put into the sealed bridge of a domain what it lacks of the values of the sources; returns how many rows it has
    then. Raises `Refused`."""
    if asked.domain is None:
        raise BadUsage("say of which domain the bridge is: --domain")
    domain, own = asked.domain, session.for_run(spark)
    return failures.translated(domain, lambda: bridge_filling.built(own, conf, scope.found(own, conf, asked), domain))


# -- what is told -----------------------------------------------------------------------------------------------------


def as_data(found: Rotated) -> dict[str, Any]:
    return {
        "key": found.key,
        "from": list(found.before),
        "to": found.after,
        "proven": found.is_proven,
        "tables": [
            {
                "table": each.table,
                "way": each.way,
                "version": each.version,
                "rows": each.rows,
                "proven": each.is_proven,
                "checks": [
                    {"check": check.name, "outcome": check.outcome, "said": check.said, "faults": list(check.faults)}
                    for check in each.checks
                ],
            }
            for each in found.tables
        ],
        "old_versions": [
            {"id": version, "may_be_disabled": found.may_be_disabled(version), "named_by": names}
            for version, names in found.named_by.items()
        ],
        "held_by": list(found.held_by),
    }


def lines(found: Rotated) -> Iterator[str]:
    rows = [
        (each.table, each.way, str(each.version), "yes" if each.is_proven else "NO", _said(each.checks))
        for each in found.tables
    ]
    if not found.has_written:
        yield f"key {found.key}: all tables are under version {found.after}: there was nothing to move"
    yield from table_lines(("table", "way", "version", "proven", "checks"), rows)
    for each in found.tables:
        yield from (f"{each.table}: {check.name}: {fault}" for check in each.checks for fault in check.faults)
        yield from (f"{each.table}: {check.name}: {check.said}" for check in each.checks if check.name == "sample")
    for version, names in found.named_by.items():
        if found.may_be_disabled(version):
            yield f"version {version} may be disabled: keys.py disable --id {version}"
        else:
            yield f"version {version} is still needed" + (f" by {', '.join(names)}" if names else ": not all is proven")
    yield "what holds values of older versions besides:"
    yield from (f"  {each}" for each in found.held_by)


def _said(checks: Sequence[Any]) -> str:
    return ", ".join(f"{each.name} {each.outcome}" for each in checks) or "by the audit log"


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("rotate_keys", __doc__)
    flags.CONF.on(options, required=True)
    what = options.add_mutually_exclusive_group(required=True)
    what.add_argument("--key", help="a key of keys.yaml (all tables that hold it)")
    what.add_argument(
        "--domain", help="a domain of domains.yaml (the tables that hold it, and all that share more with them)"
    )
    more = (
        "table: re-encrypt from the treated tables, and refuse where that cannot be; source: treat anew from the "
        "sources; layer: by further layers alone, docs/layers.md, and nothing is turned back; bridge: from the treated "
        "tables, and what cannot be turned back by the sealed bridge of its domain; auto, the default: each "
        "table from itself where all its columns of the key can be turned back, or have layers"
    )
    flags.MODE.on(options, former=("--way",), more=more, choices=WAYS, default="auto")
    options.add_argument("--plan", action="store_true", help="say what would be done, and write nothing")
    options.add_argument(
        "--build-bridge",
        action="store_true",
        help="put the values of --domain into its sealed bridge, out of the sources, and move nothing",
    )
    flags.ACCEPT_RAW_HISTORY.on(options)
    flags.ACCEPT_DELETED_ROWS.on(options)
    flags.ACCEPT_SHORTER_SOURCE.on(options)
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.build_bridge and options.plan:
        raise BadUsage("--build-bridge writes, and tells no plan: leave --plan out")
    conf = arguments.loaded(options.conf)
    asked = Asked(
        options.key,
        options.domain,
        options.mode,
        raw_history=options.accept_raw_history,
        deleted_rows=options.accept_deleted_rows,
        shorter_source=options.accept_shorter_source,
    )
    check(conf, asked)
    started = session.start("lakenym rotate_keys")
    if options.build_bridge:
        rows = build_bridge(started, conf, asked)
        words = f"the bridge of domain {options.domain} has {rows:,} rows"
        say(as_json({"domain": options.domain, "rows": rows}) if options.json else words)
        return DONE
    report = _warnings if options.json else events.terminal
    if options.plan:
        moves = plan(started, conf, asked, report)
        print(as_json(foreseen.as_data(*moves))) if options.json else _say(foreseen.lines(*moves))
        return DONE
    result = run(started, conf, asked, report)
    print(as_json(as_data(result))) if options.json else _say(lines(result))
    return DONE if result.is_proven else REFUSED


def _warnings(event: events.Event) -> None:
    """Beside JSON nothing else is on standard output."""
    if isinstance(event, events.Warned | events.Failed):
        events.terminal(event)


def _say(told: Iterator[str]) -> None:
    say("\n".join(map(shown, told)))


if __name__ == "__main__":
    sys.exit(process.ended(main))
