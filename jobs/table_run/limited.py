"""What a run treated under keys that have a limit, before its commit."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.gates import used_up
from jobs.gates.known import Prepared
from jobs.table_run import values_that_stay
from jobs.table_run.aside import Aside
from jobs.treatment.treatment_plan import Decision, Plan
from privacy_udfs.nested import WITHIN, Counts


def rows_of(prepared: Prepared, aside: Aside) -> dict[str, int]:
    """Key -> how many rows were treated under it: as many as there are values in the fullest of its columns, in arrays
    and within texts too; those that were set aside as well.

    Where rows are kept out, of which nobody is to know how many: twice those that stay, by what the target shows alone.
    """
    keys = used_up.keys_of(prepared)
    if prepared.entry.suppress is not None:
        return {key: 2 * (max(_that_stay(prepared.plan, key, aside), default=0) + aside.rows) for key in keys}
    return {key: max(_fullest(prepared.plan, key, aside.treated), default=0) + aside.rows for key in keys}


def _that_stay(plan: Plan, key: str, aside: Aside) -> list[int]:
    """Of a column with one value in a row as many as there are rows, whichever of its cases the key treats."""
    keyed = [leaf for leaf in plan.leaves if key in {each.treatment.key for case in leaf.cases for each in case.each}]
    return [aside.values.get(values_that_stay.name_of(leaf), aside.stay) for leaf in keyed]


def _fullest(plan: Plan, key: str, counts: Counts) -> list[int]:
    return [_values(plan, leaf, key, counts) for leaf in plan.leaves]


def _values(plan: Plan, leaf: Decision, key: str, counts: Counts) -> int:
    """Of a column as many as were treated under a key, by whichever of its cases."""
    cases = [case for case in leaf.cases if key in {each.treatment.key for each in case.each}]
    labels = [f"{plan.table}: {case.path}" for case in cases]
    return sum(max(sum(_of(counts, label)), sum(_of(counts, label + WITHIN))) for label in labels)


def _of(counts: Mapping[str, tuple[int, int, int]], label: str) -> tuple[int, int, int]:
    return counts.get(label, (0, 0, 0))
