"""Groups out of a stream of sorted rows, on the workers: many small ones at a time, and of a large one no more than
what is kept of it as it comes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from jobs.risk_classes.grouping import Flags, Ints

ENOUGH = 1 << 18
"""Rows that are gone through at a time: whole arrays cost little more for many than for few."""
Columns = Mapping[str, Ints]
Found = TypeVar("Found")
Made = TypeVar("Made", covariant=True)


class Large(Protocol[Made]):
    """A group of more rows than are kept."""

    def add(self, rows: Columns) -> None:
        """Rows of it, at least one."""

    def closed(self) -> Made:
        """What has come of it; what is added from now on is of another."""


def read(
    batches: Iterator[pa.RecordBatch],
    names: Sequence[str],
    by: Sequence[str],
    small: Callable[[Columns], Found],
    large: Large[Found],
) -> Iterator[Found]:
    """What comes of all groups. names: of the columns. by: those that rows are sorted by, equal in a group. small: of
    whole groups, of `begins` the first rows, at least one."""
    groups, held, many = _Groups(by, small, large), list[Columns](), 0
    for each in batches:
        columns = (np.asarray(column.to_numpy(zero_copy_only=False)) for column in each.columns)
        held.append(dict(zip(names, columns, strict=True)))
        many += each.num_rows
        if many >= ENOUGH:
            rest = yield from groups.complete(_joined(held))
            held, many = [rest], _length(rest)
    if many:
        rest = yield from groups.complete(_joined(held))
        if _length(rest):
            yield small(rest)
    if groups.open is not None:
        yield groups.closed()


def begins(columns: Columns, by: Sequence[str]) -> Flags:
    """Whether a row is of another group than the one before it."""
    differ = np.ones(_length(columns), bool)
    differ[1:] = functools.reduce(np.logical_or, (columns[name][1:] != columns[name][:-1] for name in by))
    return differ


class _Groups(Generic[Found]):
    """open: the key of a large group that may go on."""

    def __init__(self, by: Sequence[str], small: Callable[[Columns], Found], large: Large[Found]) -> None:
        self.by, self.small, self.large = by, small, large
        self.open: tuple[int, ...] | None = None

    def complete(self, columns: Columns) -> Generator[Found, None, Columns]:
        """Groups that end within these rows; gives back the rows of the one that may go on, unless they are many."""
        if self.open is not None:
            end = self._end(columns)
            self._add(_part(columns, 0, end))
            columns = _part(columns, end)
            if _length(columns):
                yield self.closed()
        starts = np.flatnonzero(begins(columns, self.by)) if _length(columns) else np.zeros(0, np.int64)
        last = int(starts[-1]) if len(starts) else 0
        if last:
            yield self.small(_part(columns, 0, last))
        rest = _part(columns, last)
        if _length(rest) >= ENOUGH:
            self._add(rest)
            rest = _part(rest, 0, 0)
        return rest

    def closed(self) -> Found:
        self.open = None
        return self.large.closed()

    def _end(self, columns: Columns) -> int:
        """How many of the first rows are of the open group."""
        assert self.open is not None
        pairs = zip(self.by, self.open, strict=True)
        others = np.flatnonzero(functools.reduce(np.logical_or, (columns[name] != of for name, of in pairs)))
        return int(others[0]) if len(others) else _length(columns)

    def _add(self, rows: Columns) -> None:
        if _length(rows):
            self.open = tuple(int(rows[name][0]) for name in self.by)
            self.large.add(rows)


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _part(columns: Columns, start: int, end: int | None = None) -> Columns:
    return {name: column[start:end] for name, column in columns.items()}


def _joined(held: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([columns[name] for columns in held]) for name in held[0]}
