"""Show what would be done to tables: ``python jobs/plan.py --conf conf --table crm.customers [--json]``.

``--diff record`` shows instead what the configuration changes for the table that stands at the target, by the record of
its treatment; ``--diff REV`` what it changes since a git revision (which starts no Spark). ``--fail-on-weaker`` exits 1
if a column would show more than before, or may.

After what it shows it warns and refuses as the run would, for it asks the same gates (`jobs.gates.run_gates`); not with
``--diff REV``, which compares configurations alone. Reads schemas, records and the ids of keys, no rows; prints no
values and no secrets. Exit codes as `jobs.pseudonymize`.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.archive import git_revision
from jobs.command_line import arguments, flags
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.documents import canonical_json
from jobs.configuration.variables import StandIns
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.shown import say
from jobs.console.text_table import table_lines
from jobs.gates import run_gates, used_up
from jobs.gates.known import Allowed, Inspected, Planned
from jobs.policy import whys
from jobs.policy.diff_report import TableDiff
from jobs.policy.mondrian_diff import diff_mondrian
from jobs.policy.treatment_diff import diff, diff_rows, diff_suppress, entries_of
from jobs.record import measured_risk, record_reader, treatment_record
from jobs.run_events import events, risk_words
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures, session
from jobs.table_run import unchanged
from jobs.table_run.planned import inspected, nothing_new, planned, prepared
from jobs.treatment import file_statistics, risk_columns
from jobs.treatment.treatment_plan import Case, Decision, Plan
from privacy_udfs.errors import LakenymError

THE_RECORD = "record"
LONGEST = 40
"""Characters of a parameter in a table: all steps of a `normalize`, and not a hierarchy."""


def as_data(plan: Plan) -> dict[str, Any]:
    """A plan as plain data: one object per leaf column, or per case of it, in the order of the source's schema. rows:
    where not all are read, or not all are treated so. mondrian: into which boxes quasi-identifiers are cut, if they
    are. suppress: which are kept out of the target, if some are. row_order: of the target, ``shuffled`` or
    ``source``. folders: treated columns whose values are names of folders. statistics: columns that identify people
    and whose least and greatest values are kept beside the rows."""
    rows = {} if plan.config.rows is None else {"rows": plan.config.rows}
    suppress = {} if plan.config.suppress is None else {"suppress": plan.config.suppress.model_dump(mode="json")}
    return {
        "table": plan.table,
        **rows,
        **({} if treatment_record.boxes(plan) is None else {"mondrian": treatment_record.boxes(plan)}),
        **suppress,
        **({} if plan.config.kept is None else {"retention": plan.config.kept.model_dump(exclude_none=True)}),
        "row_order": "shuffled" if plan.config.is_shuffled else "source",
        **({"folders": _folders(plan)} if _folders(plan) else {}),
        **({"statistics": list(map(str, kept))} if (kept := file_statistics.asked_for(plan)) else {}),
        "columns": [_column(leaf, case) for leaf in plan.leaves for case in leaf.cases],
    }


def _column(leaf: Decision, case: Case) -> dict[str, Any]:
    parameters = case.treatment.technique.record()
    rows = {} if case.rule.rows is None else {"rows": case.rule.rows}
    return {
        "column": str(case.path),
        **rows,
        "class": case.rule.class_,
        "technique": parameters.pop("technique"),
        "parameters": parameters,
        "domain": case.domain,
        "key": case.treatment.key,
        "key_id": case.key_id,
        **_keys(case),
        "input_type": leaf.input.simpleString(),
        "output_type": None if leaf.output is None else leaf.output.simpleString(),
        "why": case.rule.why,
    }


def _keys(case: Case) -> dict[str, Any]:
    """Of texts with pseudonyms of domains within: the key of each domain that has one."""
    keyed = [part for part in case.parts if part.treatment.key is not None]
    keys = {part.domain: {"key": part.treatment.key, "key_id": part.key_id} for part in keyed}
    return {"keys": keys} if keys else {}


def as_text(plan: Plan) -> str:
    """A plan as a table for a person; parameters that stand at their defaults are left out."""
    header = ("column", "class", "technique", "parameters", "domain", "key", "type", "becomes", "why")
    lines = table_lines(header, [_row(leaf, case) for leaf in plan.leaves for case in leaf.cases], indent=2)
    read = [] if plan.config.rows is None else [f"  only rows for which this is true: {_on_one_line(plan.config.rows)}"]
    kept = plan.config.kept
    if kept is not None and kept.by is not None:
        read.append(f"  rows are left out once their {kept.by} is more than {kept.days} days back (retention)")
    order = ["  the rows are written in random order"] if plan.config.is_shuffled else []
    order += [f"  what {name} becomes are names of folders" for name in _folders(plan)]
    order += [f"  the least and greatest values of {path} are kept" for path in file_statistics.asked_for(plan)]
    return "\n".join(
        [plan.table, *read, *_boxes(plan), *_suppressed(plan), *order, *(f"  {line}" for line in lines), *_cases(plan)]
    )


def _folders(plan: Plan) -> list[str]:
    treated = [leaf for leaf in plan.folders if not all(c.treatment.technique.keeps_values for c in leaf.cases)]
    return [str(leaf.path) for leaf in treated]


def _boxes(plan: Plan) -> list[str]:
    stated = plan.config.mondrian
    if stated is None:
        return []
    columns, bounds = risk_columns.of(plan), stated.bounds()
    counted = "rows" if columns.subject is None else "people"
    more = "".join(f", {name} {bound}" for name, bound in bounds.items() if name != "k")
    ladders = "".join(f", {name} by {steps}" for name, steps in stated.ladders.items())
    named = ", ".join(map(str, columns.quasi_identifiers))
    return [f"  cut into boxes of {stated.k} {counted} or more{more} (mondrian{ladders}): {named}"]


def _suppressed(plan: Plan) -> list[str]:
    stated = plan.config.suppress
    if stated is None:
        return []
    counted = "rows" if risk_columns.of(plan).subject is None else "people"
    classes = f"rows in classes of fewer than {stated.k} {counted}, by quasi-identifiers,"
    return [f"  {classes} are kept out, up to a share of {stated.at_most}"]


def _cases(plan: Plan) -> list[str]:
    cases = [(str(case.path), case.rule.rows) for case in plan.cases if case.rule.rows is not None]
    lines = table_lines(("column", "for rows for which this is true"), [[p, _on_one_line(r)] for p, r in cases], 2)
    return ["", *(f"  {line}" for line in lines)] if cases else []


def _on_one_line(rows: str) -> str:
    return " ".join(rows.split())


def _row(leaf: Decision, case: Case) -> list[str]:
    changed = case.treatment.technique.model_dump(mode="json", exclude_defaults=True)
    parameters = " ".join(f"{name}={_short(value)}" for name, value in changed.items() if name != "technique")
    key = " ".join(f"{each.treatment.key}#{_versions(each)}" for each in case.each if each.treatment.key is not None)
    output = "(dropped)" if leaf.output is None else leaf.output.simpleString()
    cells = (case.rule.class_, case.name, parameters, case.domain or "", key)
    return [str(case.path), *cells, leaf.input.simpleString(), output, case.rule.why]


def _versions(case: Case) -> str:
    """Of layers all versions of the key, oldest first."""
    return "+".join(map(str, case.treatment.technique.layer_ids() or (case.key_id,)))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{_replacement(each)}" for name, each in value.items())
    text = ",".join(map(_item, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else f"({len(value)} entries)" if isinstance(value, list) else f"{text[:27]}..."


def _item(each: Any) -> str:
    """One of a list: a step of `normalize` that has something to say as the configuration writes it."""
    return "; ".join(f"{name}: {said}" for name, said in each.items()) if isinstance(each, dict) else str(each)


def _replacement(each: Any) -> str:
    """Of texts what stands in the place of a find; of values of other tables, whose they are."""
    if not isinstance(each, dict):
        return str(each)
    return "+".join(each["columns"]) if "columns" in each else str(each["domain"])


def risk_as_data(known: Inspected) -> dict[str, Any]:
    """What is asked of the risk of a table's rows, and what the last run of ours measured; empty where nothing is."""
    asked = known.risk.asked()
    if not asked:
        return {}
    found = measured_risk.of(known.target.properties, known.target.history)
    measured = None if found is None else found.as_data()
    return {"risk": {"asked": asked, "asked_by": known.risk.asked_by(), "measured": measured}}


