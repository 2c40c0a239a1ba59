"""What stands in a leaf column, wherever it is nested, to be compared within Spark: none of it leaves it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step
from jobs.lake.columns import column as named

VALUE = "value"


def in_common(one: DataFrame, other: DataFrame) -> bool | None:
    """Whether a value of the one (`of`) is among those of the other; None where either holds none."""
    if not one.join(other, VALUE, "left_semi").isEmpty():
        return True
    return None if one.isEmpty() or other.isEmpty() else False


def of(rows: DataFrame, column: str) -> DataFrame | None:
    """What stands in a leaf column, as text in one column without nulls; None of what stands within JSON text."""
    path = ColumnPath.parse(column).leaf
    first, *steps = path.steps
    assert isinstance(first, Field)
    frame = rows.select(named(first.name).alias(VALUE))
    for step in steps:
        if not isinstance(step, Field | Element | MapKey | MapValue):
            return None
        frame = _below(frame, step)
    return frame.select(F.col(VALUE).cast("string").alias(VALUE)).where(F.col(VALUE).isNotNull())


def _below(frame: DataFrame, step: Step) -> DataFrame:
    value = F.col(VALUE)
    if isinstance(step, Field):
        return frame.select(value.getField(step.name).alias(VALUE))
    if isinstance(step, MapKey):
        value = F.map_keys(value)
    elif isinstance(step, MapValue):
        value = F.map_values(value)
    return frame.select(F.explode(value).alias(VALUE))
