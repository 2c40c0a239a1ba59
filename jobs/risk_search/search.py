"""The node of least loss that reaches what is asked: found over counts, with few of the nodes looked at.

A **check** counts the classes of a node, from those of a node already counted that is finer and has the fewest: a
**roll-up**. What is known after it spares others. Where too many rows are to be left out however its classes are
cut, every finer node fails as well. Where the loss is no less than the best so far, every coarser node loses no less.
Both hold of all measures and of all that can be asked (`wish.judge`, `losses`), so that no better node is lost.

Which node is checked next is of no matter for what is found, only for how soon. As in Flash (Kohlmayer et al., 2012) it
is the middle one of a path, from the least general node that is left up to one that has none left above it, and then
that of the half in which a change must lie.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import numpy as np

from jobs.risk_classes.grouping import Flags, Floats
from jobs.risk_search import losses
from jobs.risk_search.class_table import ClassTable, NotForSearch
from jobs.risk_search.classes import Classes
from jobs.risk_search.counted import Counted
from jobs.risk_search.ladders import Ladder, Rung
from jobs.risk_search.space import Node, Space, space
from jobs.risk_search.wish import NotReached, Wish, judge

Way = Literal["paths", "breadth_first", "exhaustive"]


@dataclasses.dataclass(frozen=True)
class Point:
    """A node that was looked at. suppressed: the share of rows in classes that miss what is asked. highest: the
    greatest risk of a row in a class that does not, one over its size; 0 if there is none. loss: with those rows left
    out. kept_loss: with them. reaches: whether they are not too many, and all miss k, by which a run leaves them
    out."""

    node: Node
    classes: int
    suppressed: float
    highest: float
    loss: float
    kept_loss: float
    reaches: bool


@dataclasses.dataclass(frozen=True)
class Found:
    """best: of those that reach what is asked, the one of least loss. losses: its loss by every measure. looked_at:
    all, in order. nodes: how many there are. checks, roll_ups: see the module's text. rungs: by column, what is done to
    it at ``best``."""

    best: Point
    losses: Mapping[str, float]
    looked_at: tuple[Point, ...]
    nodes: int
    checks: int
    roll_ups: int
    measure: str
    wish: Wish
    space: Space = dataclasses.field(repr=False)

    @property
    def levels(self) -> dict[str, int]:
        return {steps.quasi.name: level for steps, level in zip(self.space.columns, self.best.node, strict=True)}

    @property
    def rungs(self) -> dict[str, Rung]:
        return {
            steps.quasi.name: steps.rungs[level]
            for steps, level in zip(self.space.columns, self.best.node, strict=True)
        }

    @property
    def front(self) -> tuple[Point, ...]:
        """Of the nodes looked at those to which no other is better in both: rows at risk, and loss with all rows. By
        risk, falling."""
        return tuple(_front(self.looked_at))


def _front(points: Iterable[Point]) -> Iterator[Point]:
    least = np.inf
    for point in sorted(points, key=lambda each: (each.kept_loss, each.suppressed, each.node)):
        if point.suppressed < least:
            least = point.suppressed
            yield point


def search(
    table: ClassTable,
    ladders: Mapping[str, Ladder],
    wish: Wish,
    measure: str = "discernibility",
    way: Way = "paths",
) -> Found:
    """Find the levels. ladders: by column, see `space.space`. measure: a name of `losses.MEASURES`. way: ``paths``; two
    others to compare it with, which find as good a node: ``breadth_first`` goes from the least general node up and
    spares the same nodes; ``exhaustive`` spares none, and so tells the whole front.

    The same table gives the same answer, whatever number of tasks has counted it. Raises `NotReached`, and what
    `space.space` and `Wish.check` do.
    """
    if measure not in losses.MEASURES:
        raise NotForSearch(f"measure: expected one of {', '.join(losses.MEASURES)}")
    wish.check(table)
    searched = _Search(space(table, ladders), wish, measure)
    searched.run(way)
    return searched.found()


class _Search:
    def __init__(self, over: Space, wish: Wish, measure: str) -> None:
        self._space, self._wish, self._measure = over, wish, measure
        self._loss = losses.MEASURES[measure](over)
        self._guide = losses.nonuniform_entropy(over).bounds()
        self._bounds = np.array(self._loss.bounds())
        self._left = np.ones(over.shape, bool)
        self._above = np.zeros(over.shape, bool)  # nodes over one that reaches it; not all of them must
        self._most = wish.most_suppressed(over.table)
        self._best: Point | None = None
        self._points: list[Point] = []
        self._counted = Counted(over)

    def run(self, way: Way) -> None:
        if way == "exhaustive":
            for node in np.ndindex(self._space.shape):
                self._check(node)
            return
        order = self._guide if way == "paths" else np.add.reduce(np.indices(self._space.shape))
        while (start := self._least(order)) is not None:
            if way == "breadth_first" or self._above[start]:
                self._check(start)
            else:
                self._halve(self._path(start))

    def _least(self, order: Floats) -> Node | None:
        at = np.where(self._left, order, np.inf).argmin()
        node = tuple(map(int, np.unravel_index(at, order.shape)))
        return node if self._left[node] else None

    def _path(self, node: Node) -> list[Node]:
        """From a node upwards: each step to the least general of those left that may or may not reach it."""
        path = [node]
        while True:
            over = [(*node[:axis], level + 1, *node[axis + 1 :]) for axis, level in enumerate(node)]
            open_ = [each for each in over if self._is_open(each)]
            if not open_:
                return path
            node = min(open_, key=lambda each: self._guide[each])
            path.append(node)

    def _is_open(self, node: Node) -> bool:
        inside = all(level < size for level, size in zip(node, self._space.shape, strict=True))
        return inside and bool(self._left[node]) and not self._above[node]

    def _halve(self, path: list[Node]) -> None:
        low, high = 0, len(path) - 1
        while low <= high:
            middle = (low + high) // 2
            if not self._left[path[middle]] or self._check(path[middle]).reaches:
                high = middle - 1
            else:
                low = middle + 1

    def _check(self, node: Node) -> Point:
        classes = self._counted.at(node)
        judged = judge(self._wish, self._space.table, classes, left_out=True)
        bound, loss = self._loss.of(classes, judged.failing)
        suppressed = judged.suppressed(classes)
        point = _point(node, classes, judged.failing, suppressed / self._space.table.rows, loss, bound,
                       suppressed <= self._most and not judged.stay.any())  # fmt: skip
        self._points.append(point)
        self._learn(point, judged.least_under(classes))
        return point

    def _learn(self, point: Point, least_under: float) -> None:
        over = tuple(slice(level, None) for level in point.node)
        self._left[point.node] = False
        np.maximum(self._bounds[over], point.kept_loss, out=self._bounds[over])
        if least_under > self._most + 1e-6:
            self._left[tuple(slice(0, level + 1) for level in point.node)] = False
        if point.reaches:
            self._above[over] = True
            if self._best is None or (point.loss, point.node) < (self._best.loss, self._best.node):
                self._best = point
        if self._best is not None:
            self._left &= self._bounds < self._best.loss

    def found(self) -> Found:
        if self._best is None:
            raise NotReached(
                "not even the coarsest table reaches what is asked: ask less, or allow more rows to be left out"
            )
        roll_ups, classes = self._counted.roll_ups, self._counted.at(self._best.node)
        failing = judge(self._wish, self._space.table, classes, left_out=True).failing
        return Found(
            self._best,
            {name: loss(self._space).of(classes, failing)[1] for name, loss in losses.MEASURES.items()},
            tuple(self._points),
            self._left.size,
            len(self._points),
            roll_ups,
            self._measure,
            self._wish,
            self._space,
        )


def _point(node: Node, classes: Classes, failing: Flags, suppressed: float, loss: float, bound: float,
           reaches: bool) -> Point:  # fmt: skip
    least = classes.rows[~failing].min(initial=np.iinfo(np.int64).max)
    highest = 0.0 if failing.all() else 1 / int(least)
    return Point(node, len(classes), suppressed, highest, loss, bound, reaches)
