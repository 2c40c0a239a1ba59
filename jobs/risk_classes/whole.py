"""How a sensitive column is spread over the whole table: counts by place, never the values themselves."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from jobs.risk_classes.grouping import Floats, Ints

Counts = Ints
Numbers = Floats


@dataclasses.dataclass(frozen=True)
class Whole:
    """counts: rows with each distinct value of the column, in the order of the values. Null is one of them, the first.
    ordered: whether the values have an order that distances between them follow. parents: where they have a hierarchy
    instead, for each of its levels, from the lowest up to its one root, the node that each value stands below."""

    counts: Counts
    ordered: bool = False
    parents: tuple[Counts, ...] = ()

    @functools.cached_property
    def shares(self) -> Numbers:
        return np.asarray(self.counts / self.counts.sum(), np.float64)

    @functools.cached_property
    def up_to(self) -> Numbers:
        """The share of rows with the value at a place, or one before it."""
        return np.asarray(np.cumsum(self.counts) / self.counts.sum(), np.float64)

    @functools.cached_property
    def sums(self) -> Numbers:
        """Sums of the first so many of `up_to`, from none on."""
        return np.concatenate([np.zeros(1), np.cumsum(self.up_to)])
