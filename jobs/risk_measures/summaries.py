"""Classes with their values, gone through in whole Arrow arrays on the workers: one row comes back from each task."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.risk_classes.batch import Batch
from jobs.risk_classes.whole import Counts, Whole
from jobs.risk_measures.diversity import Worst
from jobs.risk_measures.frames import CODE, COUNT, ID, UNITS
from jobs.risk_measures.sizes import Sizes

SIZE, OWN = "size", "own"
MEASURES = ("entropy", "alpha", "t", "rises", "falls")
RESULT = pa.schema(
    [
        ("column", pa.int64()),
        *((name, pa.list_(pa.int64())) for name in ("sizes", "classes", "members")),
        ("distinct", pa.int64()),
        *((name, pa.float64()) for name in MEASURES),
        ("ratios", pa.list_(pa.float64())),
    ]
)
DDL = ", ".join(
    [
        "column bigint, sizes array<bigint>, classes array<bigint>, members array<bigint>, distinct bigint",
        *(f"{name} double" for name in MEASURES),
        "ratios array<double>",
    ]
)
ENOUGH = 1 << 18
"""Rows that are gone through at a time: whole arrays cost little more for many than for few."""
Columns = dict[str, Counts]


def sized(units: DataFrame) -> DataFrame:
    """One row a class, without its values. units: a row for each row, or for each person, that counts."""
    return units.groupBy(*ID).agg(F.count(F.lit(1)).alias(SIZE)).select(SIZE, F.col(SIZE).alias(OWN))


def counted(classes: DataFrame) -> Sizes:
    """Sizes of all classes. classes: with how many a row of the class is alike, and how many it has itself."""
    found = classes.groupBy(SIZE).agg(F.count(F.lit(1)).alias("classes"), F.sum(OWN).alias("members"))
    return Sizes.of((row["size"], row["classes"], row["members"]) for row in found.collect())


def summarized(coded: DataFrame, wholes: Sequence[Whole]) -> tuple[Sizes, list[Worst | None]]:
    """Sizes of all classes, and of each sensitive column the worst of them; None where there is no class.

    coded: a row for each class and place, or places of several columns (``code0``, ``code1``, ...), with ``count``.
    ``units``, where it is there: how many of these count to the size of the class, else all. ``own``, where it is
    there: how many rows a class has itself, else its size."""
    codes = [name for name in coded.columns if name.startswith(CODE)]
    counts = [F.col(name).cast("bigint").alias(name) for name in coded.columns if name in (COUNT, UNITS, OWN)]
    stream = coded.select(*ID, *codes, *counts).repartition(*ID).sortWithinPartitions(*ID)
    task = functools.partial(_each_task, names=tuple(stream.columns), wholes=wholes)
    found = stream.mapInArrow(task, DDL).collect()
    sizes = Sizes.of(each for row in found for each in zip(row.sizes, row.classes, row.members, strict=True))
    worst = [[_worst(row) for row in found if row["column"] == at] for at in range(len(wholes))]
    return sizes, [functools.reduce(lambda one, other: one + other, each) if each else None for each in worst]


def _worst(row: Row) -> Worst:
    entropy, alpha, t, rises, falls = (row[name] for name in MEASURES)
    return Worst(row["distinct"], entropy, alpha, t, rises, falls, tuple(row["ratios"]))


# -- on the workers ---------------------------------------------------------------------------------------------------


def _each_task(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], wholes: Sequence[Whole]
) -> Iterator[pa.RecordBatch]:
    """One row for each sensitive column, of a task that has seen a class; else none. Sizes are in the first."""
    sizes, worst = Sizes({}, {}), list[Worst]()
    for columns in _whole_classes(batches, names):
        own, found = _classes(columns, wholes)
        sizes = Sizes.of([*sizes.each(), *_sizes(found[0].sizes, own)])
        each = [Worst.of(batch, whole) for batch, whole in zip(found, wholes, strict=True)]
        worst = [one + other for one, other in zip(worst, each, strict=True)] if worst else each
    for at, of_column in enumerate(worst):
        told = Sizes({}, {}) if at else sizes
        cells: list[Any] = [at, [*told.classes], [*told.classes.values()], [*told.members.values()]]
        cells += [of_column.distinct, *(getattr(of_column, name) for name in MEASURES), list(of_column.ratios)]
        arrays = [pa.array([cell], field.type) for cell, field in zip(cells, RESULT, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=RESULT)


def _whole_classes(batches: Iterator[pa.RecordBatch], names: Sequence[str]) -> Iterator[Columns]:
    """The rows of classes that are complete, many at a time: the last that was read may go on in the next batch."""
    held, many, enough = list[Columns](), 0, ENOUGH
    for each in batches:
        columns = (np.asarray(column.to_numpy(zero_copy_only=False)) for column in each.columns)
        held.append(dict(zip(names, columns, strict=True)))
        many += each.num_rows
        if many >= enough:
            joined = _joined(held)
            last = int(np.flatnonzero(_begins(joined))[-1])
            if last:
                yield {name: column[:last] for name, column in joined.items()}
            held, many = [{name: column[last:] for name, column in joined.items()}], many - last
            enough = max(ENOUGH, 2 * many)
    if many:
        yield _joined(held)


def _joined(held: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([columns[name] for columns in held]) for name in held[0]}


def _begins(columns: Columns) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a row is of another class than the one before it."""
    differ = np.ones(len(columns[ID[0]]), bool)
    differ[1:] = functools.reduce(np.logical_or, (columns[name][1:] != columns[name][:-1] for name in ID))
    return differ


def _classes(columns: Columns, wholes: Sequence[Whole]) -> tuple[Counts, list[Batch]]:
    """How many rows each class has itself; and the classes, for each sensitive column."""
    begins = _begins(columns)
    starts, of = np.flatnonzero(begins), np.cumsum(begins) - 1
    sizes = np.add.reduceat(columns.get(UNITS, columns[COUNT]), starts)
    codes = [columns[name] for name in columns if name.startswith(CODE)]
    found = [
        Batch.counted(sizes, of, code, columns[COUNT], len(whole.counts))
        for code, whole in zip(codes, wholes, strict=True)
    ]
    return columns[OWN][starts] if OWN in columns else sizes, found


def _sizes(sizes: Counts, own: Counts) -> Iterator[tuple[int, int, int]]:
    different, at = np.unique(sizes, return_inverse=True)
    inside = np.zeros(len(different), np.int64)
    np.add.at(inside, at, own)
    return zip(different.tolist(), np.bincount(at).tolist(), inside.tolist(), strict=True)
