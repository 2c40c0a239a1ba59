"""Hierarchies of sensitive columns: where each value stands in the tree, for the hierarchical distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.risk_classes.whole import Counts, Whole
from jobs.risk_measures.frames import CODE

Rows = Sequence[Sequence[str]]
LEAF, NO_LEAF, OF_NULL = "leaf", -1, -2


def leaves(places: DataFrame, levels: Rows | None) -> DataFrame:
    """Places with the number of the row of the hierarchy that each value has; `NO_LEAF` where none has it."""
    if levels is None:
        return places.withColumn(LEAF, F.lit(NO_LEAF))
    _check(levels)
    known = [(row[0], at) for at, row in enumerate(levels)]
    leaf = places.sparkSession.createDataFrame(known, "name string, at int")
    joined = places.join(leaf, F.col("of").cast("string") == F.col("name"), "left")
    at = F.when(F.col("of").isNull(), OF_NULL).otherwise(F.coalesce("at", F.lit(NO_LEAF)))
    return joined.select("of", "rows", CODE, at.alias(LEAF))


def whole(places: DataFrame, levels: Rows | None, ordered: bool, name: str) -> Whole:
    """How the column is spread, without its values. Raises `BadUsage` where values are in no row of the hierarchy."""
    found = places.select(CODE, F.col("rows").cast("bigint").alias("rows"), LEAF).toArrow().sort_by(CODE)
    counts, at = (np.asarray(found.column(each).to_numpy(), np.int64) for each in ("rows", LEAF))
    if levels is None:
        return Whole(counts, ordered)
    missing = int((at == NO_LEAF).sum())
    if missing:
        raise BadUsage(f"{name}: {missing} of its {len(at)} different values are not in the hierarchy")
    return Whole(counts, parents=parents(levels, at))


def parents(levels: Rows, at: Counts) -> tuple[Counts, ...]:
    """For each level, the node above each value, by number. at: the row of each value. Nodes are told apart by the way
    to them from the top. Null is a branch of its own. A root is put on top where the levels do not end in one."""
    rooted = len({row[-1] for row in levels}) == 1
    of_null = (*(None for _ in levels[0][2:]), levels[0][-1] if rooted else None)
    names = [of_null if row == OF_NULL else tuple(levels[row][1:]) for row in at.tolist()]
    made = [_numbered([name[level:] for name in names]) for level in range(len(of_null))]
    return tuple(made) if rooted else (*made, np.zeros(len(at), np.int64))


def _numbered(nodes: Sequence[object]) -> Counts:
    known: dict[object, int] = {}
    return np.array([known.setdefault(node, len(known)) for node in nodes], np.int64)


def _check(levels: Rows) -> None:
    widths = {len(row) for row in levels}
    if len(widths) != 1 or widths == {1} or widths == {0}:
        raise BadUsage("hierarchies: expected rows of a value and at least one level, all of one length")
    if len({row[0] for row in levels}) < len(levels):
        raise BadUsage("hierarchies: expected each value once")
