"""What a change of configuration means, column by column: weaker, stronger, no longer joins, other pseudonyms.

Compared are two mappings from column paths to entries as in a treatment record: ``class``, ``technique``,
``parameters`` and, for keyed ones, ``domain``, ``key``, ``key_id``, ``key_check``. What only one side knows (a
configuration knows no key ids) is not compared. Pure: no Spark, no files.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.policy import strength
from jobs.policy.strength import Comparison, Step

Entry = Mapping[str, Any]
Entries = Mapping[str, Entry]
"""By the normal form of the column's path."""

Change = Literal["unchanged", "changed", "stronger", "weaker", "not comparable", "added", "removed"]
Kind = Literal["treatment", "class", "domain", "key", "key_version", "pseudonyms", "column", "rows"]
LONGEST_SHOWN = 30


@dataclasses.dataclass(frozen=True)
class Effect:
    """One consequence, for a person (text) and for a program (kind)."""

    kind: Kind
    text: str


@dataclasses.dataclass(frozen=True)
class ColumnDiff:
    """What a change means for one column. before, after: None where it was not, or is no more."""

    column: str
    change: Change
    effects: tuple[Effect, ...]
    before: Entry | None = None
    after: Entry | None = None

    @property
    def is_weaker(self) -> bool:
        """Whether it may show more than before. What cannot be compared counts: a person has to look at it."""
        return self.change in ("weaker", "not comparable")

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


def diff(before: Entries, after: Entries) -> list[ColumnDiff]:
    """All columns of both, in the order of ``after``, then those that are gone.

    A column is compared with the decision that covered it: one that was dropped as a part of a struct was dropped. So
    is each case of one that is treated by cases (``a{when 1}``) with the column as a whole, if it was or is one.
    """
    paths = functools.cache(ColumnPath.parse)
    by_case = {paths(path).leaf for path in before if paths(path).is_case}
    told = [path for path in after if paths(path) not in by_case]  # the others below, against each case
    found = [_column(path, _covering(paths(path), before), after[path]) for path in told]
    found = [_further_case(column) if paths(column.column).leaf in by_case else column for column in found]
    inner = {str(above) for path in after for above in _above(paths(path))}
    for path in before:
        if path not in after and path not in inner:
            found.append(_column(path, before[path], _covering(paths(path), after)))
    return found


def _above(path: ColumnPath) -> Iterator[ColumnPath]:
    while len(path.steps) > 1:
        path = path.parent
        yield path


def _covering(path: ColumnPath, entries: Entries) -> Entry | None:
    """The entry of a path, or of the nearest path above it that was decided as a whole."""
    return next((entries[str(above)] for above in (path, *_above(path)) if str(above) in entries), None)


def _column(path: str, before: Entry | None, after: Entry | None) -> ColumnDiff:
    if before is None or after is None:
        new, entry, words = ("added", after, "new") if before is None else ("removed", before, "gone")
        assert entry is not None
        effect = Effect("column", f"{words}: {entry['class']}, {entry['technique']}")
        return ColumnDiff(path, new, (effect,), before, after)  # type: ignore[arg-type]
    compared = strength.compare(before["technique"], before["parameters"], after["technique"], after["parameters"])
    effects = (*_other_rows(before, after), *_effects(before, after, compared))
    change: Change = _CHANGES.get(compared.verdict) or ("changed" if effects else "unchanged")
    if _moves_rows(before, after) and change != "weaker":
        change = "not comparable"
    return ColumnDiff(path, change, effects, before, after)


def _further_case(column: ColumnDiff) -> ColumnDiff:
    """For rows of a case that is new beside others the job would have stopped; they may show more than the others."""
    return dataclasses.replace(column, change="not comparable") if column.change == "added" else column


_CHANGES: Mapping[str, Change] = {"stronger": "stronger", "weaker": "weaker", "incomparable": "not comparable"}


def diff_rows(before: str | None, after: str | None) -> ColumnDiff | None:
    """What it means that other rows of a table are read; None if the same are. Predicates cannot be compared: another
    one may let more rows out."""
    if before == after:
        return None
    change: Change = "not comparable"
    text = f"rows for which this is true: {before} -> {after} (cannot be compared)"
    if before is None:
        change, text = "stronger", f"only rows for which this is true: {after} (stronger)"
    elif after is None:
        change, text = "weaker", f"all rows, no longer only those for which this is true: {before} (weaker)"
    return ColumnDiff("(rows)", change, (Effect("rows", text),), {"rows": before}, {"rows": after})


