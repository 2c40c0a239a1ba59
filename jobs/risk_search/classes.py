"""Classes of rows that are equal in all quasi-identifiers, with how many rows each has, and of which sensitive values.

Those of a coarser table come from those of a finer one, and from no row: a class is the union of finer ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from jobs.risk_classes.batch import Batch
from jobs.risk_classes.grouping import Ints, grouped, numbered, summed


@dataclasses.dataclass(frozen=True)
class Pairs:
    """How many rows of a class have a value of a sensitive column: only what is there, by class, then by value.

    of: the class. value: its rank among the column's distinct values, below ``values``. rows: how many.
    """

    of: Ints
    value: Ints
    rows: Ints
    values: int

    def part(self, place: Ints) -> Pairs:
        """Those of some classes alone. place: for each class where it is then, -1 if it is not."""
        of = place[self.of]
        there = of >= 0
        return Pairs(of[there], self.value[there], self.rows[there], self.values)

    def merged(self, group: Ints, groups: int) -> Pairs:
        """The same where class ``c`` is now a part of class ``group[c]``."""
        keys = group[self.of] * self.values + self.value
        pair, first = numbered(keys, groups * self.values)
        of, value = np.divmod(keys[first], max(self.values, 1))
        return Pairs(of, value, summed(pair, self.rows, len(first)), self.values)


@dataclasses.dataclass(frozen=True)
class Classes:
    """levels: of each column, how coarse it is. codes: of each column, the group that each class lies in. rows: of each
    class, how many. pairs: for each sensitive column."""

    levels: tuple[int, ...]
    codes: tuple[Ints, ...]
    rows: Ints
    pairs: tuple[Pairs, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, at: Ints) -> Classes:
        """Those classes alone, in that order."""
        place = np.full(len(self), -1)
        place[at] = np.arange(len(at))
        codes, pairs = tuple(code[at] for code in self.codes), tuple(each.part(place) for each in self.pairs)
        return Classes(self.levels, codes, self.rows[at], pairs)

    def batch(self, at: int) -> Batch:
        """What each class has of a sensitive column, or of the subject, by its place in ``pairs``."""
        pairs = self.pairs[at]
        starts = np.flatnonzero(np.append(True, pairs.of[1:] != pairs.of[:-1]))
        return Batch(self.rows, starts, pairs.value, pairs.rows)

    @property
    def cells(self) -> int:
        """How many numbers they take."""
        return len(self) * (len(self.codes) + 1) + 3 * sum(len(pairs.of) for pairs in self.pairs)

    def merged(self, levels: tuple[int, ...], codes: Sequence[Ints], sizes: Sequence[int]) -> Classes:
        """The classes of a coarser table. codes: the groups there, for each column and each class here."""
        group, first = grouped(codes, sizes, len(self))
        return Classes(
            levels,
            tuple(code[first] for code in codes),
            summed(group, self.rows, len(first)),
            tuple(pairs.merged(group, len(first)) for pairs in self.pairs),
        )
