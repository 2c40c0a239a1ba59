"""What a treated table has lost: measures of utility, 0 for nothing; less is better.

Each has for a node what it loses before any row is left out. That is a bound: no coarser node loses less, and leaving
rows out only adds to it. So a node at which it is no less than the best that was found, and all that are coarser, need
not be looked at.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.risk_classes.grouping import Flags, Floats, Ints, summed
from jobs.risk_search.classes import Classes
from jobs.risk_search.loss_names import LOSSES
from jobs.risk_search.space import Space, Steps


class Loss(Protocol):
    def bounds(self) -> Floats:
        """For every node of the space, what it loses at least: known without any of its classes."""

    def of(self, classes: Classes, left_out: Flags) -> tuple[float, float]:
        """The bound of this node, and what it loses if those classes are left out."""


@dataclasses.dataclass(frozen=True)
class Discernibility:
    """Of two rows drawn at random how likely they cannot be told apart; a row that is left out, from none: Bayardo and
    Agrawal's measure (2005), which is the sum of the squares, over the square of the number of rows."""

    space: Space

    def bounds(self) -> Floats:
        return 1 / _most_classes(self.space)

    def of(self, classes: Classes, left_out: Flags) -> tuple[float, float]:
        shares = classes.rows / self.space.table.rows
        return float(shares @ shares), float(shares @ np.where(left_out, 1.0, shares))


@dataclasses.dataclass(frozen=True)
class AverageClassSize:
    """How many rows a class has on average. What is left out counts as one class together. (Over k it is the measure
    of LeFevre et al., 2006.)"""

    space: Space

    def bounds(self) -> Floats:
        return self.space.table.rows / _most_classes(self.space)

    def of(self, classes: Classes, left_out: Flags) -> tuple[float, float]:
        rows, kept = self.space.table.rows, int((~left_out).sum())
        return rows / len(classes), rows / (kept + bool(left_out.any()))


def _most_classes(space: Space) -> Floats:
    """How many classes each node has at most: as many as groups can be combined, and never more than at the finest."""
    combined = _at_all_nodes(np.multiply, [np.array(steps.sizes, np.float64) for steps in space.columns])
    return np.minimum(combined, len(space.table.base))


def _at_all_nodes(combine: np.ufunc, by_level: Sequence[Floats]) -> Floats:
    """Numbers for each level of each column, combined for each node."""
    return functools.reduce(combine.outer, by_level)


@dataclasses.dataclass(frozen=True)
class CellLoss:
    """A measure that is a sum over cells. lost: for each column, what all its rows lose at each level, together. more:
    for each column, level and group, what a row loses more if it is left out."""

    lost: tuple[Floats, ...]
    more: tuple[tuple[Floats, ...], ...]

    def bounds(self) -> Floats:
        return _at_all_nodes(np.add, self.lost)

    def of(self, classes: Classes, left_out: Flags) -> tuple[float, float]:
        bound, rows, added = 0.0, classes.rows[left_out], 0.0
        for lost, more, level, codes in zip(self.lost, self.more, classes.levels, classes.codes, strict=True):
            bound += float(lost[level])
            added += float(more[level][codes[left_out]] @ rows)
        return bound, bound + added


def certainty_penalty(space: Space) -> CellLoss:
    """The normalized certainty penalty (Xu et al., 2006): of a cell how wide its group is, as a share of the column.

    Numbers, dates and times: the range of the values in a group over that of all; anything else: how many values a
    group has, over how many the column has. 0 for a value that stands alone, 1 for what is redacted or left out; the
    mean over columns and rows.
    """
    parts = len(space.columns) * space.table.rows
    lost, more = [], []
    for axis, steps in enumerate(space.columns):
        widths = [width(steps, level) for level in range(len(steps.groups))]
        counts = [_rows_of_groups(space, axis, level) for level in range(len(steps.groups))]
        lost.append(np.array([width @ count for width, count in zip(widths, counts, strict=True)]) / parts)
        more.append(tuple((1 - width) / parts for width in widths))
    return CellLoss(tuple(lost), tuple(more))


def nonuniform_entropy(space: Space) -> CellLoss:
    """How much of the information in the columns is gone (Gionis and Tassa, 2009; ARX's non-uniform entropy): of a cell
    the information of its value, given its group. 0 for nothing, 1 for all of it, which also a row loses that is left
    out."""
    counts = [
        [_rows_of_groups(space, axis, level) for level in range(len(steps.groups))]
        for axis, steps in enumerate(space.columns)
    ]
    gone = [np.array([_information(level) - _information(column[0]) for level in column]) for column in counts]
    rows = space.table.rows
    most = sum(_information([rows]) - _information(column[0]) for column in counts) or 1.0
    return CellLoss(
        tuple(column / most for column in gone),
        tuple(tuple(np.log(rows / level) / most for level in column) for column in counts),
    )


def _information(counts: Ints | list[int]) -> float:
    rows = np.asarray(counts, np.float64)
    return float(rows @ np.log(rows))


def _rows_of_groups(space: Space, axis: int, level: int) -> Ints:
    steps, base = space.columns[axis], space.table.base
    return summed(steps.groups[level][base.codes[axis]], base.rows, steps.sizes[level])


def width(steps: Steps, level: int) -> Floats:
    """Of each group of a level how wide it is, as a share of the column."""
    group, size = steps.groups[level], steps.sizes[level]
    if size == 1 and len(group) > 1:
        return np.ones(1)
    found = numbers(steps.quasi.values)
    if found is None:
        together = np.bincount(group, minlength=size)
        return np.where(together > 1, together / len(group), 0.0)
    least, greatest = np.full(size, np.inf), np.full(size, -np.inf)
    there = np.isfinite(found)
    np.minimum.at(least, group[there], found[there])
    np.maximum.at(greatest, group[there], found[there])
    whole = np.ptp(found[there]) if there.any() else 0.0
    return np.where(greatest > least, greatest - least, 0.0) / (whole or 1.0)


def numbers(values: pa.Array) -> Floats | None:
    """Numbers, dates and times as floats, NaN for null; None for other types, and where a number is not finite."""
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us") if pa.types.is_date(kind) else kind).cast(pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    floats = values.cast(pa.float64(), safe=False)
    finite = pc.all(pc.is_finite(floats)).as_py()
    return np.asarray(floats.to_numpy(zero_copy_only=False)) if finite is not False else None


MEASURES: Mapping[str, Callable[[Space], Loss]] = dict(
    zip(LOSSES, (Discernibility, certainty_penalty, AverageClassSize, nonuniform_entropy), strict=True)
)
