"""Classes out of a stream of their rows, on the workers: of a large one is kept how often each value of each sensitive
column is there, and no more.

A row is a combination of values of all sensitive columns. Where there are few classes one of them has nearly as many
combinations as the table has rows: they are counted up as they come, and not kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from jobs.risk_classes.grouping import summed
from jobs.risk_classes.whole import Counts
from jobs.risk_measures import sorted_groups
from jobs.risk_measures.frames import CODE, COUNT, ID, NO_CODE, UNITS
from jobs.risk_measures.sorted_groups import Columns

OWN = "own"


@dataclasses.dataclass(frozen=True)
class Read:
    """Classes that are complete. sizes: how many count to each. own: how many rows it has itself. entries: for each
    sensitive column the class, ascending, the place of a value, and how often it is there."""

    sizes: Counts
    own: Counts
    entries: Sequence[tuple[Counts, Counts, Counts]]


def read(batches: Iterator[pa.RecordBatch], names: Sequence[str], spans: Sequence[int]) -> Iterator[Read]:
    """Classes of sorted rows. spans: how many different values each sensitive column has."""
    return sorted_groups.read(batches, names, ID, _small, _Large(spans))


@dataclasses.dataclass
class _Large:
    """A class of more rows than are kept."""

    spans: Sequence[int]
    size: int = 0
    own: int | None = None
    counts: list[Counts] = dataclasses.field(default_factory=list)

    def add(self, rows: Columns) -> None:
        if not self.counts:
            self.own = int(rows[OWN][0]) if OWN in rows else None
            self.counts = [np.zeros(span, np.int64) for span in self.spans]
        self.size += int(rows.get(UNITS, rows[COUNT]).sum())
        for counts, (_, codes, many) in zip(self.counts, _entries(rows), strict=True):
            counts += summed(codes, many, len(counts))

    def closed(self) -> Read:
        there = [np.flatnonzero(counts) for counts in self.counts]
        entries = [(np.zeros_like(at), at, counts[at]) for at, counts in zip(there, self.counts, strict=True)]
        own = self.size if self.own is None else self.own
        found = Read(np.array([self.size]), np.array([own]), entries)
        self.size, self.own, self.counts = 0, None, []
        return found


def _small(columns: Columns) -> Read:
    begins = sorted_groups.begins(columns, ID)
    starts = np.flatnonzero(begins)
    sizes = np.add.reduceat(columns.get(UNITS, columns[COUNT]), starts)
    own = columns[OWN][starts] if OWN in columns else sizes
    return Read(sizes, own, _entries(columns, np.cumsum(begins) - 1))


def _entries(columns: Columns, of: Counts | None = None) -> list[tuple[Counts, Counts, Counts]]:
    """For each sensitive column those rows that have a value of it: whose, which, and how often."""
    of, counts = np.zeros(len(columns[COUNT]), np.int64) if of is None else of, columns[COUNT]
    return [_with_value(of, columns[name], counts) for name in columns if name.startswith(CODE)]


def _with_value(of: Counts, codes: Counts, counts: Counts) -> tuple[Counts, Counts, Counts]:
    has = codes != NO_CODE
    return (of, codes, counts) if has.all() else (of[has], codes[has], counts[has])
