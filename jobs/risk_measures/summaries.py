"""Classes with their values, gone through in whole Arrow arrays on the workers: one row comes back from each task."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.risk_measures.batch import Batch
from jobs.risk_measures.diversity import Worst
from jobs.risk_measures.frames import CODE, COUNT, ID, UNITS
from jobs.risk_measures.sizes import Sizes
from jobs.risk_measures.whole import Counts, Whole

SIZE, OWN = "size", "own"
STREAM = (*ID, CODE, COUNT, UNITS, OWN)
MEASURES = ("entropy", "alpha", "t", "rises", "falls")
RESULT = pa.schema(
    [
        *((name, pa.list_(pa.int64())) for name in ("sizes", "classes", "members")),
        ("distinct", pa.int64()),
        *((name, pa.float64()) for name in MEASURES),
        ("ratios", pa.list_(pa.float64())),
    ]
)
DDL = ", ".join(
    [
        "sizes array<bigint>, classes array<bigint>, members array<bigint>, distinct bigint",
        *(f"{name} double" for name in MEASURES),
        "ratios array<double>",
    ]
)
Columns = tuple[Counts, ...]


def sized(units: DataFrame) -> DataFrame:
    """One row a class, without its values. units: a row for each row, or for each person, that counts."""
    return units.groupBy(*ID).agg(F.count(F.lit(1)).alias(SIZE)).select(SIZE, F.col(SIZE).alias(OWN))


def counted(classes: DataFrame) -> Sizes:
    """Sizes of all classes. classes: with how many a row of the class is alike, and how many it has itself."""
    found = classes.groupBy(SIZE).agg(F.count(F.lit(1)).alias("classes"), F.sum(OWN).alias("members"))
    return Sizes.of((row["size"], row["classes"], row["members"]) for row in found.collect())


def summarized(coded: DataFrame, whole: Whole) -> tuple[Sizes, Worst | None]:
    """Sizes of all classes and the worst of them; None where there is no class. coded: a row for each class and value;
    ``own``, where it is there, says how many rows a class has itself, else as many as all its units."""
    own = F.col(OWN) if OWN in coded.columns else F.lit(0).alias(OWN)
    numbers = [F.col(name).cast("bigint").alias(name) for name in STREAM[2:-1]]
    stream = coded.select(*ID, *numbers, own.cast("bigint").alias(OWN))
    stream = stream.repartition(*ID).sortWithinPartitions(*ID, CODE)
    found = stream.mapInArrow(functools.partial(_each_task, whole=whole), DDL).collect()
    sizes = Sizes.of(each for row in found for each in zip(row.sizes, row.classes, row.members, strict=True))
    worst = [_worst(row) for row in found]
    return sizes, functools.reduce(lambda one, other: one + other, worst) if worst else None


def _worst(row: Row) -> Worst:
    entropy, alpha, t, rises, falls = (row[name] for name in MEASURES)
    return Worst(row["distinct"], entropy, alpha, t, rises, falls, tuple(row["ratios"]))


# -- on the workers ---------------------------------------------------------------------------------------------------


def _each_task(batches: Iterator[pa.RecordBatch], whole: Whole) -> Iterator[pa.RecordBatch]:
    """One row of a task that has seen a class, else none."""
    sizes, worst = Sizes({}, {}), None
    for columns in _whole_classes(batches):
        batch, own = _batch(columns)
        sizes, found = Sizes.of([*sizes.each(), *_sizes(batch.sizes, own)]), Worst.of(batch, whole)
        worst = found if worst is None else worst + found
    if worst is not None:
        cells: list[Any] = [list(each) for each in zip(*sizes.each(), strict=True)]
        cells += [worst.distinct, *(getattr(worst, name) for name in MEASURES), list(worst.ratios)]
        arrays = [pa.array([cell], field.type) for cell, field in zip(cells, RESULT, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=RESULT)


def _whole_classes(batches: Iterator[pa.RecordBatch]) -> Iterator[Columns]:
    """The rows of classes that are complete: the last of a batch may go on in the next one."""
    held: list[Columns] = []
    for each in batches:
        columns = tuple(np.asarray(column.to_numpy(zero_copy_only=False)) for column in each.columns)
        begins = np.flatnonzero(_begins(columns, held[-1] if held else None))
        if len(begins):
            first, last = int(begins[0]), int(begins[-1])
            held.append(tuple(column[:first] for column in columns))
            yield from _joined(held)
            if last > first:
                yield tuple(column[first:last] for column in columns)
            held = [tuple(column[last:] for column in columns)]
        elif each.num_rows:
            held.append(columns)
    yield from _joined(held)


def _begins(columns: Columns, before: Columns | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a row is of another class than the one before it."""
    differ = np.zeros(len(columns[0]), bool)
    for at in range(len(ID)):
        ids = columns[at]
        differ[1:] |= ids[1:] != ids[:-1]
        differ[:1] |= before is None or ids[:1] != before[at][-1]
    return differ


def _joined(held: Sequence[Columns]) -> Iterator[Columns]:
    columns = tuple(np.concatenate(parts) for parts in zip(*held, strict=True))
    if columns and len(columns[0]):
        yield columns


def _batch(columns: Columns) -> tuple[Batch, Counts]:
    """Classes, and how many rows each has itself."""
    starts = np.flatnonzero(_begins(columns, None))
    codes, counts, units, own = columns[len(ID) :]
    sizes = np.add.reduceat(units, starts)
    return Batch(sizes, starts, codes, counts), np.where(own[starts] > 0, own[starts], sizes)


def _sizes(sizes: Counts, own: Counts) -> Iterator[tuple[int, int, int]]:
    different, at = np.unique(sizes, return_inverse=True)
    inside = np.zeros(len(different), np.int64)
    np.add.at(inside, at, own)
    return zip(different.tolist(), np.bincount(at).tolist(), inside.tolist(), strict=True)
