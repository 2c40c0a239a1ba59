"""Where a table holds subjects whom the list of the erased may keep out: its columns of the domains."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import ColumnPath, Field
from jobs.treatment.treatment_plan import Decision, Plan
from privacy_udfs import kept_out
from privacy_udfs.scope_labels import domain_of


@dataclasses.dataclass(frozen=True)
class Watched:
    """A column of one domain, or of several, by cases of its ``when``. cases: of each its domain, None for none, and
    the predicate of its rows, None for all others. unfit: why the erased cannot be left out by it, None where they
    can."""

    path: ColumnPath
    cases: tuple[tuple[str | None, str | None], ...]
    unfit: str | None = None

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(domain for domain, _ in self.cases if domain is not None))


def of(plan: Plan, domains: Collection[str]) -> list[Watched]:
    """domains: by the names of domains.yaml."""
    return list(_of(plan, domains))


def _of(plan: Plan, domains: Collection[str]) -> Iterator[Watched]:
    for leaf in plan.leaves:
        cases = tuple((_named(case.domain, domains), case.rule.rows) for case in leaf.cases)
        if any(domain is not None for domain, _ in cases):
            yield Watched(leaf.path, cases, _unfit(leaf))


def _named(label: str | None, domains: Collection[str]) -> str | None:
    name = domain_of(label)
    return name if name in domains else None


def _unfit(leaf: Decision) -> str | None:
    if not all(isinstance(step, Field) for step in leaf.path.steps):
        return "elements of arrays, entries of maps and members of JSON text are not taken out one by one"
    if not kept_out.takes(to_arrow_type(leaf.input, timezone="UTC")):
        return f"subjects are not told by {leaf.input.simpleString()}"
    return None