def risk_as_text(known: Inspected) -> list[str]:
    """The same for a person."""
    return [f"  {line}" for risk in risk_as_data(known).values() for line in _risk_lines(**risk)]


def _risk_lines(
    asked: Mapping[str, float], asked_by: Mapping[str, str], measured: Mapping[str, Any] | None
) -> list[str]:
    listed = ", ".join(f"{name} {bound} by {asked_by[name]}" for name, bound in asked.items())
    told = "nothing yet" if measured is None else f"version {measured['version']}: {risk_words.in_words(measured)}"
    told += "; others have changed rows since" if measured and measured.get("rows_changed_since") else ""
    unknown = measured and measured.get("rows_may_have_changed_since")
    told += "; the log no longer tells what changed since" if unknown else ""
    return ["", f"risk asked before the commit: {listed}", f"risk measured by the last run: {told}"]


def limits_as_data(known: Inspected) -> dict[str, Any]:
    """What is left of the limits of its keys; empty where there are none."""
    rooms = used_up.rooms(known)
    return {"limits": [room.as_data() for room in rooms]} if rooms else {}


def limits_as_text(known: Inspected) -> list[str]:
    """The same for a person, a line for each key."""
    told = dict[str, list[str]]()
    for room in used_up.rooms(known):
        told.setdefault(room.key, []).append(room.in_words())
    return [f"  limits: {key}: {', '.join(each)}" for key, each in told.items()]


