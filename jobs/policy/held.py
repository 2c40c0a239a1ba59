"""What a decision is held against: what the inventory saw in its column, in all that the column is a part of, or in a
part of it; and whether the decision is less.
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.evidence_file import RANK, Seen
from jobs.configuration.models import ColumnDecision, ColumnRule, TableConfig
from privacy_udfs.technique import Technique

DIRECT = "direct_identifier"
NAMED = 3


def whole_of(table: TableConfig, path: ColumnPath) -> str | None:
    """The path under which there is evidence of a column: its own; or what it is a place, a field or an element of; or
    the part of it that ranks highest. None where there is none."""
    own = str(path)
    if own in table.evidence:
        return own
    for length in range(len(path.steps) - 1, 0, -1):
        above = str(ColumnPath(path.steps[:length]))
        if above in table.evidence:
            return above
    parts = [each for each in table.evidence if each.startswith(own) and each[len(own)] in ".[{:"]
    return max(parts, key=lambda each: RANK[table.evidence[each].class_], default=None)


def seen_of(table: TableConfig, path: ColumnPath) -> Seen | None:
    """What was seen there, as `whole_of` finds it."""
    whole = whole_of(table, path)
    return None if whole is None else table.evidence[whole]


def is_less(class_: str, than: str) -> bool:
    """Whether a class says less, or something else that ranks alike."""
    return class_ != than and RANK[than] >= RANK[class_]


def differ(rule: ColumnRule, seen: Seen) -> bool:
    """Whether what was seen is known, and the rule is less."""
    return seen.is_known and is_less(rule.class_, seen.class_)


def is_gone(technique: Technique) -> bool:
    """Whether nothing is left of a value."""
    return technique.gives_null() or technique.drops_column


def leaves_something(decision: ColumnDecision) -> bool:
    """Whether anything is left of a column's values, in some rows."""
    return not all(is_gone(rule.treatment.technique) for rule in decision.cases)


def lets_through(technique: Technique, allowed: Sequence[str]) -> bool:
    """Whether it may leave of a direct identifier what the policy would never let it: by what the policy allows for
    these, since what ``mask`` leaves depends on its parameters and on the values."""
    return technique.keeps_values or not (is_gone(technique) or technique.technique in allowed)


def named(paths: Sequence[str], most: int = NAMED) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(paths) - most:,} more" if len(paths) > most else ""
    return f"{', '.join(paths[:most])}{more}"
