"""The tables of keys of subjects that a table's columns are under."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs.configuration.finding import Finding
from jobs.configuration.subject_keys_entry import ID, STEPS, SubjectKeysEntry
from jobs.gates.known import Inspected, Planned
from jobs.lake import places, subject_key_table
from jobs.lake.problems import SourceProblem
from jobs.lake.subject_key_table import SAID, KeyTable
from jobs.record.record_reader import all_of, columns_of
from privacy_udfs.scope_labels import domain_of
from privacy_udfs.techniques._by_subject import FIRST_FORM, FORM

OTHERWISE = (
    "key {}: the table was treated with another {} of its subjects: keys that the same persons have under it would "
    "not be found by jobs/shred.py destroy, nor by an erasure. Go back to it, or make a new table of keys "
    "(jobs/shred.py create), state its id, and treat all tables under it anew"
)


def fit(known: Inspected) -> Iterator[Finding]:
    """Tables of keys that are not there, are others, went back, or lie where the table is read or written; targets of
    the first form of such keys, to which rows would be added."""
    kept = tables(known)
    if known.entry.mode != "full" and _is_of_first_form(known):
        yield _refused(FIRST_FORM)
    for name, entry in kept.items():
        try:
            table = subject_key_table.looked(known.spark, entry)
            places.check_free(known.spark, table.location, entry.place, "table of keys")
            places.check_apart(known.spark, known.source.rows, table.location, entry.place, "table of keys")
            _check_goes_on(known, name, table)
            yield from _told_apart_otherwise(known, name, entry)
        except SourceProblem as error:
            yield _refused(f"key {name}: {error}")
            continue
        target = known.target.location
        if target is not None and not places.are_apart(known.spark, target, table.location):
            yield _refused(f"key {name}: the table of keys {entry.place} is the target, or one lies in the other")


def _is_of_first_form(known: Inspected) -> bool:
    told = (each.facts.subject_keys_in(each.parameters) for each in all_of(columns_of(known.target.properties)))
    return any(not table.startswith(FORM) for table in told if table is not None)


def tables(known: Planned) -> dict[str, SubjectKeysEntry]:
    """By named key those that the table's columns are under."""
    treatments = [case.treatment for case in known.plan.cases if case.treatment.technique.by_subject_keys()]
    found = ((str(each.key), known.conf.keys[str(each.key)].subject_keys) for each in treatments)
    return {name: entry for name, entry in found if entry is not None}


def _check_goes_on(known: Inspected, name: str, table: KeyTable) -> None:
    """A table that went back has keys that were destroyed since."""
    history = known.target.history
    runs = (commit.run.get("vaults") for commit in reversed(history.commits) if commit.version in history.ours)
    called = SAID.format(name)
    told = (said[called] for said in runs if isinstance(said, dict) and isinstance(said.get(called), dict))
    last: dict[str, Any] = next(told, {})
    if last.get("id") == table.entry.id:
        subject_key_table.check_goes_on(table, int(last["version"]), str(last["commit"]))


def _told_apart_otherwise(known: Inspected, name: str, entry: SubjectKeysEntry) -> Iterator[Finding]:
    """By the target's record: whoever is looked up by what the configuration says now is not who got a key then."""
    before, subject = columns_of(known.target.properties), str(known.entry.subject)
    kept = [each.parameters for each in all_of(before) if each.parameters.get(ID) == entry.id]
    rules = [case.treatment for case in known.plan.cases if case.treatment.key == name]
    now = {tuple(getattr(each.technique, STEPS)) for each in rules if each.technique.by_subject_keys()}
    if any(tuple(each.get(STEPS, ())) not in now for each in kept):
        yield _refused(OTHERWISE.format(name, "normalization"))
    own = known.entry.decisions.get(subject)
    if kept and own is not None and subject in before:
        domains = {domain_of(rule.treatment.domain) for rule in own.cases if rule.treatment.domain is not None}
        if domains and domain_of(before[subject].domain) not in domains:
            yield _refused(OTHERWISE.format(name, "domain"))


def _refused(what: str) -> Finding:
    return Finding("refuse", None, what)
