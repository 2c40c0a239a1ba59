"""What the inventory saw in columns, against what the catalog says of them: a wrong class shows, whatever its ``why``.

Nothing is read here but ``conf/evidence`` (`jobs.configuration.evidence_file`). A direct identifier that is called less
and treated as the policy treats none is refused, all else is warned of; ``evidence_overruled`` says why the inventory
is wrong, of each column in words of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobs.configuration import evidence_file
from jobs.configuration.column_path import ColumnPath, Document
from jobs.configuration.config import Config
from jobs.configuration.documents import describe, quote
from jobs.configuration.evidence_file import RANK, Seen
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.models import ColumnDecision, ColumnRule, TableConfig
from jobs.policy import whys
from privacy_udfs.technique import Technique

DIRECT = "direct_identifier"
OVERRULE = "mend the class and the treatment, or say in 'evidence_overruled' why the inventory is wrong"
LOOK = "let jobs/inventory.py --table ... --output write it"
NAMED = 3
FEWEST_ALIKE, FEWEST_OF_ONE_KIND = 3, 5
"""From how many columns on one sentence that overrules the inventory is warned of: of several kinds, and of one, of
which it may be true."""


def of_table(config: Config, table: TableConfig) -> Iterator[Finding]:
    """A line for each column whose class says less than was seen in it, or something else."""
    allowed = config.policy.allows(DIRECT)
    for path, decision in table.decisions.items():
        seen = table.evidence.get(path)
        if seen is not None and seen.is_known:
            for name, rule in decision.named.items():
                yield from _of_rule(table, quote(str(name)), rule, seen, allowed)
        if seen is not None and seen.may_be_keys_of:
            yield from _questions(config, table, decision, seen)
    yield from _alike(table)


def _alike(table: TableConfig) -> Iterator[Finding]:
    """One sentence that overrules the inventory of many columns: it is not likely to be wrong about all in one way."""
    shared: dict[str, dict[str, ColumnRule]] = {}
    for path, decision in table.decisions.items():
        for rule in decision.cases:
            if path in table.evidence and rule.evidence_overruled is not None:
                shared.setdefault(_without_numbers(rule.evidence_overruled), {}).setdefault(path, rule)
    for rules in shared.values():
        kinds = {table.evidence[path].kind for path in rules}
        if len(rules) >= (FEWEST_ALIKE if len(kinds) > 1 else FEWEST_OF_ONE_KIND):
            last = list(rules.values())[-1]
            more = f" and {len(rules) - NAMED:,} more" if len(rules) > NAMED else ""
            named = f"{', '.join(list(rules)[:NAMED])}{more}"
            told = (
                f"{len(rules):,} columns ({named}) share one 'evidence_overruled', {describe(last.evidence_overruled)}"
            )
            message = f"{told}: say of each what its values are instead of {', '.join(sorted(kinds)[:NAMED])}"
            yield Place(table.file, last.line, "columns").says("warn", message)


def _without_numbers(text: str) -> str:
    """A text to compare: counting the columns in it makes no reason of each."""
    return re.sub(r"\d+", "", whys.plain(text)).replace(" ", "")


def _questions(config: Config, table: TableConfig, decision: ColumnDecision, seen: Seen) -> Iterator[Finding]:
    """Of a column whose values may be keys of another: whether they still join, unless somebody said that they are
    not."""
    for name, path in seen.may_be_keys_of:
        other = config.tables.get(name)
        key = None if other is None else other.decisions.get(path)
        if key is None or _join(decision, key) or any(map(_is_overruled, decision.cases)):
            continue
        told = f"its values may be the keys {name}.{path}, which count up, and treated like this the two do not join"
        cure = "give both one domain, or say in 'evidence_overruled' what the values are instead"
        place = Place(table.file, decision.cases[0].line, f"columns.{quote(str(decision.path))}")
        yield place.says("warn", f"a question of the inventory of {seen.seen}: {told}: {cure}")


def _join(one: ColumnDecision, other: ColumnDecision) -> bool:
    """Whether what becomes of both is alike, or of one nothing is left."""
    if any(_is_gone(rule.treatment.technique) for each in (one, other) for rule in each.cases):
        return True
    if all(_is_kept(each) for each in (one, other)):
        return True
    domains = {rule.treatment.domain for each in (one, other) for rule in each.cases}
    return len(domains) == 1 and None not in domains


def _is_gone(technique: Technique) -> bool:
    return technique.gives_null() or technique.drops_column


def of_house(config: Config) -> Iterator[Finding]:
    """What the inventory was not asked of, where it is asked at all: a line for each table that keeps such columns, and
    for each file that is of no table."""
    house = config.evidence
    if house is None:
        return
    for table in config.tables.values():
        yield from _unseen(table)
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
    seen = table.evidence.get(str(decision.path))
    return seen if seen is not None and any(_differ(rule, seen) for rule in decision.cases) else None


def overruled(config: Config) -> int:
    """How many columns, of all tables, say that the inventory is wrong about them, and what it saw is more."""
    return sum(
        path in table.evidence and any(_overrules(rule, table.evidence[path]) for rule in decision.cases)
        for table in config.tables.values()
        for path, decision in table.decisions.items()
    )


def _file(table: str) -> str:
    return f"{evidence_file.FOLDER}/{table}{evidence_file.ENDING}"


def _unseen(table: TableConfig) -> Iterator[Finding]:
    lacking = [
        path for path, each in table.decisions.items() if _is_kept(each) and _whole(each.path) not in table.evidence
    ]
    if lacking:
        more = f" and {len(lacking) - NAMED:,} more" if len(lacking) > NAMED else ""
        columns = "one column" if len(lacking) == 1 else f"{len(lacking):,} columns"
        kept = f"{columns} kept ({', '.join(lacking[:NAMED])}{more})"
        message = f"there is no evidence of {kept}, so nothing is held against the decision: {LOOK}"
        yield Place(table.file, table.line, "columns").says("warn", message)


def _is_kept(decision: ColumnDecision) -> bool:
    return any(rule.treatment.technique.keeps_values for rule in decision.cases)


def _whole(path: ColumnPath) -> str:
    """The column that the inventory looks at: of a place in JSON text the text."""
    steps = [isinstance(step, Document) for step in path.steps]
    return str(ColumnPath(path.steps[: steps.index(True)]) if True in steps else path)


def _differ(rule: ColumnRule, seen: Seen) -> bool:
    return seen.is_known and seen.class_ != rule.class_ and RANK[seen.class_] >= RANK[rule.class_]


def _is_overruled(rule: ColumnRule) -> bool:
    """Whether it is said, in words that are not those of ``why``."""
    text = rule.evidence_overruled
    return text is not None and not whys.says_nothing(text) and not _same(text, rule.why)


def _overrules(rule: ColumnRule, seen: Seen) -> bool:
    return rule.evidence_overruled is not None and _differ(rule, seen)


def _of_rule(
    table: TableConfig, name: str, rule: ColumnRule, seen: Seen, allowed: tuple[str, ...]
) -> Iterator[Finding]:
    if not _differ(rule, seen):
        return
    technique = rule.treatment.technique
    said = f"class {rule.class_}, {technique.technique}"
    saw = "; ".join(seen.reasons) or f"it looks like {seen.kind}"
    told = f"{said}, and the inventory of {seen.seen} saw {seen.kind} ({seen.class_}): {saw}"
    place = Place(table.file, rule.line, f"columns.{name}")
    if rule.evidence_overruled is None:
        level: Level = "refuse" if seen.class_ == DIRECT and _lets_through(technique, allowed) else "warn"
        yield place.says(level, f"{told}: {OVERRULE}")
    elif (empty := whys.says_nothing(rule.evidence_overruled)) or _same(rule.evidence_overruled, rule.why):
        lacking = "says nothing" if empty else "only repeats 'why'"
        yield place.says("refuse", f"{told}; 'evidence_overruled' {lacking}: say what the values are instead")


def _lets_through(technique: Technique, allowed: tuple[str, ...]) -> bool:
    """Whether it may leave of a direct identifier what the policy would never let it: by what the policy allows for
    these, since what ``mask`` leaves depends on its parameters and on the values."""
    return technique.keeps_values or not (_is_gone(technique) or technique.technique in allowed)


def _same(one: str, other: str) -> bool:
    return whys.plain(one) == whys.plain(other)
