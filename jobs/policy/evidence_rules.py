"""What the inventory saw in columns, against what the catalog says of them: a wrong class shows, whatever its ``why``.

Nothing is read here but ``conf/evidence`` (`jobs.configuration.evidence_file`). A direct identifier that is called less
and treated as the policy treats none is refused, all else is warned of; ``evidence_overruled`` says why the inventory
is wrong, of each column in words of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from jobs.configuration import evidence_file
from jobs.configuration.config import Config
from jobs.configuration.documents import describe, quote
from jobs.configuration.evidence_file import Seen
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.models import ColumnDecision, ColumnRule, TableConfig
from jobs.policy import evidence_places, held, stated_kinds, whys
from jobs.policy.held import DIRECT, NAMED

OVERRULE = "mend the class and the treatment, or say in 'evidence_overruled' why the inventory is wrong"
LOOK = "let jobs/inventory.py --table ... --output write it"
FEWEST_ALIKE, FEWEST_OF_ONE_KIND = 3, 5
"""From how many columns on one sentence that overrules the inventory is warned of: of several kinds, and of one, of
which it may be true."""


def of_table(config: Config, table: TableConfig) -> Iterator[Finding]:
    """A line for each column whose class says less than was seen in it, or in what it is a place of, or something else;
    than its own kind; and one for those that nothing is held against, where the inventory is asked at all."""
    allowed = config.policy.allows(DIRECT)
    for path, decision in table.decisions.items():
        seen = table.evidence.get(path)
        if seen is not None and seen.is_known:
            for name, rule in decision.named.items():
                yield from _of_rule(table, quote(str(name)), rule, seen, allowed)
        if seen is not None and seen.may_be_keys_of:
            yield from _questions(config, table, decision, seen)
    yield from evidence_places.of_table(table, allowed)
    yield from stated_kinds.of_table(table, allowed)
    yield from _alike(table)
    if config.evidence is not None:
        yield from _unseen(table)


def _alike(table: TableConfig) -> Iterator[Finding]:
    """One sentence that overrules the inventory of many columns: it is not likely to be wrong about all in one way."""
    shared: dict[str, dict[str, ColumnRule]] = {}
    for path, decision in table.decisions.items():
        for rule in decision.cases:
            if rule.evidence_overruled is not None and held.seen_of(table, decision.path) is not None:
                shared.setdefault(whys.without_numbers(rule.evidence_overruled), {}).setdefault(path, rule)
    for rules in shared.values():
        seen = [held.seen_of(table, table.decisions[path].path) for path in rules]
        kinds = {each.kind for each in seen if each is not None}
        if len(rules) >= (FEWEST_ALIKE if len(kinds) > 1 else FEWEST_OF_ONE_KIND):
            last = list(rules.values())[-1]
            sentence = f"'evidence_overruled', {describe(last.evidence_overruled)}"
            told = f"{len(rules):,} columns ({held.named(list(rules))}) share one {sentence}"
            message = f"{told}: say of each what its values are instead of {', '.join(sorted(kinds)[:NAMED])}"
            yield Place(table.file, last.line, "columns").says("warn", message)


def _questions(config: Config, table: TableConfig, decision: ColumnDecision, seen: Seen) -> Iterator[Finding]:
    """Of a column whose values may be keys of another: whether they still join, unless somebody said that they are
    not."""
    for name, path in seen.may_be_keys_of:
        other = config.tables.get(name)
        key = None if other is None else other.decisions.get(path)
        if key is None or _join(decision, key) or any(map(whys.is_overruled, decision.cases)):
            continue
        told = f"its values may be the keys {name}.{path}, which count up, and treated like this the two do not join"
        cure = "give both one domain, or say in 'evidence_overruled' what the values are instead"
        place = Place(table.file, decision.cases[0].line, f"columns.{quote(str(decision.path))}")
        yield place.says("warn", f"a question of the inventory of {seen.seen}: {told}: {cure}")


def _join(one: ColumnDecision, other: ColumnDecision) -> bool:
    """Whether what becomes of both is alike, or of one nothing is left."""
    if any(held.is_gone(rule.treatment.technique) for each in (one, other) for rule in each.cases):
        return True
    if all(_is_kept(each) for each in (one, other)):
        return True
    domains = {rule.treatment.domain for each in (one, other) for rule in each.cases}
    return len(domains) == 1 and None not in domains


def of_house(config: Config) -> Iterator[Finding]:
    """A line for each file of evidence that is of no table."""
    house = config.evidence
    if house is None:
        return
    read = {place for table in config.tables.values() for place in evidence_file.sources(table, config.written)}
    names = {*config.tables, *(draft.table for draft in config.drafts)}
    for name, file in house.files.items():
        if name not in names and not evidence_file.is_of(file, read):
            told = "is evidence of no table of the catalog: if its table has another name now"
            yield Place(_file(name)).says("warn", f"{told}, {LOOK} under that name; then remove this file")
    for name, fault in house.broken.items():
        if name not in config.tables:
            yield Place(fault.file, 0, fault.key).says("warn", fault.message)


def against(table: TableConfig, decision: ColumnDecision) -> Seen | None:
    """What was seen in a column, where its decision says less, or something else."""
    seen = held.seen_of(table, decision.path)
    return seen if seen is not None and any(held.differ(rule, seen) for rule in decision.cases) else None


@dataclasses.dataclass(frozen=True)
class Overruled:
    """A column that says that the inventory is wrong about it, which saw more. treatment: of its first such case."""

    table: str
    column: str
    seen: Seen
    class_: str
    treatment: str

    def __str__(self) -> str:
        saw = f"{self.seen.kind}, {self.seen.class_}"
        return f"{self.table}: {self.column} ({saw}; here {self.class_}, {self.treatment})"

    def as_data(self) -> dict[str, str]:
        """For JSON."""
        saw = {"kind": self.seen.kind, "kind_class": self.seen.class_}
        return {"table": self.table, "column": self.column, **saw, "class": self.class_, "treatment": self.treatment}


def overruled(config: Config) -> list[Overruled]:
    """Those columns of all tables, direct identifiers first."""
    found = [
        Overruled(name, path, seen, rule.class_, rule.treatment.technique.technique)
        for name, table in config.tables.items()
        for path, decision in table.decisions.items()
        if (seen := held.seen_of(table, decision.path)) is not None
        for rule in [each for each in decision.cases if _overrules(each, seen)][:1]
    ]
    return sorted(found, key=lambda each: each.seen.class_ != DIRECT)


def _file(table: str) -> str:
    return f"{evidence_file.FOLDER}/{table}{evidence_file.ENDING}"


def _unseen(table: TableConfig) -> Iterator[Finding]:
    """Such columns are as if undecided, however they are treated, unless nothing is left of them."""
    lacking = [
        path
        for path, each in table.decisions.items()
        if held.leaves_something(each) and held.whole_of(table, each.path) is None
    ]
    if lacking:
        columns = "one column" if len(lacking) == 1 else f"{len(lacking):,} columns"
        of = f"{columns} that {'leaves' if len(lacking) == 1 else 'leave'} values ({held.named(lacking)})"
        message = f"there is no evidence of {of}, so nothing is held against the decision: {LOOK}"
        yield Place(table.file, table.line, "columns").says("warn", message)


def _is_kept(decision: ColumnDecision) -> bool:
    return any(rule.treatment.technique.keeps_values for rule in decision.cases)


def _overrules(rule: ColumnRule, seen: Seen) -> bool:
    return rule.evidence_overruled is not None and held.differ(rule, seen)


def _of_rule(
    table: TableConfig, name: str, rule: ColumnRule, seen: Seen, allowed: tuple[str, ...]
) -> Iterator[Finding]:
    if not held.differ(rule, seen):
        return
    technique = rule.treatment.technique
    said = f"class {rule.class_}, {technique.technique}"
    saw = "; ".join(seen.reasons) or f"it looks like {seen.kind}"
    told = f"{said}, and the inventory of {seen.seen} saw {seen.kind} ({seen.class_}): {saw}"
    place = Place(table.file, rule.line, f"columns.{name}")
    if rule.evidence_overruled is None:
        level: Level = "refuse" if seen.class_ == DIRECT and held.lets_through(technique, allowed) else "warn"
        yield place.says(level, f"{told}: {OVERRULE}")
    elif (empty := whys.overrules_nothing(rule.evidence_overruled)) or whys.same(rule.evidence_overruled, rule.why):
        lacking = "says nothing" if empty else "only repeats 'why'"
        yield place.says("refuse", f"{told}; 'evidence_overruled' {lacking}: say what the values are instead")
