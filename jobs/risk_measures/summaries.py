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
from jobs.risk_measures import class_stream
from jobs.risk_measures.class_stream import OWN
from jobs.risk_measures.diversity import Worst
from jobs.risk_measures.frames import CODE, COUNT, ID, UNITS
from jobs.risk_measures.sizes import Sizes

SIZE = "size"
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
    for classes in class_stream.read(batches, names, [len(whole.counts) for whole in wholes]):
        sizes = Sizes.of([*sizes.each(), *_sizes(classes.sizes, classes.own)])
        found = [
            Batch.counted(classes.sizes, *entries, len(whole.counts))
            for entries, whole in zip(classes.entries, wholes, strict=True)
        ]
        each = [Worst.of(batch, whole) for batch, whole in zip(found, wholes, strict=True)]
        worst = [one + other for one, other in zip(worst, each, strict=True)] if worst else each
    for at, of_column in enumerate(worst):
        told = Sizes({}, {}) if at else sizes
        cells: list[Any] = [at, [*told.classes], [*told.classes.values()], [*told.members.values()]]
        cells += [of_column.distinct, *(getattr(of_column, name) for name in MEASURES), list(of_column.ratios)]
        arrays = [pa.array([cell], field.type) for cell, field in zip(cells, RESULT, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=RESULT)


def _sizes(sizes: Counts, own: Counts) -> Iterator[tuple[int, int, int]]:
    different, at = np.unique(sizes, return_inverse=True)
    inside = np.zeros(len(different), np.int64)
    np.add.at(inside, at, own)
    return zip(different.tolist(), np.bincount(at).tolist(), inside.tolist(), strict=True)
