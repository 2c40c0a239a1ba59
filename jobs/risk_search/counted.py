"""The classes of nodes that were counted, kept so that those of coarser ones come from them."""

from __future__ import annotations

import numpy as np

from jobs.risk_search.classes import Classes
from jobs.risk_search.space import Node, Space

LEAST_KEPT = 10_000_000
"""Numbers that are kept at any rate (80 MB); more where the table itself is larger, up to four times as many."""


class Counted:
    """roll_ups: how many nodes were counted from another one than the table itself."""

    def __init__(self, over: Space) -> None:
        base = over.table.base
        self._space, self._room = over, max(LEAST_KEPT, 4 * base.cells) + base.cells
        self._kept, self._cells = [base], base.cells
        self._levels, self._sizes = np.array([base.levels]), np.array([len(base)])
        self.roll_ups = 0

    def at(self, node: Node) -> Classes:
        """The classes at a node, from the fewest that are finer."""
        finer = np.flatnonzero((self._levels <= np.array(node)).all(axis=1))
        nearest = finer[self._sizes[finer].argmin()]
        classes = self._space.roll_up(self._kept[nearest], node)
        self.roll_ups += int(nearest > 0)
        self._keep(classes)
        return classes

    def _keep(self, classes: Classes) -> None:
        self._kept.append(classes)
        self._cells += classes.cells
        self._levels = np.vstack([self._levels, np.array([classes.levels])])
        self._sizes = np.append(self._sizes, len(classes))
        while self._cells > self._room:
            self._forget(1 + int(self._sizes[1:].argmax()))

    def _forget(self, at: int) -> None:
        self._cells -= self._kept.pop(at).cells
        self._levels, self._sizes = np.delete(self._levels, at, axis=0), np.delete(self._sizes, at)