def _other_rows(before: Entry, after: Entry) -> Iterator[Effect]:
    if _moves_rows(before, after):
        yield Effect("rows", f"for other rows: {before['rows']} -> {after['rows']} (cannot be compared)")
    elif before.get("rows") != after.get("rows"):
        of, rows = ("so far", before["rows"]) if after.get("rows") is None else ("from now on", after["rows"])
        yield Effect("rows", f"{of} only for rows for which this is true: {rows}")


def _moves_rows(before: Entry, after: Entry) -> bool:
    """Whether a case gets other rows: some may come to it from a case that shows less."""
    return None not in (before.get("rows"), after.get("rows")) and before["rows"] != after["rows"]


def _effects(before: Entry, after: Entry, compared: Comparison) -> Iterator[Effect]:
    if before["class"] != after["class"]:
        yield Effect("class", f"class {before['class']} -> {after['class']}")
    if before["technique"] != after["technique"]:
        yield Effect("treatment", f"{before['technique']} -> {after['technique']}{_words(compared.verdict)}")
        if _is_keyed(before):
            yield Effect("pseudonyms", "what was treated before no longer joins")
        return
    for step in compared.steps:
        yield Effect("treatment" if step.sign != 0 else "pseudonyms", _shown(step))
    refused = [entry["parameters"].get("on_refused") for entry in (before, after)]
    if refused[0] != refused[1]:
        yield Effect("treatment", f"on_refused {refused[0]} -> {refused[1]}")
    yield from _identity(before, after)


def _words(verdict: str) -> str:
    return {"weaker": " (weaker)", "stronger": " (stronger)", "incomparable": " (cannot be compared)"}[verdict]


def _shown(step: Step) -> str:
    words = {1: " (stronger)", -1: " (weaker)", 0: " (other results)", None: " (cannot be compared)"}[step.sign]
    return f"{step.parameter} {_short(step.before)} -> {_short(step.after)}{words}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() == {"count", "sha256"}:
        return f"({value['count']} entries)"
    if isinstance(value, list | tuple) and len(str(value)) > LONGEST_SHOWN:
        return f"({len(value)} entries)"
    text = "unset" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _identity(before: Entry, after: Entry) -> Iterator[Effect]:
    """Domain, key and version: what fixes pseudonyms beside the treatment itself."""
    if before.get("domain") != after.get("domain"):
        names = f"{before.get('domain') or 'none'} -> {after.get('domain') or 'none'}"
        yield Effect("domain", f"domain {names}: no longer joins with columns of the former")
    if before.get("key") != after.get("key"):
        names = f"{before.get('key') or 'none'} -> {after.get('key') or 'none'}"
        yield Effect("key", f"key {names}: other pseudonyms")
    elif _differ(before, after, "key_id"):
        yield Effect("key_version", f"key version {before['key_id']} -> {after['key_id']}: other pseudonyms")
    elif _differ(before, after, "key_check") and before.get("domain") == after.get("domain"):
        yield Effect("key", f"another key under the name {after['key']} and the same id: other pseudonyms")
    if _differ(before, after, "keyset"):
        yield Effect("key", f"key {after['key']} is read from another place: other pseudonyms, unless it was moved")


def _differ(before: Entry, after: Entry, name: str) -> bool:
    known = before.get(name) is not None and after.get(name) is not None
    return known and before[name] != after[name]


def _is_keyed(entry: Entry) -> bool:
    return entry.get("key") is not None


# -- entries of a configuration ---------------------------------------------------------------------------------------


def entries_of(config: Config, table: str) -> dict[str, dict[str, Any]]:
    """What the configuration decides about a table, as entries. keyset: where each key is, variables unexpanded."""
    written = config.written.get("keys.yaml", {})
    found = {}
    for path, rule in config.tables[table].columns.items():
        treatment = rule.treatment
        parameters = treatment.technique.record()
        entry = {"class": rule.class_, "technique": parameters.pop("technique"), "parameters": parameters}
        own = f"{table}/{ColumnPath.parse(path).leaf}" if treatment.technique.key_size() is not None else None
        if treatment.domain or own:
            entry["domain"] = treatment.domain or own
        if treatment.key is not None:
            entry |= {"key": treatment.key, "keyset": written.get(treatment.key, {}).get("keyset")}
        if rule.rows is not None:
            entry["rows"] = rule.rows
        found[path] = entry
    return found
