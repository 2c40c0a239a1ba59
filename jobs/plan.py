"""Show what would be done to tables: ``python jobs/plan.py --conf conf --table crm.customers [--json]``.

``--diff record`` shows instead what the configuration changes for the table that stands at the target, by the record of
its treatment; ``--diff REV`` what it changes since a git revision (which starts no Spark). ``--fail-on-weaker`` exits 1
if a column would show more than before, or may.

It warns and refuses as a run would, by what the keys in force are, what settings of Spark give away, what other tables'
records say, and where a target's path leads; what stands at the target only a run looks at (``--dry-run``).
Reads schemas and the ids of keys, no rows; prints no values and no secrets. Exit codes as `jobs.pseudonymize`.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.archive import git_revision
from jobs.command_line import arguments
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.documents import canonical_json
from jobs.configuration.variables import StandIns
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.shown import say
from jobs.gates.checks import refuse
from jobs.lake import consent, places, read, state
from jobs.lake.sql import quoted
from jobs.named_keys import key_checks, key_exposure, key_ring
from jobs.policy.diff_report import TableDiff
from jobs.policy.treatment_diff import diff, diff_rows, entries_of
from jobs.record import record_reader, treatment_record
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.treatment import predicates, treatment_plan
from jobs.treatment.treatment_plan import ColumnPlan, Plan

THE_RECORD = "record"
LONGEST = 40
"""Characters of a parameter in a table: all steps of a `normalize`, and not a hierarchy."""


def as_data(plan: Plan) -> dict[str, Any]:
    """A plan as plain data: one object per leaf column, or per case of it, in the order of the source's schema. rows:
    where not all are read, or not all are treated so."""
    rows = {} if plan.config.rows is None else {"rows": plan.config.rows}
    return {"table": plan.table, **rows, "columns": [_column(column) for column in plan.columns]}


def _column(column: ColumnPlan) -> dict[str, Any]:
    parameters = column.treatment.technique.record()
    rows = {} if column.rule.rows is None else {"rows": column.rule.rows}
    return {
        "column": str(column.path),
        **rows,
        "class": column.rule.class_,
        "technique": parameters.pop("technique"),
        "parameters": parameters,
        "domain": column.domain,
        "key": column.treatment.key,
        "key_id": column.key_id,
        "input_type": column.input.simpleString(),
        "output_type": None if column.output is None else column.output.simpleString(),
        "why": column.rule.why,
    }


def as_text(plan: Plan) -> str:
    """A plan as a table for a person; parameters that stand at their defaults are left out."""
    header = ("column", "class", "technique", "parameters", "domain", "key", "type", "becomes", "why")
    lines = events.table_lines(header, [_row(column) for column in plan.columns])
    read = [] if plan.config.rows is None else [f"  only rows for which this is true: {_on_one_line(plan.config.rows)}"]
    return "\n".join([plan.table, *read, *(f"  {line}" for line in lines), *_cases(plan)])


def _cases(plan: Plan) -> list[str]:
    cases = [(str(column.path), column.rule.rows) for column in plan.columns if column.rule.rows is not None]
    lines = events.table_lines(("column", "for rows for which this is true"), [[p, _on_one_line(r)] for p, r in cases])
    return ["", *(f"  {line}" for line in lines)] if cases else []


def _on_one_line(rows: str) -> str:
    return " ".join(rows.split())


def _row(column: ColumnPlan) -> list[str]:
    changed = column.treatment.technique.model_dump(mode="json", exclude_defaults=True)
    parameters = " ".join(f"{name}={_short(value)}" for name, value in changed.items() if name != "technique")
    key = "" if column.treatment.key is None else f"{column.treatment.key}#{column.key_id}"
    output = "(dropped)" if column.output is None else column.output.simpleString()
    cells = (column.rule.class_, column.name, parameters, column.domain or "", key)
    return [str(column.path), *cells, column.input.simpleString(), output, column.rule.why]


def _short(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else f"({len(value)} entries)" if isinstance(value, list) else f"{text[:27]}..."


def against_record(spark: SparkSession, conf: Config, table: str) -> TableDiff:
    """What a run would change for the table that stands at the target, by its treatment record."""
    entry = conf.tables[table]
    plan, keys, _ = _plan(spark, conf, table)
    after = {str(path): entry for path, entry in treatment_record.entries(plan, keys.checks(plan)).items()}
    found = failures.translated(table, lambda: state.inspect(spark, entry.target))
    before = record_reader.columns_of(found.properties)
    against = f"the record of version {found.version}" if before else "no record: everything is new"
    rows = diff_rows(record_reader.rows_of(found.properties), entry.rows) if before else None
    return TableDiff(table, against, tuple(diff(before, after)), rows)


def against_revision(conf: Config, before: Config, table: str, revision: str) -> TableDiff:
    """What the configuration changes for a table since a revision, by what is written in both."""
    sides = [entries_of(side, table) if table in side.tables else {} for side in (before, conf)]
    both = table in before.tables and table in conf.tables
    rows = diff_rows(before.tables[table].rows, conf.tables[table].rows) if both else None
    return TableDiff(table, f"revision {revision}", tuple(diff(*sides)), rows)


def _plan(spark: SparkSession, conf: Config, table: str) -> tuple[Plan, key_ring.KeyRing, list[str]]:
    """The plan, the keys that it needs, and why its source must not be read."""
    entry = conf.tables[table]
    source = failures.translated(table, lambda: predicates.minimized(read.rows_of(spark, entry.source), entry))
    refuse(table, key_exposure.refusals(spark.sparkContext.getConf().getAll(), conf.keys))
    keys = key_ring.open_for(conf, entry)
    plan = treatment_plan.build(entry, source.rows.schema, keys.ids, source.names_from_data)
    if entry.target.path is not None:
        target = entry.target.path
        failures.translated(table, lambda: places.check_apart(spark, source.rows, target, f"delta.{quoted(target)}"))
    return plan, keys, consent.refusals(entry, source)


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("plan", __doc__)
    options.add_argument("--json", action="store_true", help="one JSON object per table instead of text")
    options.add_argument(
        "--diff", metavar="record|REV", help="show only what changes: against the target's record, or a git revision"
    )
    options.add_argument(
        "--fail-on-weaker",
        action="store_true",
        help="with --diff: exit 1 if a treatment is weaker, or cannot be compared with the one before",
    )
    arguments.add_other_key_version(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.fail_on_weaker and options.diff is None:
        parser().error("--fail-on-weaker goes with --diff")
    by_revision = options.diff not in (None, THE_RECORD)
    return failures.exit_code(events.terminal, lambda: (_revisions if by_revision else _print_all)(options))


def _revisions(options: argparse.Namespace) -> int:
    conf, names = arguments.chosen(options)
    with git_revision.folder_at(options.conf, options.diff) as folder:
        try:
            before = config.load(folder, StandIns(os.environ))
        except ConfigError as error:
            raise BadUsage(f"the configuration at revision {options.diff}: {error}") from None
    names = list(dict.fromkeys([*names, *before.tables])) if options.all else names
    return max([_tell(against_revision(conf, before, name, options.diff), options) for name in names])


def _tell(found: TableDiff, options: argparse.Namespace) -> int:
    say(canonical_json(found.as_data()) if options.json else found.as_text())
    return REFUSED if options.fail_on_weaker and found.is_weaker else DONE


def _print_all(options: argparse.Namespace) -> int:
    conf, names = arguments.chosen(options)
    spark = session.for_run(session.start("lakenym plan"))

    def show(name: str) -> int:
        if options.diff is not None:
            return _tell(against_record(spark, conf, name), options)
        plan, keys, refusals = _plan(spark, conf, name)
        say(canonical_json(as_data(plan)) if options.json else as_text(plan))
        found = failures.translated(
            name, lambda: key_checks.look(spark, conf, plan, keys, names, options.accept_other_key_version)
        )
        for warning in found.warned:
            events.terminal("warning", table=name, message=warning)
        refuse(name, [*refusals, *found.refused])
        return 0

    return max(failures.exit_code(events.terminal, functools.partial(show, name), name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
