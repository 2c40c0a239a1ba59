"""What a change of configuration means, column by column: weaker, stronger, no longer joins, other pseudonyms.

Compared are two mappings from column paths to what is recorded of each, or what a configuration decides. What only one
side knows (a configuration knows no key ids) is not compared. Pure: no Spark, no files.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import ColumnRule
from jobs.policy import strength
from jobs.policy.strength import Comparison, Step
from jobs.record.column_record import NEVER_MATTERS, ColumnRecord

Entries = Mapping[str, ColumnRecord]
"""By the normal form of the column's path."""

Change = Literal["unchanged", "changed", "stronger", "weaker", "not comparable", "added", "removed"]
Kind = Literal[
    "treatment", "class", "domain", "key", "key_version", "pseudonyms", "column", "rows", "suppress", "mondrian"
]
LONGEST_SHOWN = 30


@dataclasses.dataclass(frozen=True)
class Decided(ColumnRecord):
    """What a configuration decides. keyset: where its key is, variables unexpanded; which version is not known."""

    keyset: str | None = None

    def as_json(self) -> dict[str, Any]:
        return super().as_json() | ({} if self.keyset is None else {"keyset": self.keyset})


@dataclasses.dataclass(frozen=True)
class Effect:
    """One consequence, for a person (text) and for a program (kind)."""

    kind: Kind
    text: str


@dataclasses.dataclass(frozen=True)
class ColumnDiff:
    """What a change means for one column. before, after: as in a record; None where it was not, or is no more."""

    column: str
    change: Change
    effects: tuple[Effect, ...]
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

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
        if path not in after and (path not in inner or paths(path).is_in_json):  # there it held for the rest
            found.append(_column(path, before[path], _covering(paths(path), after)))
    apart = _cases(before) & _holding_json(after) | _holding_json(before) & _cases(after)
    return [_further_case(each) if _owner(paths(each.column)) in apart else each for each in found]


def _cases(entries: Entries) -> set[ColumnPath]:
    """Columns that are treated by cases."""
    return {path.leaf for path in map(ColumnPath.parse, entries) if path.is_case}


def _holding_json(entries: Entries) -> set[ColumnPath]:
    """Columns of JSON text that are treated by path."""
    return {path.column for path in map(ColumnPath.parse, entries) if path.is_in_json}


def _owner(path: ColumnPath) -> ColumnPath:
    return path.column if path.is_in_json else path.leaf


def _above(path: ColumnPath) -> Iterator[ColumnPath]:
    while len(path.steps) > 1:
        path = path.parent
        yield path


def _covering(path: ColumnPath, entries: Entries) -> ColumnRecord | None:
    """The entry of a path, or of the nearest path above it that was decided as a whole."""
    return next((entries[str(above)] for above in (path, *_above(path)) if str(above) in entries), None)


def _column(path: str, before: ColumnRecord | None, after: ColumnRecord | None) -> ColumnDiff:
    sides = [None if each is None else each.as_json() for each in (before, after)]
    if before is None or after is None:
        new, entry, words = ("added", after, "new") if before is None else ("removed", before, "gone")
        assert entry is not None
        effect = Effect("column", f"{words}: {entry.class_}, {entry.technique}")
        return ColumnDiff(path, new, (effect,), *sides)  # type: ignore[arg-type]
    compared = strength.compare(before.technique, before.parameters, after.technique, after.parameters)
    effects = (*_other_rows(before, after), *_effects(before, after, compared))
    change: Change = _CHANGES.get(compared.verdict) or ("changed" if effects else "unchanged")
    change = _with_scope(change, before, after)
    if _moves_rows(before, after) and change != "weaker":
        change = "not comparable"
    return ColumnDiff(path, change, effects, *sides)


def _with_scope(change: Change, before: ColumnRecord, after: ColumnRecord) -> Change:
    """A change of treatment with that of its scope: where they point opposite ways, or only the treatments cannot be
    compared, nobody can say."""
    if after.joins_farther_than(before):
        return "weaker" if change in ("unchanged", "changed", "weaker") else "not comparable"
    return "not comparable" if change == "weaker" and before.joins_farther_than(after) else change


def _further_case(column: ColumnDiff) -> ColumnDiff:
    """For rows of a case that is new beside others the job would have stopped; they may show more than the others. So
    may a place in a JSON text that was treated by cases, and the other way round."""
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


