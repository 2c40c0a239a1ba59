"""What was counted of a leaf column, as parts of a table give it and as they are put together: bounded, in any order.

Its rows are numbers alone: which of `KINDS` they are, a code, a count. Codes of categories are keyed digests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.monitoring import numbers, sketch

MOST_CATEGORIES = 1000
KINDS = SEEN, NULLS, NAN, MANY, CATEGORY, HASH, CELL, SHIFT, BIN = tuple(range(9))
ONE = np.zeros(1, np.int64)

Codes = npt.NDArray[np.int64]
Part = tuple[int, Codes, Codes]
"""A kind, its codes, and as many counts."""


@dataclasses.dataclass
class Tally:
    """seen: values, nulls among them. nan: those that are no number. many: whether there are too many categories to
    count. hashes: as `sketch.least`. cells, sizes: where cells of numbers begin, and how many are in each; shift: how
    many bits of these do not count. bins: how many are in each bin that a baseline has."""

    seen: int = 0
    nulls: int = 0
    nan: int = 0
    many: bool = False
    categories: dict[int, int] = dataclasses.field(default_factory=dict)
    hashes: sketch.Hashes = dataclasses.field(default_factory=lambda: np.zeros(0, np.uint64))
    cells: numbers.Keys = dataclasses.field(default_factory=lambda: np.zeros(0, np.uint64))
    sizes: numbers.Counts = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    shift: int = 0
    bins: dict[int, int] = dataclasses.field(default_factory=dict)

    def add(self, kind: int, codes: Codes, counts: Codes) -> None:
        """Put the rows of one kind to the others."""
        total = int(counts.sum())
        if kind == SEEN:
            self.seen += total
        elif kind == NULLS:
            self.nulls += total
        elif kind == NAN:
            self.nan += total
        elif kind == MANY:
            self._overflow()
        elif kind == SHIFT:
            self.add_cells(self.cells[:0], self.sizes[:0], int(codes.max()))
        elif kind == CELL:
            self.add_cells(codes.view(np.uint64), counts)
        elif kind == HASH:
            self.add_hashes(codes.view(np.uint64))
        else:
            self._add_named(self.bins if kind == BIN else self.categories, codes, counts)

    def add_hashes(self, hashes: sketch.Hashes) -> None:
        if len(self.hashes) == sketch.LEAST_OF:  # those above would be sorted for nothing
            hashes = hashes[hashes < self.hashes[-1]]
        self.hashes = sketch.least(np.concatenate([self.hashes, hashes]))

    def add_cells(self, cells: numbers.Keys, sizes: numbers.Counts, shift: int = 0) -> None:
        both = np.concatenate([self.cells, cells]), np.concatenate([self.sizes, sizes])
        self.cells, self.sizes, self.shift = numbers.coarser(*both, max(self.shift, shift))

    def _add_named(self, named: dict[int, int], codes: Codes, counts: Codes) -> None:
        if named is self.categories and self.many:
            return
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            named[code] = named.get(code, 0) + count
        if len(self.categories) > MOST_CATEGORIES:
            self._overflow()

    def _overflow(self) -> None:
        self.many = True
        self.categories.clear()

    def parts(self) -> Iterator[Part]:
        """Itself, as rows that `add` takes."""
        for kind, count in ((SEEN, self.seen), (NULLS, self.nulls), (NAN, self.nan), (MANY, int(self.many))):
            if count:
                yield kind, ONE, np.array([count], np.int64)
        for kind, named in ((CATEGORY, self.categories), (BIN, self.bins)):
            yield kind, _array(named), _array(named.values())
        yield HASH, self.hashes.view(np.int64), np.zeros(len(self.hashes), np.int64)
        yield CELL, self.cells.view(np.int64), self.sizes
        if self.shift:
            yield SHIFT, np.array([self.shift], np.int64), ONE


def _array(found: Any) -> Codes:
    return np.fromiter(found, np.int64, len(found))
