"""All tables that the ladders can give: of each column the groups at each level, and how classes of one become those of
another."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping

import numpy as np

from jobs.risk_classes.grouping import Ints
from jobs.risk_search import ladders
from jobs.risk_search.class_table import ClassTable, NotForSearch, Quasi
from jobs.risk_search.classes import Classes
from jobs.risk_search.ladders import KEPT, Ladder, LadderRefused, Rung

Node = tuple[int, ...]
"""Of each column a level: 0 as it is, the last one all alike."""
MOST_NODES = 2_000_000


@dataclasses.dataclass(frozen=True)
class Steps:
    """A column. groups: for each level, the group of each distinct value. sizes: how many groups each level has.
    rungs: what is done at each level."""

    quasi: Quasi
    rungs: tuple[Rung, ...]
    groups: tuple[Ints, ...]

    @functools.cached_property
    def sizes(self) -> tuple[int, ...]:
        return tuple(int(group.max(initial=-1)) + 1 for group in self.groups)

    def between(self, finer: int, coarser: int) -> Ints:
        """For each group of a level the one that it lies in at a coarser one."""
        lies_in = np.empty(self.sizes[finer], np.int64)
        lies_in[self.groups[finer]] = self.groups[coarser]
        return lies_in


@dataclasses.dataclass(frozen=True)
class Space:
    """columns: in the order of the table's quasi-identifiers, as a node's levels are."""

    table: ClassTable
    columns: tuple[Steps, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(steps.groups) for steps in self.columns)

    def roll_up(self, classes: Classes, node: Node) -> Classes:
        """The classes at a node, from those at a finer one or the same."""
        codes = [
            code if level == there else steps.between(there, level)[code]
            for steps, code, there, level in zip(self.columns, classes.codes, classes.levels, node, strict=True)
        ]
        sizes = [steps.sizes[level] for steps, level in zip(self.columns, node, strict=True)]
        return classes.merged(node, codes, sizes)


def space(table: ClassTable, by_column: Mapping[str, Ladder]) -> Space:
    """by_column: their ladders; one not named is kept or redacted. Raises `LadderRefused`, `NotForSearch`."""
    columns = steps_of(table, by_column)
    nodes = math.prod(len(steps.groups) for steps in columns)
    if nodes > MOST_NODES:
        raise NotForSearch(f"{nodes:,} tables to choose from, at most {MOST_NODES:,}: fewer columns, or fewer levels")
    return Space(table, columns)


def steps_of(table: ClassTable, by_column: Mapping[str, Ladder]) -> tuple[Steps, ...]:
    """The columns alone, as `space` takes them."""
    unknown = sorted(set(by_column) - {quasi.name for quasi in table.quasi})
    if unknown:
        raise NotForSearch(f"ladders of columns that are no quasi-identifiers: {', '.join(unknown)}")
    return tuple(_steps(quasi, by_column.get(quasi.name, Ladder())) for quasi in table.quasi)


def _steps(quasi: Quasi, ladder: Ladder) -> Steps:
    """The levels of a column, without those that join nothing more than the one before."""
    rungs, groups = [KEPT], [np.arange(len(quasi.values))]
    for rung in ladder.rungs[1:]:
        group = ladders.groups(quasi.name, quasi.values, rung)
        if group.max(initial=-1) == groups[-1].max(initial=-1):
            continue
        if not ladders.joins(groups[-1], group):
            raise LadderRefused(
                f"column {quasi.name}: step {len(groups)} of its ladder parts values that the step before it joins"
            )
        rungs.append(rung)
        groups.append(group)
    return Steps(quasi, tuple(rungs), tuple(groups))
