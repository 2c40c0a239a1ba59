"""Which columns of a treated table its risk is measured by: what others may know of people, what they would learn, and
by which column the rows of one person are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import ColumnDecision
from jobs.lake.columns import column
from jobs.treatment.treatment_plan import Decision, Plan

QUASI_IDENTIFIER, SENSITIVE = "quasi_identifier", "sensitive"


@dataclasses.dataclass(frozen=True)
class RiskColumns:
    """By their paths in the target. subject: None where people cannot be told apart by their rows. unmeasured: columns
    of the two classes that are no one value of a row, so that rows cannot be compared by them."""

    quasi_identifiers: tuple[ColumnPath, ...] = ()
    sensitive: tuple[ColumnPath, ...] = ()
    subject: ColumnPath | None = None
    unmeasured: tuple[ColumnPath, ...] = ()


def of(plan: Plan, with_sensitive: bool = True) -> RiskColumns:
    """Those of a plan. with_sensitive: whether anything is asked of sensitive columns."""
    known, learnt = _of_class(plan, QUASI_IDENTIFIER), _of_class(plan, SENSITIVE) if with_sensitive else []
    return RiskColumns(
        tuple(leaf.path for leaf in known if _is_measured(leaf)),
        tuple(leaf.path for leaf in learnt if _is_measured(leaf)),
        _subject(plan),
        tuple(leaf.path for leaf in (*known, *learnt) if not _is_measured(leaf)),
    )


def _of_class(plan: Plan, class_: str) -> list[Decision]:
    """The columns of a class that stay in the target, with something in them to tell rows apart by."""
    leaves = [leaf for leaf in plan.leaves if any(case.rule.class_ == class_ for case in leaf.cases)]
    return [leaf for leaf in leaves if leaf.output is not None and not _is_empty(leaf)]


def _is_empty(leaf: Decision) -> bool:
    """Whether all rows have null. A constant tells which of them had a value, and a list how many there were."""
    return _is_plain(leaf) and all(case.treatment.technique.gives_null() for case in leaf.cases)


def _is_plain(leaf: Decision) -> bool:
    return all(isinstance(step, Field) for step in leaf.path.steps)


def _is_measured(leaf: Decision) -> bool:
    return _is_plain(leaf) and isinstance(leaf.output, T.AtomicType) and not isinstance(leaf.output, T.VariantType)


def _subject(plan: Plan) -> ColumnPath | None:
    """Of the entry's subject, where the target has each person by one value. Of people who share one less is counted,
    never more."""
    leaf = None if plan.config.subject is None else plan.by_path.get(plan.config.subject)
    if leaf is None or len(leaf.cases) != 1 or leaf.output is None or not _is_measured(leaf):
        return None
    technique = leaf.cases[0].treatment.technique
    tells_apart = technique.deterministic and not technique.one_result and not technique.beside()
    return leaf.path if tells_apart and not _is_empty(leaf) else None


def names(path: ColumnPath) -> Sequence[str]:
    """Of a column that rows are compared by: its name, or those of the fields down to it."""
    return [step.name for step in path.steps if isinstance(step, Field)]


def shown(path: ColumnPath) -> Column:
    """What rows show of it."""
    return column(*names(path))


def keys(columns: RiskColumns) -> dict[str, Column]:
    """What the rows of a class are equal in, by names of their own, for a field's path may be another column's name:
    the quasi-identifiers, and whether what fields are in is null, which is not as if they were. Without a
    quasi-identifier all rows are one class."""
    known = {f"q{at}": path for at, path in enumerate(columns.quasi_identifiers)}
    around = {tuple(names(path)[:depth]) for path in known.values() for depth in range(1, len(path.steps))}
    absent = {f"a{at}": column(*each).isNull() for at, each in enumerate(sorted(around))}
    return {name: shown(path) for name, path in known.items()} | absent or {"all": F.lit(True)}


def above(decision: ColumnDecision) -> Sequence[Sequence[str]] | None:
    """The levels from the one that a hierarchy gives on, where they make a tree that has more than one."""
    technique = decision.cases[0].treatment.technique
    levels, level = getattr(technique, "levels", ()), getattr(technique, "level", 0)
    rows = sorted({tuple(row[level:]) for row in levels})
    many = len(decision.cases) == 1 and rows and len(rows[0]) > 1 and len({row[0] for row in rows}) == len(rows)
    return rows if many else None
