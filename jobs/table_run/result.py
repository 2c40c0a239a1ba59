"""What a run did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobs.run_events.events import Committed, Treated
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.nested import WITHIN, Counts


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run did. counts: leaf column -> (treated, null, refused); a column that is not read has no counts.
    execution: ``columnar`` or ``spark``, or ``none`` where nothing was new. not_columnar: why it was Spark's path; None
    where that was asked for. mode: ``full``, ``incremental`` where rows were added to those of the target, ``requeue``
    where these stood in quarantine, ``partitions`` where they replaced those of some partitions, be it by none, or
    ``changes`` where some of them were changed; then ``changed`` says how many were inserted, updated and deleted.
    quarantined: rows of the source that were refused and set aside. risk: what was measured of the table's rows before
    the commit; None where nothing was asked. suppressed: how many rows were kept out, being in small classes, as it may
    be shown; None where nobody asked for it. mondrian: what boxes the quasi-identifiers were cut into, None for none;
    then these have no counts. kept_out: how many rows of the erased were left out, as it may be shown; None where the
    policy names no list of them; kept_out_values: how many values of theirs in rows of others, if any."""

    table: str
    run_id: str
    version: int
    rows: int
    seconds: float
    counts: Mapping[str, tuple[int, int, int]]
    plan: Plan
    execution: str
    not_columnar: str | None
    mode: str = "full"
    changed: Mapping[str, int] | None = None
    quarantined: int = 0
    risk: Mapping[str, Any] | None = None
    suppressed: int | str | None = None
    mondrian: Mapping[str, Any] | None = None
    kept_out: int | str | None = None
    kept_out_values: int | str | None = None


def together(earlier: Result | None, later: Result) -> Result:
    """What the batches of a stream did: rows, seconds and counts of both, all else of the one that wrote later."""
    if earlier is None or earlier.execution == "none":
        return later
    if later.execution == "none":
        return earlier
    numbers = [*earlier.counts.items(), *later.counts.items()]
    counts = {name: _sums(each for column, each in numbers if column == name) for name in later.counts}
    return dataclasses.replace(
        later,
        rows=earlier.rows + later.rows,
        seconds=earlier.seconds + later.seconds,
        counts=counts,
        mode=earlier.mode,
        quarantined=earlier.quarantined + later.quarantined,
    )


def _sums(numbers: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    treated, null, refused = (sum(each) for each in zip(*numbers, strict=True))
    return treated, null, refused


def by_column(plan: Plan, counts: Counts) -> dict[str, tuple[int, int, int]]:
    """Counts by leaf column instead of by label."""
    prefix = f"{plan.table}: "
    of_columns = {label: numbers for label, numbers in sorted(counts.items()) if not label.endswith(WITHIN)}
    return {label.removeprefix(prefix): numbers for label, numbers in of_columns.items()}


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
        mode=result.mode,
        changed=result.changed,
        quarantined=result.quarantined,
        risk=result.risk,
        suppressed=result.suppressed,
        mondrian=result.mondrian,
        kept_out=result.kept_out,
        kept_out_values=result.kept_out_values,
    )


def _treated(result: Result) -> Iterator[Treated]:
    for case in result.plan.cases:
        counts = result.counts.get(str(case.path), (None, None, None))
        yield Treated(str(case.path), case.rule.class_, case.name, *counts)
