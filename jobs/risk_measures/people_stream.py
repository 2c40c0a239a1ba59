"""People out of a stream of their rows, on the workers: what each one's trail is, and which values they have.

A **trail** is the multiset of all rows of a person. Its fingerprint is the sum, modulo 2^64, of those of the rows, each
as often as it is there (as the additive multiset hash of Clarke et al., ASIACRYPT 2003, but under a hash that is no
cryptographic one): rows may come in any order and none is kept.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.risk_classes.grouping import Flags, Ints
from jobs.risk_measures import sorted_groups
from jobs.risk_measures.frames import CODE, COUNT, ID, NO_CODE, PERSON, UNITS
from jobs.risk_measures.sorted_groups import Columns


def trails(rows: DataFrame, spans: Sequence[int]) -> DataFrame:
    """For each person as many rows as they have different values in the sensitive column where they have most: `ID` is
    of their trail, ``code0``, ``code1`` and so on a value each, `NO_CODE` where they have no more, ``units`` 1 in one
    of these rows and else 0. rows: `PERSON`, `ID`, the codes, and how often each of these is there (``count``). spans:
    how many different values each sensitive column has."""
    codes = [name for name in rows.columns if name.startswith(CODE)]
    read = [F.col(name).cast("bigint").alias(name) for name in (*PERSON, *ID, COUNT, *codes)]
    stream = rows.select(*read).repartition(*PERSON).sortWithinPartitions(*PERSON)
    made = (*ID, UNITS, *codes)
    task = functools.partial(_each_task, names=tuple(stream.columns), spans=spans)
    return stream.mapInArrow(task, ", ".join(f"{name} bigint" for name in made))


def _each_task(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], spans: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    small = functools.partial(_small, spans=spans)
    for found in sorted_groups.read(batches, names, PERSON, small, _Large(spans)):
        yield pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in found.items()})


@dataclasses.dataclass
class _Large:
    """A person of more rows than are kept. has: which values of each column they have."""

    spans: Sequence[int]
    sums: dict[str, Ints] = dataclasses.field(default_factory=dict)
    has: list[Flags] = dataclasses.field(default_factory=list)

    def add(self, rows: Columns) -> None:
        if not self.sums:
            self.sums = {name: np.zeros(1, np.int64) for name in ID}
            self.has = [np.zeros(span, bool) for span in self.spans]
        for name in ID:
            self.sums[name] = self.sums[name] + (rows[name] * rows[COUNT]).sum(keepdims=True)
        for has, codes in zip(self.has, _codes(rows), strict=True):
            has[codes] = True

    def closed(self) -> Columns:
        found = [np.flatnonzero(has) for has in self.has]
        made = _told(self.sums, [(np.zeros_like(codes), codes) for codes in found])
        self.sums, self.has = {}, []
        return made


def _small(columns: Columns, spans: Sequence[int]) -> Columns:
    begins = sorted_groups.begins(columns, PERSON)
    starts, of = np.flatnonzero(begins), np.cumsum(begins) - 1
    sums = {name: np.add.reduceat(columns[name] * columns[COUNT], starts) for name in ID}
    values = [_different(of, codes, span) for codes, span in zip(_codes(columns), spans, strict=True)]
    return _told(sums, values)


def _codes(columns: Columns) -> list[Ints]:
    return [columns[name] for name in columns if name.startswith(CODE)]


def _different(of: Ints, codes: Ints, span: int) -> tuple[Ints, Ints]:
    """Each person's different values: whose, ascending, and which."""
    whose, values = np.divmod(np.unique(of * span + codes), span)
    return whose, values


def _told(sums: Columns, values: Sequence[tuple[Ints, Ints]]) -> Columns:
    """The rows of people. sums: of each. values: of each column whose values there are, ascending, and which."""
    people = len(sums[ID[0]])
    many = [np.bincount(whose, minlength=people) for whose, _ in values]
    lengths = functools.reduce(np.maximum, many, np.ones(people, np.int64))
    starts = np.cumsum(lengths) - lengths
    made = {name: np.repeat(sums[name], lengths) for name in ID}
    made[UNITS] = np.zeros(len(made[ID[0]]), np.int64)
    made[UNITS][starts] = 1
    for at, ((whose, codes), each) in enumerate(zip(values, many, strict=True)):
        column = np.full(len(made[UNITS]), NO_CODE, np.int64)
        column[starts[whose] + np.arange(len(whose)) - (np.cumsum(each) - each)[whose]] = codes
        made[f"{CODE}{at}"] = column
    return made
