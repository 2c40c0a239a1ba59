"""The tables of keys of subjects that a table's columns are under."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs.configuration.finding import Finding
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.gates.known import Inspected, Planned
from jobs.lake import places, subject_key_table
from jobs.lake.problems import SourceProblem
from jobs.lake.subject_key_table import SAID, KeyTable


def fit(known: Inspected) -> Iterator[Finding]:
    """Columns under keys of subjects in a table whose run cannot join them; tables of keys that are not there, are
    others, went back, or lie where the table is read or written."""
    kept = tables(known)
    if kept and known.entry.mode == "changes":
        yield _refused(
            f"{', '.join(kept)}: keys of subjects are not joined to rows that change one by one: take another mode "
            "than changes"
        )
    for name, entry in kept.items():
        try:
            table = subject_key_table.looked(known.spark, entry)
            places.check_free(known.spark, table.location, entry.place, "table of keys")
            places.check_apart(known.spark, known.source.rows, table.location, entry.place, "table of keys")
            _check_goes_on(known, name, table)
        except SourceProblem as error:
            yield _refused(f"key {name}: {error}")
            continue
        target = known.target.location
        if target is not None and not places.are_apart(known.spark, target, table.location):
            yield _refused(f"key {name}: the table of keys {entry.place} is the target, or one lies in the other")


def tables(known: Planned) -> dict[str, SubjectKeysEntry]:
    """By named key those that the table's columns are under."""
    treatments = [case.treatment for case in known.plan.cases if case.treatment.technique.by_subject_keys()]
    found = ((str(each.key), known.conf.keys[str(each.key)].subject_keys) for each in treatments)
    return {name: entry for name, entry in found if entry is not None}


def _check_goes_on(known: Inspected, name: str, table: KeyTable) -> None:
    """A table that went back lacks keys that values stand under, and has such that were destroyed."""
    history = known.target.history
    runs = (commit.run.get("vaults") for commit in reversed(history.commits) if commit.version in history.ours)
    called = SAID.format(name)
    told = (said[called] for said in runs if isinstance(said, dict) and isinstance(said.get(called), dict))
    last: dict[str, Any] = next(told, {})
    if last.get("id") == table.entry.id:
        subject_key_table.check_goes_on(table, int(last["version"]), str(last["commit"]))


def _refused(what: str) -> Finding:
    return Finding("refuse", None, what)
