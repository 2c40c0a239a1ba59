"""The first rows of each part of a table: few rows of each file, and no pass over the whole. It is no random sample."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame

FEWEST_ROWS = 50
"""A part of the table is asked for this many rows at least; of more parts than that allows, some are left out."""
Batches = Iterator[pa.RecordBatch]


def first(rows: DataFrame, sample: int) -> DataFrame:
    """About ``sample`` rows at most, in as many parts as the table has."""
    parts = max(1, rows.rdd.getNumPartitions())
    step = max(1, parts * FEWEST_ROWS // max(sample, FEWEST_ROWS))
    each = max(1, -(-sample // max(1, -(-parts // step))))
    chosen: Callable[[Batches], Batches] = functools.partial(_first_rows, count=each, step=step)
    return rows.mapInArrow(chosen, rows.schema)


def is_whole(rows: DataFrame, sample: int, seen: int) -> bool:
    """Whether ``seen`` rows, which a sample gave, are surely all there are."""
    return rows.rdd.getNumPartitions() <= 1 and seen < sample


def _first_rows(batches: Batches, count: int, step: int) -> Batches:
    context = TaskContext.get()
    left = count if context is None or context.partitionId() % step == 0 else 0
    for batch in batches if left else ():
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return