def diff_suppress(before: int | None, after: int | None) -> ColumnDiff | None:
    """What a change in which small classes are kept out means; None where it is the same. before, after: the least size
    of a class that is not; None: any."""
    if before == after:
        return None
    change: Change = "weaker" if (after or 0) < (before or 0) else "stronger"
    sides = [{"suppress": None if least is None else {"k": least}} for least in (before, after)]
    words = ["none" if least is None else f"those of fewer than {least}" for least in (before, after)]
    text = f"small classes that are kept out: {words[0]} -> {words[1]} ({change})"
    return ColumnDiff("(suppress)", change, (Effect("suppress", text),), *sides)


def _other_rows(before: ColumnRecord, after: ColumnRecord) -> Iterator[Effect]:
    if _moves_rows(before, after):
        yield Effect("rows", f"for other rows: {before.rows} -> {after.rows} (cannot be compared)")
    elif before.rows != after.rows:
        of, rows = ("so far", before.rows) if after.rows is None else ("from now on", after.rows)
        yield Effect("rows", f"{of} only for rows for which this is true: {rows}")


def _moves_rows(before: ColumnRecord, after: ColumnRecord) -> bool:
    """Whether a case gets other rows: some may come to it from a case that shows less."""
    return "rows" in before.contradicting(after)


def _effects(before: ColumnRecord, after: ColumnRecord, compared: Comparison) -> Iterator[Effect]:
    if before.class_ != after.class_:
        yield Effect("class", f"class {before.class_} -> {after.class_}")
    if before.technique != after.technique:
        yield Effect("treatment", f"{before.technique} -> {after.technique}{_words(compared.verdict)}")
        if before.key is not None:
            yield Effect("pseudonyms", "what was treated before no longer joins")
        if None not in (before.domain, after.domain):
            yield from _domain(before, after)
        return
    for step in compared.steps:
        yield Effect("treatment" if step.sign != 0 else "pseudonyms", _shown(step))
    refused = [entry.parameters.get(NEVER_MATTERS) for entry in (before, after)]
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


def _identity(before: ColumnRecord, after: ColumnRecord) -> Iterator[Effect]:
    """Domain, key and version: what fixes pseudonyms beside the treatment itself."""
    contradicting, differing = before.contradicting(after), before.differing(after)
    yield from _domain(before, after)
    if before.key != after.key:
        yield Effect("key", f"key {before.key or 'none'} -> {after.key or 'none'}: other pseudonyms")
    elif before.layers != after.layers:
        one, two = (" then ".join(map(str, each.key_ids)) or "one version" for each in (before, after))
        yield Effect("key_version", f"layers of the key {one} -> {two}: other pseudonyms")
    elif "key_id" in contradicting:
        yield Effect("key_version", f"key version {before.key_id} -> {after.key_id}: other pseudonyms")
    elif "key_check" in contradicting and before.domain == after.domain:
        yield Effect("key", f"another key under the name {after.key} and the same id: other pseudonyms")
    if "keys" in differing and before.keys and after.keys:
        named = ", ".join(sorted(d for d in before.keys.keys() & after.keys.keys() if before.keys[d] != after.keys[d]))
        yield from [Effect("key", f"other keys, or versions, of the domains {named}: other pseudonyms")] * bool(named)
    if "keyset" in contradicting:
        yield Effect("key", f"key {after.key} is read from another place: other pseudonyms, unless it was moved")


def _domain(before: ColumnRecord, after: ColumnRecord) -> Iterator[Effect]:
    if before.domain != after.domain:
        names = f"{before.domain or 'none'} -> {after.domain or 'none'}"
        yield Effect("domain", f"domain {names}: no longer joins with columns of the former")
    if after.joins_farther_than(before):
        yield Effect("domain", f"scope {before.scope} -> {after.scope}: more rows join (weaker)")


# -- entries of a configuration ---------------------------------------------------------------------------------------


def entries_of(config: Config, table: str) -> dict[str, Decided]:
    """What the configuration decides about a table."""
    decisions = config.tables[table].decisions.values()
    pairs = ((decision, item) for decision in decisions for item in decision.named.items())
    return {str(path): _decided(config, f"{table}/{decision.path}", rule) for decision, (path, rule) in pairs}


def _decided(config: Config, own: str, rule: ColumnRule) -> Decided:
    """own: the label of the column's own domain."""
    keyed = rule.treatment.technique.key_size() is not None
    decided = Decided.of_rule(rule, rule.treatment.domain or (own if keyed else None))
    written = config.written.get("keys.yaml", {})
    keyset = written.get(rule.treatment.key, {}).get("keyset")
    keys = {
        domain: {**key, "keyset": written.get(key["key"], {}).get("keyset")}
        for domain, key in (decided.keys or {}).items()
    }
    return dataclasses.replace(decided, keyset=keyset, keys=keys or None)
