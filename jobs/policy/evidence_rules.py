"""What the inventory saw in columns, against what the catalog says of them: a wrong class shows, whatever its ``why``.

Nothing is read here but ``conf/evidence`` (`jobs.configuration.evidence_file`). A direct identifier that is kept as
something less is refused, all else is warned of; ``evidence_overruled`` says why the inventory is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.documents import quote
from jobs.configuration.evidence_file import Seen
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.models import ColumnRule, TableConfig
from jobs.policy import whys

RANK = {"non_personal": 0, "quasi_identifier": 1, "sensitive": 1, "direct_identifier": 2}
DIRECT = "direct_identifier"
OVERRULE = "mend the class and the treatment, or say in 'evidence_overruled' why the inventory is wrong"


def of_table(table: TableConfig) -> Iterator[Finding]:
    """A line for each column whose class says less than was seen in it."""
    for path, decision in table.decisions.items():
        seen = table.evidence.get(path)
        if seen is not None and seen.is_known:
            for name, rule in decision.named.items():
                yield from _of_rule(table, quote(str(name)), rule, seen)


def _of_rule(table: TableConfig, name: str, rule: ColumnRule, seen: Seen) -> Iterator[Finding]:
    if RANK[seen.class_] <= RANK[rule.class_]:
        return
    technique = rule.treatment.technique
    said = f"class {rule.class_}, {technique.technique}"
    saw = "; ".join(seen.reasons) or f"it looks like {seen.kind}"
    told = f"{said}, and the inventory of {seen.seen} saw {seen.kind} ({seen.class_}): {saw}"
    place = Place(table.file, rule.line, f"columns.{name}")
    if rule.evidence_overruled is None:
        kept = seen.class_ == DIRECT and technique.keeps_values
        level: Level = "refuse" if kept else "warn"
        yield place.says(level, f"{told}: {OVERRULE}")
    elif (empty := whys.says_nothing(rule.evidence_overruled)) or _same(rule.evidence_overruled, rule.why):
        lacking = "says nothing" if empty else "only repeats 'why'"
        yield place.says("refuse", f"{told}; 'evidence_overruled' {lacking}: say what the values are instead")


def _same(one: str, other: str) -> bool:
    return whys.plain(one) == whys.plain(other)
