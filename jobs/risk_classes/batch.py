"""Classes of one batch as whole arrays: what each counts, and how often it has which value of a sensitive column."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from jobs.risk_classes.whole import Counts, Numbers


@dataclasses.dataclass(frozen=True)
class Batch:
    """sizes: rows or people of each class. starts: where its values begin in ``codes`` and ``counts``: each class has
    at least one. codes: the places of its values in the whole table (`Whole`), each once; a class's own ascending.
    counts: how often it has them."""

    sizes: Counts
    starts: Counts
    codes: Counts
    counts: Counts

    @classmethod
    def of(cls, sizes: Counts, lengths: Counts, codes: Counts, counts: Counts) -> Batch:
        """lengths: how many values each class has. The values of a class may come in any order."""
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)[:-1]])
        order = np.lexsort((codes, np.repeat(np.arange(len(lengths)), lengths)))
        return cls(sizes, starts, codes[order], counts[order])

    @classmethod
    def counted(cls, sizes: Counts, of: Counts, codes: Counts, counts: Counts, values: int) -> Batch:
        """of: the class of each entry, ascending from 0, none left out. codes: its value, in any order, below
        ``values``; entries of one class and value are put together."""
        keys = of * values + codes
        order = np.argsort(keys)
        keys = keys[order]
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        classes, codes = np.divmod(keys[first], values)
        starts = np.flatnonzero(np.append(True, classes[1:] != classes[:-1]))
        return cls(sizes, starts, codes, np.add.reduceat(counts[order], first))

    def __len__(self) -> int:
        return len(self.sizes)

    @functools.cached_property
    def lengths(self) -> Counts:
        return np.diff(self.starts, append=len(self.codes))

    @functools.cached_property
    def classes(self) -> Counts:
        """The class of each value."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def summed(self, numbers: Numbers) -> Numbers:
        """Sums for each class of what there is for each value."""
        return np.add.reduceat(numbers, self.starts)

    @functools.cached_property
    def totals(self) -> Counts:
        """All counts of each class: its size, unless people have several values."""
        return np.add.reduceat(self.counts, self.starts)

    @functools.cached_property
    def shares(self) -> Numbers:
        """The share of each value in its class."""
        return np.asarray(self.counts / self.totals[self.classes], np.float64)

    @functools.cached_property
    def entropies(self) -> Numbers:
        """The entropy of each class in natural units: its exponential is the l of entropy l-diversity. Concave: that of
        a union of classes is at least the mean of theirs weighted by rows."""
        return -self.summed(self.shares * np.log(self.shares))

    @functools.cached_property
    def up_to(self) -> Numbers:
        """The share, in its class, of each value and those before it."""
        sums = np.cumsum(self.counts)
        before = sums[self.starts] - self.counts[self.starts]
        return np.asarray((sums - before[self.classes]) / self.totals[self.classes], np.float64)

    @property
    def first_codes(self) -> Counts:
        return self.codes[self.starts]

    def next_codes(self, end: int) -> Counts:
        """The place that comes next in the class of each value; ``end`` after the last."""
        follows = np.append(self.codes[1:], end)
        follows[self.starts[1:] - 1] = end
        return follows
