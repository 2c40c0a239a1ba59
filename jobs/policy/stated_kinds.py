"""An entry whose ``class`` says less than its own ``kind``: an e-mail address is not ``non_personal``."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.documents import quote
from jobs.configuration.evidence_file import RANK
from jobs.configuration.finding import Finding, Place
from jobs.configuration.kinds import KINDS, NON_PERSONAL
from jobs.configuration.models import ColumnRule, TableConfig
from jobs.policy import held, whys
from jobs.policy.held import DIRECT

MEND = "mend the class and the treatment, or the kind ('other': none that is known)"


def of_table(table: TableConfig, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """A line for each entry that contradicts itself. allowed: what the policy allows for direct identifiers. Where it
    says why the inventory is wrong of a column, it says so of the kind that was seen there."""
    for path, decision in table.decisions.items():
        seen = held.seen_of(table, decision.path)
        own = [
            each for each in decision.cases if seen is None or not (whys.is_overruled(each) and each.kind == seen.kind)
        ]
        rule = next((each for each in own if _contradicts(each, allowed)), None)
        if rule is not None:
            of_kind = f"kind {rule.kind} is {KINDS[str(rule.kind)].class_}"
            told = f"class {rule.class_}, {rule.treatment.technique.technique}, and its own {of_kind}: {MEND}"
            yield Place(table.file, rule.line, f"columns.{quote(path)}").says("refuse", told)


def outranks(kind: str | None, class_: str) -> bool:
    """Whether a kind is more than a class says."""
    of_kind = KINDS[kind].class_ if kind in KINDS else None
    return of_kind is not None and RANK[of_kind] > RANK[class_]


def _contradicts(rule: ColumnRule, allowed: tuple[str, ...]) -> bool:
    """Of what is treated, a class that says less may be the house's own way (a hashed code that links records); a
    direct identifier that is ``non_personal``, or anything personal that is kept as such, is no way."""
    if not outranks(rule.kind, rule.class_):
        return False
    technique = rule.treatment.technique
    is_direct, is_nobodys = KINDS[str(rule.kind)].class_ == DIRECT, rule.class_ == NON_PERSONAL
    return (is_direct and (is_nobodys or held.lets_through(technique, allowed))) or (
        is_nobodys and technique.keeps_values
    )
