"""What must hold before a rotation writes anything, its marks included."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console.exit_codes import Refused
from jobs.gates import configuration_gates, run_gates
from jobs.gates.known import Allowed, Configured, Prepared, today
from jobs.named_keys import key_age, key_versions, named_key
from jobs.policy import policy_approval, treatment_diff
from jobs.record import treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import columns_of
from jobs.rotation import in_place, layered, needed, reencrypted, shortened
from jobs.rotation.needed import Needed
from jobs.rotation.scope import Asked, Scope, Table
from jobs.rotation.turns import Turn, decrypts, unkeyed
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session
from jobs.table_run import planned
from privacy_udfs.errors import LakenymError

OF_RUN = ("key_id", "key_check", "keys")
"""Of a record what no configuration says."""


def check(spark: SparkSession, conf: Config, scope: Scope, asked: Asked, report: Report) -> list[Needed]:
    """What all tables that are due will use of limits. Raises `Refused` with every reason. Nothing is written."""
    reasons = [*_of_key(conf, scope)] if scope.due else []
    reasons += [
        f"{table.name}: {table.mark}: run that rotation to its end first"
        for table in scope.due
        if table.mark is not None and table.mark.key != scope.key
    ]
    runs = list[Prepared]()
    for table in scope.due:
        step = functools.partial(_of_table, spark, conf, scope, table, asked, report, runs)
        reasons += _tried(table.name, step)
    used = needed.of(spark, conf, runs)
    reasons += [each.refusal for each in used if each.refusal]
    if reasons:
        raise Refused("\n".join(dict.fromkeys(reasons)))
    return used


def _tried(name: str, step: Callable[[], None]) -> list[str]:
    try:
        failures.translated(name, step)
    except LakenymError as error:
        told = str(error)
        return [told if told.startswith(f"{name}: ") else f"{name}: {told}"]
    return []


def _of_key(conf: Config, scope: Scope) -> Iterator[str]:
    day = datetime.datetime.now(datetime.timezone.utc).date()
    yield from map(str, refused(policy_approval.of_key(conf, scope.key, day)))
    yield from map(str, refused(key_age.findings(conf, {scope.key: scope.to}, day)))
    kept = [table.name for table in scope.due if _is_by_subject(table, scope.key)]
    if kept:
        yield (
            f"key {scope.key}: columns of {', '.join(kept)} are under keys of subjects, which a rotation neither moves "
            "nor proves: put the version in force, and treat these tables anew in one run (docs/crypto_shredding.md)"
        )
    if not any(table.way == "table" and any(not each.layers for each in table.columns) for table in scope.due):
        return
    if conf.policy.rotation is None or scope.key not in conf.policy.rotation.reencrypt:
        yield (
            f"key {scope.key}: policy.yaml does not allow that its columns are re-encrypted from the treated tables, "
            "which decrypts them on the way: rotation: reencrypt (docs/rotation.md), or --way source"
        )


def _is_by_subject(table: Table, key: str) -> bool:
    """By what the table says of itself, or is to be."""
    records = columns_of(table.stands.properties).values()
    if any(each.key == key and each.facts.subject_keys_in(each.parameters) for each in records):
        return True
    rules = [rule.treatment for rule in table.entry.columns.values()]
    return any(each.key == key and each.technique.by_subject_keys() for each in rules)


def _of_table(
    spark: SparkSession,
    conf: Config,
    scope: Scope,
    table: Table,
    asked: Asked,
    report: Report,
    runs: list[Prepared],
) -> None:
    """runs: gets the one of a table that is moved from its source."""
    if table.way == "source":
        runs.append(prepared(spark, conf, scope, table, asked, report))
        return
    run_gates.pass_all(Configured(conf, table.name, today()), report, configuration_gates.GATES)
    made = turns(conf, scope, table)
    if asked.way == "layer" and decrypts(made):
        raise Refused("columns of it have no layers, and would be turned back on the way: --way table, or leave it out")
    in_place.check(table.stands, unkeyed(made))


def prepared(
    spark: SparkSession, conf: Config, scope: Scope, table: Table, asked: Asked, report: Report = events.silent
) -> Prepared:
    """The ordinary run of all rows of the source; every gate is asked. All tables that are due move together."""
    together = tuple(each.name for each in scope.tables)
    allowed = Allowed(asked.raw_history, together=together, deleted_rows=asked.deleted_rows)
    whole = conf if table.entry.mode == "full" else config.in_mode(conf, "full")
    found = planned.prepared(session.for_run(spark), whole, table.name, allowed, report)
    if found.keys.ids[scope.key] != scope.to:
        raise Refused(f"{table.name}: version {found.keys.ids[scope.key]} of key {scope.key} is in force: run it again")
    shortened.check(spark, table, found, asked.shorter_source)
    return found


def check_in_force(conf: Config, scope: Scope) -> None:
    """Raise `Refused` where another version was put in force since: a domain must not be moved to two."""
    now = named_key.find(conf, scope.key).read().primary_id
    if now != scope.to:
        raise Refused(
            f"key {scope.key}: version {now} was put in force meanwhile, in the place of {scope.to}: run it again"
        )


def turns(conf: Config, scope: Scope, table: Table) -> dict[ColumnPath, Turn]:
    """What is done to each column that is moved from the table itself. Raises `Refused` or `KeyProblem`."""
    _check_layers_end(scope, table)
    entries, decided = columns_of(table.stands.properties), treatment_diff.entries_of(conf, table.name)
    found: dict[ColumnPath, Turn] = {}
    for each in table.columns:
        if each.why_not is not None:
            raise Refused(f"{each.path}: {each.why_not}, so the table cannot be moved from itself: leave --way out")
        if each.layers:
            continue
        entry, rule = entries[each.path], decided.get(each.path)
        other = ["column"] if rule is None else _differing(rule, entry)
        if other:
            raise Refused(
                f"{each.path}: the catalog decides otherwise by now than the table's record says ({', '.join(other)}): "
                "treat all rows anew, with pseudonymize.py --mode full"
            )
        if each.key_id != scope.to:
            path = ColumnPath.parse(each.path)
            found[path] = reencrypted.turn(conf, path, entry, scope.keyset)
    found |= _layers(conf, scope, table)
    if not found:
        raise Refused("nothing of it can be moved from itself, and it is not as the catalog says: --way source")
    _check_all(scope, table, {**entries, **{str(path): each.record for path, each in found.items()}})
    return found


def _check_layers_end(scope: Scope, table: Table) -> None:
    """Raise `Refused` where new values would be under another version than the one to move to."""
    ends = {each.domain: each.layers[-1] for each in table.columns if each.layers and each.layers[-1] != scope.to}
    if ends:
        told = (key_versions.ends_otherwise(name, scope.key, last, scope.to) for name, last in ends.items())
        raise Refused("; ".join(told))


def _check_all(scope: Scope, table: Table, after: Mapping[str, ColumnRecord]) -> None:
    """Raise `Refused` where columns of the key would stay under another version, and the table not count as moved."""
    left = [
        path
        for path, entry in after.items()
        if any(each.key == scope.key and each.key_id != scope.to for each in entry.each)
    ]
    if left:
        raise Refused(
            f"{', '.join(left)} would stay under another version of key {scope.key} than {scope.to}, so the table "
            "cannot be moved from itself: --way source"
        )


def _layers(conf: Config, scope: Scope, table: Table) -> dict[ColumnPath, layered.Turn]:
    """Of the columns that are put under further layers. Raises as `turns`."""
    entries = columns_of(table.stands.properties)
    due = {ColumnPath.parse(each.path): entries[each.path] for each in table.columns if each.layers}
    if not due:
        return {}
    other = layered.of_the_rest(conf, table.name, table.stands.properties, due)
    if other is not None:
        raise Refused(f"{other}: treat all rows anew, with pseudonymize.py --mode full")
    return {
        path: layered.turn(conf, table.name, path, entry, scope.keyset)
        for path, entry in due.items()
        if layered.due(conf, table.name, path, entry)
    }


def _differing(rule: ColumnRecord, entry: ColumnRecord) -> list[str]:
    names = [name for name in rule.differing(entry) if name not in (*OF_RUN, "keyset", "parameters")]
    shortened = {name: treatment_record.short(value) for name, value in rule.parameters.items()}
    return [name.rstrip("_") for name in names] + [
        name for name in {*shortened, *entry.parameters} if shortened.get(name) != entry.parameters.get(name)
    ]
