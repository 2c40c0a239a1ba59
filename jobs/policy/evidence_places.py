"""Places of a column (of JSON text, fields, elements) against what the inventory saw in the column as a whole.

One of the places must be what was seen. Where none is called so, it is decided as something less; where one is, what
else is kept as it is may hold it too, and is told of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.configuration.documents import quote
from jobs.configuration.evidence_file import Seen
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.models import ColumnRule, TableConfig
from jobs.policy import held, whys
from jobs.policy.held import DIRECT

Rules = Sequence[tuple[str, ColumnRule]]
OVERRULE = "mend class and treatment, or say in 'evidence_overruled' of each what its values are instead"


def of_table(table: TableConfig, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """A line for each column that was seen as a whole and is decided by places that are less. allowed: what the policy
    allows for direct identifiers."""
    by_whole: dict[str, list[tuple[str, ColumnRule]]] = {}
    for path, decision in table.decisions.items():
        whole = held.whole_of(table, decision.path)
        if whole is not None and whole != path and table.evidence[whole].is_known:
            by_whole.setdefault(whole, []).extend((str(name), rule) for name, rule in decision.named.items())
    for whole, rules in by_whole.items():
        yield from _of_places(table, whole, rules, table.evidence[whole], allowed)


def _of_places(table: TableConfig, whole: str, rules: Rules, seen: Seen, allowed: tuple[str, ...]) -> Iterator[Finding]:
    less = [(name, rule) for name, rule in rules if held.differ(rule, seen) and not whys.is_overruled(rule)]
    is_covered = any(not held.differ(rule, seen) for _, rule in rules)
    if is_covered:
        less = [(name, rule) for name, rule in less if rule.treatment.technique.keeps_values]
    if not less:
        return
    through = any(held.lets_through(rule.treatment.technique, allowed) for _, rule in less)
    level: Level = "refuse" if seen.class_ == DIRECT and through and not is_covered else "warn"
    name, rule = less[-1]
    told = f"{held.named([each for each, _ in less])}: less than what the inventory of {seen.seen} saw in {whole}"
    saw = f"{seen.kind} ({seen.class_}): {'; '.join(seen.reasons) or f'it looks like {seen.kind}'}"
    yield Place(table.file, rule.line, f"columns.{quote(name)}").says(level, f"{told}, {saw}: {OVERRULE}")
