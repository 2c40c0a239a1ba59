"""Whether columns that are treated alike hold values of the same things: by the rows, which no schema can tell.

A domain may hold ids as ``Patient/f001`` in one table and as ``f001`` in another, or two kinds of ids by mistake. Then
pseudonyms are made alike and have nothing in common. Compared are pseudonyms, within Spark: none leaves it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.record import leaf_values
from jobs.record.leaf_values import VALUE
from jobs.record.linkage import Link, Place

_AT, _ALL = "at", "all"


def apart(link: Link, tables: Mapping[str, DataFrame]) -> tuple[Place, ...]:
    """The columns of a link that hold values, and not one that another column of it holds. Columns within JSON text are
    not looked at."""
    looked = [
        (place, values)
        for place in link.columns
        if (values := leaf_values.of(tables[place.table], place.column)) is not None
    ]
    if len(looked) < 2:
        return ()
    each = [values.select(F.lit(at).alias(_AT), VALUE).distinct() for at, (_, values) in enumerate(looked)]
    held = functools.reduce(DataFrame.unionAll, each).groupBy(VALUE).agg(F.collect_set(_AT).alias(_ALL))
    counted = held.select(F.explode(_ALL).alias(_AT), (F.size(_ALL) > 1).alias("shared")).groupBy(_AT)
    rows = counted.agg(F.max("shared").alias("shared")).collect()
    alone = {row[_AT] for row in rows if not row["shared"]}
    return tuple(place for at, (place, _) in enumerate(looked) if at in alone)
