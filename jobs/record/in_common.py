"""Whether columns that are treated alike hold values of the same things: by the rows, which no schema can tell.

A domain may hold ids as ``Patient/f001`` in one table and as ``f001`` in another, or two kinds of ids by mistake. Then
pseudonyms are made alike and have nothing in common. Compared are pseudonyms, within Spark: none leaves it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step
from jobs.lake.columns import column
from jobs.record.linkage import Link, Place

_VALUE, _AT, _ALL = "value", "at", "all"


def apart(link: Link, tables: Mapping[str, DataFrame]) -> tuple[Place, ...]:
    """The columns of a link that hold values, and not one that another column of it holds. Columns within JSON text are
    not looked at."""
    looked = [(place, values) for place in link.columns if (values := _values(tables[place.table], place)) is not None]
    if len(looked) < 2:
        return ()
    each = [values.select(F.lit(at).alias(_AT), _VALUE).distinct() for at, (_, values) in enumerate(looked)]
    held = functools.reduce(DataFrame.unionAll, each).groupBy(_VALUE).agg(F.collect_set(_AT).alias(_ALL))
    counted = held.select(F.explode(_ALL).alias(_AT), (F.size(_ALL) > 1).alias("shared")).groupBy(_AT)
    rows = counted.agg(F.max("shared").alias("shared")).collect()
    alone = {row[_AT] for row in rows if not row["shared"]}
    return tuple(place for at, (place, _) in enumerate(looked) if at in alone)


def _values(rows: DataFrame, place: Place) -> DataFrame | None:
    """What stands in a leaf column, as text in one column without nulls; None of what stands within JSON text."""
    path = ColumnPath.parse(place.column).leaf
    first, *steps = path.steps
    assert isinstance(first, Field)
    frame = rows.select(column(first.name).alias(_VALUE))
    for step in steps:
        if not isinstance(step, Field | Element | MapKey | MapValue):
            return None
        frame = _below(frame, step)
    return frame.select(F.col(_VALUE).cast("string").alias(_VALUE)).where(F.col(_VALUE).isNotNull())


def _below(frame: DataFrame, step: Step) -> DataFrame:
    value = F.col(_VALUE)
    if isinstance(step, Field):
        return frame.select(value.getField(step.name).alias(_VALUE))
    if isinstance(step, MapKey):
        value = F.map_keys(value)
    elif isinstance(step, MapValue):
        value = F.map_values(value)
    return frame.select(F.explode(value).alias(_VALUE))