def against_record(known: Inspected) -> TableDiff:
    """What a run would change for the table that stands at the target, by its treatment record."""
    checks = known.keys.checks(known.plan)
    after = {str(path): entry for path, entry in treatment_record.entries(known.plan, checks).items()}
    before = record_reader.columns_of(known.target.properties)
    against = f"the record of version {known.target.version}" if before else "no record: everything is new"
    rows = diff_rows(record_reader.rows_of(known.target.properties), known.entry.rows)
    if not before:
        return TableDiff(known.table, against, tuple(diff(before, after)))
    kept = diff_suppress(record_reader.suppress_of(known.target.properties), treatment_record.least(known.plan))
    boxes = diff_mondrian(record_reader.mondrian_of(known.target.properties), treatment_record.boxes(known.plan))
    return TableDiff(known.table, against, tuple(diff(before, after)), rows, kept, boxes)


def against_revision(conf: Config, before: Config, table: str, revision: str) -> TableDiff:
    """What the configuration changes for a table since a revision, by what is written in both."""
    sides = [entries_of(side, table) if table in side.tables else {} for side in (before, conf)]
    both = table in before.tables and table in conf.tables
    rows = diff_rows(before.tables[table].rows, conf.tables[table].rows) if both else None
    least = [side.tables[table].suppress for side in (before, conf)] if both else [None, None]
    kept = diff_suppress(*(None if each is None else each.k for each in least))
    cut = [side.tables[table].mondrian for side in (before, conf)] if both else [None, None]
    boxes = diff_mondrian(*(None if each is None else each.as_record() for each in cut))
    return TableDiff(table, f"revision {revision}", tuple(diff(*sides)), rows, kept, boxes)


def run(
    spark: SparkSession,
    conf: Config,
    table: str,
    accept_raw_history: bool = False,
    accept_other_key_version: bool = False,
    report: Report = events.silent,
    accept_deleted_rows: bool = False,
) -> Plan:
    """What a run would do to one table, if every gate lets it pass; else raises as the run would. Writes nothing."""
    own = session.for_run(spark)
    allowed = Allowed(accept_raw_history, accept_other_key_version, deleted_rows=accept_deleted_rows)
    return failures.translated(table, lambda: prepared(own, conf, table, allowed, report).plan)


ACCEPTED = (flags.ACCEPT_RAW_HISTORY, flags.ACCEPT_OTHER_KEY_VERSION, flags.ACCEPT_DELETED_ROWS)
"""What the run after a plan is to be asked for too."""


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("plan", __doc__)
    arguments.tables(options)
    flags.JSON.on(options)
    flags.DIFF.on(options)
    options.add_argument(
        "--fail-on-weaker",
        action="store_true",
        help="with --diff: exit 1 if a treatment is weaker, or cannot be compared with the one before",
    )
    flags.ACCEPT_RAW_HISTORY.on(options)
    flags.ACCEPT_OTHER_KEY_VERSION.on(options)
    flags.ACCEPT_DELETED_ROWS.on(options)
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
    accepted = options.accept_raw_history, options.accept_other_key_version
    allowed = Allowed(*accepted, together=tuple(names), deleted_rows=options.accept_deleted_rows, even_unchanged=False)

    def step(name: str) -> int:
        files = unchanged.looked_at(spark, conf.tables[name], allowed)
        return _show(planned(spark, conf, name, allowed), options, files)

    def one(name: str) -> int:
        return failures.translated(name, lambda: step(name))

    code = max(failures.exit_code(events.terminal, functools.partial(one, name), name) for name in names)
    if code == DONE:
        arguments.next_step("pseudonymize", options, *arguments.again(options, *ACCEPTED))
    return code


def _show(known: Planned, options: argparse.Namespace, files: unchanged.Files) -> int:
    """The plan, or what it changes, and then what the run would warn of and refuse, and whether it would write."""
    is_shown = options.diff is None
    is_more = known.risk.asked() or known.conf.policy.limits is not None
    if is_shown and not is_more and not options.json:
        say(as_text(known.plan))
    try:
        ready = inspected(known)
    except LakenymError:
        if is_shown and not is_more and options.json:
            say(canonical_json(as_data(known.plan)))
        raise
    stays = nothing_new(ready, files)
    if is_shown and options.json:
        more = {**risk_as_data(ready), **limits_as_data(ready)} if is_more else {}
        said = {"unchanged": ready.target.version} if stays else {}
        say(canonical_json({**as_data(known.plan), **more, **said}))
    elif is_shown and is_more:
        say("\n".join([as_text(known.plan), *risk_as_text(ready), *limits_as_text(ready)]))
    code = DONE if is_shown else _tell(against_record(ready), options)
    for each in whys.of_table(known.entry):
        events.terminal(Warned(known.table, str(each)))
    run_gates.pass_all(ready, events.terminal)
    if not stays:
        run_gates.pass_all(ready, events.terminal, run_gates.WITH_WORK)
    elif not options.json:
        say(f"{known.table}: nothing would be written: the source is as it was at version {ready.target.version}")
    return code


if __name__ == "__main__":
    sys.exit(process.ended(main))
