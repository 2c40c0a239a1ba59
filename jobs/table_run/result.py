"""What a run did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from jobs.run_events.events import Committed, Treated
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.nested import Counts


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run did. counts: leaf column -> (treated, null, refused); a column that is not read has no counts.
    execution: ``columnar`` or ``spark``. not_columnar: why it was Spark's path; None where that was asked for."""

    table: str
    run_id: str
    version: int
    rows: int
    seconds: float
    counts: Mapping[str, tuple[int, int, int]]
    plan: Plan
    execution: str
    not_columnar: str | None


def by_column(plan: Plan, counts: Counts) -> dict[str, tuple[int, int, int]]:
    """Counts by leaf column instead of by label."""
    prefix = f"{plan.table}: "
    return {label.removeprefix(prefix): numbers for label, numbers in sorted(counts.items())}


def summary(result: Result) -> Committed:
    """A result as the event that tells it."""
    rate = result.rows / result.seconds if result.seconds else None
    return Committed(
        table=result.table,
        run_id=result.run_id,
        version=result.version,
        rows=result.rows,
        seconds=round(result.seconds, 3),
        rows_per_second=rate and round(rate),
        columns=tuple(_treated(result)),
        execution=result.execution,
        not_columnar=result.not_columnar,
    )


def _treated(result: Result) -> Iterator[Treated]:
    for case in result.plan.cases:
        counts = result.counts.get(str(case.path), (None, None, None))
        yield Treated(str(case.path), case.rule.class_, case.name, *counts)
