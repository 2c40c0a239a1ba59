"""Classes out of a stream of their rows, on the workers: many small ones at a time, and of a large one no more than how
often each value of each sensitive column is there.

A row is a combination of values of all sensitive columns. Where there are few classes one of them has nearly as many
combinations as the table has rows: they are counted up as they come, and not kept."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from jobs.risk_classes.grouping import Flags, summed
from jobs.risk_classes.whole import Counts
from jobs.risk_measures.frames import CODE, COUNT, ID, UNITS

OWN = "own"
ENOUGH = 1 << 18
"""Rows that are gone through at a time: whole arrays cost little more for many than for few."""
Columns = Mapping[str, Counts]


@dataclasses.dataclass(frozen=True)
class Read:
    """Classes that are complete. sizes: how many count to each. own: how many rows it has itself. entries: for each
    sensitive column the class, ascending, the place of a value, and how often it is there."""

    sizes: Counts
    own: Counts
    entries: Sequence[tuple[Counts, Counts, Counts]]


def read(batches: Iterator[pa.RecordBatch], names: Sequence[str], spans: Sequence[int]) -> Iterator[Read]:
    """Classes of sorted rows. spans: how many different values each sensitive column has."""
    held, many, large = list[Columns](), 0, _Large(spans)
    for each in batches:
        columns = (np.asarray(column.to_numpy(zero_copy_only=False)) for column in each.columns)
        held.append(dict(zip(names, columns, strict=True)))
        many += each.num_rows
        if many >= ENOUGH:
            rest = yield from _complete(_joined(held), large)
            held, many = [rest], len(rest[ID[0]])
    if many:
        rest = yield from _complete(_joined(held), large)
        if len(rest[ID[0]]):
            yield _small(rest)
    if large.is_open:
        yield large.closed()


def _complete(columns: Columns, large: _Large) -> Generator[Read, None, Columns]:
    """The classes that end within these rows; gives back the rows of the one that may go on, unless they are many."""
    if large.is_open:
        end = large.end(columns)
        large.add(_part(columns, 0, end))
        columns = _part(columns, end)
        if len(columns[ID[0]]):
            yield large.closed()
    starts = np.flatnonzero(_begins(columns))
    last = int(starts[-1]) if len(starts) else 0
    if last:
        yield _small(_part(columns, 0, last))
    rest = _part(columns, last)
    if len(rest[ID[0]]) >= ENOUGH:
        large.add(rest)
        rest = _part(rest, 0, 0)
    return rest


@dataclasses.dataclass
class _Large:
    """A class of more rows than are kept. id: which one; None while there is none."""

    spans: Sequence[int]
    id: tuple[int, ...] | None = None
    size: int = 0
    own: int | None = None
    counts: list[Counts] = dataclasses.field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.id is not None

    def end(self, columns: Columns) -> int:
        """How many of the first rows are of it."""
        assert self.id is not None
        differ = functools.reduce(np.logical_or, (columns[name] != of for name, of in zip(ID, self.id, strict=True)))
        others = np.flatnonzero(differ)
        return int(others[0]) if len(others) else len(differ)

    def add(self, rows: Columns) -> None:
        if not len(rows[ID[0]]):
            return
        if self.id is None:
            self.id = tuple(int(rows[name][0]) for name in ID)
            self.own = int(rows[OWN][0]) if OWN in rows else None
            self.counts = [np.zeros(span, np.int64) for span in self.spans]
        self.size += int(rows.get(UNITS, rows[COUNT]).sum())
        for counts, codes in zip(self.counts, _codes(rows), strict=True):
            counts += summed(codes, rows[COUNT], len(counts))

    def closed(self) -> Read:
        """It, and none is open any more."""
        there = [np.flatnonzero(counts) for counts in self.counts]
        entries = [(np.zeros_like(at), at, counts[at]) for at, counts in zip(there, self.counts, strict=True)]
        own = self.size if self.own is None else self.own
        found = Read(np.array([self.size]), np.array([own]), entries)
        self.id, self.size, self.own, self.counts = None, 0, None, []
        return found


def _small(columns: Columns) -> Read:
    begins = _begins(columns)
    starts, of = np.flatnonzero(begins), np.cumsum(begins) - 1
    sizes = np.add.reduceat(columns.get(UNITS, columns[COUNT]), starts)
    own = columns[OWN][starts] if OWN in columns else sizes
    return Read(sizes, own, [(of, codes, columns[COUNT]) for codes in _codes(columns)])


def _codes(columns: Columns) -> list[Counts]:
    return [columns[name] for name in columns if name.startswith(CODE)]


def _part(columns: Columns, start: int, end: int | None = None) -> Columns:
    return {name: column[start:end] for name, column in columns.items()}


def _joined(held: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([columns[name] for columns in held]) for name in held[0]}


def _begins(columns: Columns) -> Flags:
    """Whether a row is of another class than the one before it."""
    differ = np.ones(len(columns[ID[0]]), bool)
    differ[1:] = functools.reduce(np.logical_or, (columns[name][1:] != columns[name][:-1] for name in ID))
    return differ
