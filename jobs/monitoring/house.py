"""What in the house wants somebody, by its configuration and the logs of its targets: no row of a table is read.

Watches are two lists of small functions, `OF_CONF` and `OF_TABLES`. One more is one more function.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.finding import Finding as Judged
from jobs.console.numbers import many
from jobs.gates import configuration_gates
from jobs.lake.history import History
from jobs.lake.log_commits import ERASURE, Commit
from jobs.monitoring.finding import Finding, Level, What
from jobs.monitoring.looked import Looked, look
from jobs.named_keys import key_age
from jobs.policy import policy_rules
from jobs.record import rotation_mark
from jobs.spark_app import failures
from privacy_udfs.errors import KeyProblem, LakenymError
from privacy_udfs.keys import load_keyset

LEVELS: Mapping[str, Level] = {"refuse": "alert", "warn": "warn"}


# -- the configuration ------------------------------------------------------------------------------------------------


def reviewed(conf: Config, today: datetime.date) -> Iterator[Finding]:
    """Decisions past the date by which someone was to look at them again, and those that soon are."""
    for name, entry in conf.tables.items():
        days = (today, _later(conf, today))
        now, soon = (set(policy_rules.reviews(conf, entry, day)) for day in days)
        yield from (_judged(name, "review", each) for each in _ordered(now))
        known = {each.place for each in now}
        for each in _ordered(soon):
            if each.place not in known:
                yield _ahead(conf, name, "review", each)


def kept_policy(conf: Config, today: datetime.date) -> Iterator[Finding]:
    """What `jobs/check.py` refuses or warns of today, and what it will soon: what is deprecated, exceptions that run
    out."""
    files = {entry.file: name for name, entry in conf.tables.items()}
    now, soon = (_policy(conf, day) for day in (today, _later(conf, today)))
    for each in _ordered(now):
        yield _judged(files.get(each.place.file, "") if each.place else "", "policy", each)
    known = {(each.place, each.level) for each in now}
    for each in _ordered(soon - now):
        if (each.place, each.level) not in known:
            yield _ahead(conf, files.get(each.place.file, "") if each.place else "", "policy", each)


def _policy(conf: Config, day: datetime.date) -> set[Judged]:
    reviews = {each for entry in conf.tables.values() for each in policy_rules.reviews(conf, entry, day)}
    return set(configuration_gates.all_findings(conf, day)) - reviews


def aged_keys(conf: Config, today: datetime.date) -> Iterator[Finding]:
    """Keys in force that are near the age that the policy allows, or past it; nothing where it sets none."""
    if conf.policy.keys is None:
        return
    ids = dict[str, int]()
    for name in _used_keys(conf):
        entry = conf.keys[name]
        try:
            ids[name] = load_keyset(entry.keyset, entry.kek, name).primary.id
        except KeyProblem as error:
            yield Finding("alert", "", "key_age", f"key {name} cannot be opened: {error}", "mend keys.yaml, or the key")
    for each in key_age.findings(conf, ids, today):
        yield _judged("", "key_age", each)


def _used_keys(conf: Config) -> list[str]:
    rules = (rule for table in conf.tables.values() for rule in table.columns.values())
    used = {each.key for rule in rules for each in rule.treatment.each if each.key is not None}
    used |= {table.quarantine.key for table in conf.tables.values() if table.quarantine is not None}
    beside = (conf.policy.monitoring.key, None if conf.audit is None else conf.audit.signing_key)
    return sorted(used | {name for name in beside if name is not None and name in conf.keys})


def _later(conf: Config, today: datetime.date) -> datetime.date:
    last = datetime.date.max.toordinal()
    return datetime.date.fromordinal(min(today.toordinal() + conf.policy.monitoring.ahead_days, last))


def _ordered(found: set[Judged]) -> list[Judged]:
    return sorted(found, key=str)


def _judged(table: str, what: What, each: Judged) -> Finding:
    to_do = "its next run is refused" if each.level == "refuse" else "its runs go on, with this warning"
    return Finding(LEVELS[each.level], table, what, str(each), to_do)


def _ahead(conf: Config, table: str, what: What, each: Judged) -> Finding:
    message = f"within {many(conf.policy.monitoring.ahead_days, 'day')}: {each}"
    return Finding("warn", table, what, message, "mend it before then")


# -- the targets ------------------------------------------------------------------------------------------------------


def changed_by_others(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """Commits since the last run that changed rows, or the record. Those that move rows together change none."""
    if looked.state.version >= 0 and looked.run is None and looked.state.raw_versions:
        message = "its log holds no run, and rows that no run wrote"
        yield Finding("alert", looked.table, "others", message, "treat the table anew, into a new target")
        return
    for commit in looked.after:
        level = _changes(commit, looked.state.history)
        if level is not None:
            message = f"version {commit.version} ({commit.operation}) is of no run, and changed it since the last one"
            yield Finding(level, looked.table, "others", message, "ask who wrote it, and treat the table anew")


def _changes(commit: Commit, history: History) -> Level | None:
    """How urgent what others committed is. What was deleted is less so: it stays gone."""
    if commit.run.get("mode") == ERASURE:
        return None
    if commit.operation == "DELETE":
        return None if commit.is_retention else "warn"
    before = [each.record for each in history.commits if each.version < commit.version and each.record is not None]
    restated = commit.record is not None and bool(before) and commit.record != before[-1]
    return "alert" if commit.operation == "RESTORE" or commit.added or commit.removed or restated else None


def there(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """A table that was never treated, or is gone."""
    if looked.state.version < 0:
        yield Finding(
            "alert", looked.table, "target", "its target is not there", "treat it, or take it out of the catalog"
        )


def stale(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """A table whose last run is too long ago. A run that finds nothing new writes nothing, and is none."""
    if looked.state.version < 0:
        return
    to_do = "look whether its job still runs, or allow more by monitoring: {stale_days: ...} in its entry"
    if looked.ran_at is None:
        yield Finding("alert", looked.table, "stale", "its log holds no run any more", to_do)
    elif (now - looked.ran_at).total_seconds() > looked.bounds["stale_days"] * 86_400:
        days = (now - looked.ran_at).days
        yield Finding("alert", looked.table, "stale", f"its last run was {days} days ago", to_do)


def refusing(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """Columns of which the last run refused much."""
    for path, share in looked.runs[-1].refused.items() if looked.runs else ():
        if share > looked.bounds_of(path)["refused"]:
            message = f"the last run (version {looked.runs[-1].version}) refused {share:.1%} of its values"
            yield Finding("alert", looked.table, "refused", message, "mend its rule, or what its source sends", path)


def open_quarantine(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """Rows that were set aside and that nobody has treated since."""
    if looked.some_wait:
        rows = f"{looked.waiting}" if looked.waiting else "fewer than 10"
        to_do = "mend the rule, then run with --requeue"
        yield Finding("warn", looked.table, "quarantine", f"{rows} rows stand in quarantine", to_do)


def rotating(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """A table that waits to be moved to another version of a key; for a day that is a rotation under way."""
    mark = rotation_mark.of(looked.state.properties)
    if mark is not None:
        level: Level = "warn" if (now - mark.at).total_seconds() < 86_400 else "alert"
        to_do = "until then it does not join with those that were: run jobs/rotate_keys.py to its end"
        yield Finding(level, looked.table, "rotation", f"it {mark}", to_do)


def list_of_erased(looked: Looked, now: datetime.datetime) -> Iterator[Finding]:
    """A table whose last run had another list of the erased."""
    if looked.lost is not None:
        to_do = "its next run is refused: name that list again, or erase the same subjects again"
        yield Finding("alert", looked.table, "erasure", looked.lost, to_do)


OF_CONF: tuple[Callable[[Config, datetime.date], Iterator[Finding]], ...] = (reviewed, kept_policy, aged_keys)
OF_TABLES: tuple[Callable[[Looked, datetime.datetime], Iterator[Finding]], ...] = (
    there,
    changed_by_others,
    stale,
    refusing,
    open_quarantine,
    rotating,
    list_of_erased,
)


def of_tables(
    spark: SparkSession, conf: Config, names: Sequence[str], now: datetime.datetime
) -> tuple[dict[str, Looked], list[Finding]]:
    """What the logs of targets say, and what of that is to be told. A target that cannot be looked at is told of."""
    seen, found = dict[str, Looked](), list[Finding]()
    for name in names:
        try:
            seen[name] = failures.translated(name, functools.partial(look, spark, conf, name))
        except LakenymError as error:
            found.append(Finding("alert", name, "target", f"cannot be looked at: {error}", "mend that first"))
            continue
        found += [each for watch in OF_TABLES for each in watch(seen[name], now)]
    return seen, found


def of_conf(conf: Config, names: Sequence[str], today: datetime.date) -> list[Finding]:
    """What the configuration says of some tables and of the house as a whole."""
    found = (each for watch in OF_CONF for each in watch(conf, today))
    return [each for each in found if not each.table or each.table in names]
