"""How many values stand in each row under keys with a limit, where rows are kept out.

Nobody is to know how many these are, so the values that stay are counted, and those that were treated are not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.configuration.column_path import Field, MapKey, MapValue, Step
from jobs.gates import used_up
from jobs.gates.known import Prepared
from jobs.lake.columns import column
from jobs.treatment.treatment_plan import Decision


def of(prepared: Prepared) -> dict[str, Column]:
    """By `name_of` the number of values in a row, of columns that may have several, under keys with a limit of rows;
    what stands within texts is refused beforehand (`used_up.hidden`)."""
    keys = used_up.keys_of(prepared) if used_up.counts_rows(prepared) else {}
    return {name_of(leaf): _values(leaf) for leaf in prepared.plan.leaves if _is_several(leaf, keys)}


def name_of(leaf: Decision) -> str:
    return f"values of {leaf.path}"


def _is_several(leaf: Decision, keys: Collection[str]) -> bool:
    is_keyed = any(each.treatment.key in keys for case in leaf.cases for each in case.each)
    return is_keyed and not all(isinstance(step, Field) for step in leaf.path.column.steps)


def _values(leaf: Decision) -> Column:
    first, *steps = leaf.path.column.steps
    assert isinstance(first, Field)
    return _many(column(first.name), steps)


def _many(value: Column, steps: Sequence[Step]) -> Column:
    if not steps:
        return F.lit(1).cast("bigint")
    step, *rest = steps
    if isinstance(step, Field):
        return _many(value.getField(step.name), rest)
    several = {MapKey: F.map_keys, MapValue: F.map_values}.get(type(step), lambda each: each)(value)
    none = F.lit(0).cast("bigint")
    return F.coalesce(F.aggregate(several, none, lambda so_far, each: so_far + _many(each, rest)), none)
