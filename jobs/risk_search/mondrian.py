"""A table cut into boxes that are as small as what is asked allows: Mondrian (LeFevre et al., 2006), over counts.

All boxes of a depth are cut at once: each at the median of the column in which it is the widest, or else of the next,
if both halves reach what is asked. Spark counts the combinations before and puts the values of boxes into the rows
afterwards, both in as many tasks as it likes; the cuts depend on the counts alone, so the result does not.

Within a box all rows get the same values, of the types that the columns have:
numbers, dates, times: the least of the box; null if one of them is null.
text, booleans: what the lowest rung of the column's ladder makes of them all; null where only ``redact`` makes one of
them. So without a ladder: the value, if all have the same, or else null.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.columns import column
from jobs.lake.problems import stopped
from jobs.risk_classes.grouping import Flags, Ints, summed
from jobs.risk_search.class_table import ClassTable
from jobs.risk_search.classes import Classes
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.space import Steps, steps_of
from jobs.risk_search.wish import NotReached, Wish, judge

UNKNOWN = "rows have combinations of values that had not been counted: the table has changed since"


@dataclasses.dataclass(frozen=True)
class Boxes:
    """box: of each class of the table's base the box that it lies in. values: of each quasi-identifier what each of
    these classes gets. rows: how many rows each box has."""

    table: ClassTable
    box: Ints = dataclasses.field(repr=False)
    rows: Ints = dataclasses.field(repr=False)
    values: tuple[pa.Array, ...] = dataclasses.field(repr=False)

    @property
    def changes(self) -> bool:
        """Whether any row gets another value than it has."""
        pairs = zip(self.table.quasi, self.table.base.codes, self.values, strict=True)
        return not all(values.equals(quasi.values.take(pa.array(code))) for quasi, code, values in pairs)

    @property
    def discernibility(self) -> float:
        """As `losses.Discernibility`."""
        shares = self.rows / self.table.rows
        return float(shares @ shares)

    @property
    def average_class_size(self) -> float:
        return self.table.rows / len(self.rows)


def cut(table: ClassTable, ladders: Mapping[str, Ladder], wish: Wish) -> Boxes:
    """Cut a table; no row is left out, whatever the wish allows. ladders: as for `search.search`; used for text, to say
    which values are near each other, and for what a box gets. Raises `NotReached`, and what
    `space.steps_of` does."""
    wish.check(table)
    columns = steps_of(table, ladders)
    base = table.base
    if judge(wish, table, base.merged(base.levels, [np.zeros(len(base), np.int64)], [1])).failing.any():
        raise NotReached("not even the whole table as one class reaches what is asked")
    ranks = [_ranks(steps)[code] for steps, code in zip(columns, base.codes, strict=True)]
    box = _cut(table, wish, np.stack(ranks, axis=1))
    first = np.unique(box, return_index=True)[1]
    values = tuple(_values(steps, code, box, first) for steps, code in zip(columns, base.codes, strict=True))
    return Boxes(table, box, summed(box, base.rows, len(first)), values)


def _ranks(steps: Steps) -> Ints:
    """Where each value of a column stands, so that those that a ladder joins early stand side by side."""
    if is_ordered(steps):
        return np.arange(len(steps.quasi.values))
    order, ranks = np.lexsort(steps.groups), np.empty(len(steps.quasi.values), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def is_ordered(steps: Steps) -> bool:
    kind = steps.quasi.values.type
    return not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind))


def _cut(table: ClassTable, wish: Wish, ranks: Ints) -> Ints:
    """The box of each class. ranks: of each class, in each column."""
    box, whole = np.zeros(len(ranks), np.int64), np.maximum(np.ptp(ranks, axis=0), 1)
    open_ = np.arange(len(ranks))
    while len(open_):
        _, inside = np.unique(box[open_], return_inverse=True)
        upper, was_cut = _halves(table, wish, open_, ranks[open_], inside, whole)
        box = _numbered_anew(2 * box, open_, upper)
        open_ = open_[was_cut]
    return box


def _numbered_anew(box: Ints, at: Ints, upper: Flags) -> Ints:
    box[at] += upper
    return np.unique(box, return_inverse=True)[1]


def _halves(table: ClassTable, wish: Wish, at: Ints, ranks: Ints, box: Ints, whole: Ints) -> tuple[Flags, Flags]:
    """Which of the classes ``at`` lie in the upper half of their box, and which in a box that was cut."""
    upper, was_cut = np.zeros(len(at), bool), np.zeros(len(at), bool)
    widths = _widths(ranks, box) / whole
    todo = np.arange(len(at))
    for _ in range(ranks.shape[1]):
        todo = todo[widths[box[todo]].max(axis=1, initial=0) > 0]
        if not len(todo):
            break
        axis = widths.argmax(axis=1)
        place = ranks[todo, axis[box[todo]]]
        inside = np.unique(box[todo], return_inverse=True)[1]
        classes = table.base.part(at[todo])
        above = _above_the_median(place, inside, classes.rows)
        fine = _both_reach(table, wish, classes, inside, above)
        upper[todo], was_cut[todo] = above & fine, fine
        widths[np.arange(len(widths)), axis] = 0
        todo = todo[~fine]
    return upper, was_cut


def _widths(ranks: Ints, box: Ints) -> Ints:
    """How far apart the ranks in each box are, in each column."""
    order = np.argsort(box, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(box[order]) > 0))
    return np.asarray(np.maximum.reduceat(ranks[order], starts) - np.minimum.reduceat(ranks[order], starts))


def _above_the_median(place: Ints, box: Ints, rows: Ints) -> Flags:
    """Which lie above the median of their box; where none does, which lie at it. Boxes are numbered from 0, and in each
    there are different places."""
    order = np.lexsort((place, box))
    total = np.cumsum(rows[order])
    starts = np.flatnonzero(np.append(True, np.diff(box[order]) > 0))
    before = np.append(0, total)[starts]
    within = np.append(total[starts[1:] - 1], total[-1]) - before
    middle = np.searchsorted(total, before + (within + 1) // 2)
    median = place[order][middle]
    last = np.maximum.reduceat(place[order], starts)
    return np.asarray(np.where((median == last)[box], place >= median[box], place > median[box]))


def _both_reach(table: ClassTable, wish: Wish, classes: Classes, box: Ints, above: Flags) -> Flags:
    """Of each class whether both halves of its box reach what is asked."""
    halves = classes.merged(classes.levels, [2 * box + above], [2 * (int(box.max()) + 1)])
    failing = judge(wish, table, halves).failing
    return ~(failing[2 * box] | failing[2 * box + 1])


def _values(steps: Steps, code: Ints, box: Ints, first: Ints) -> pa.Array:
    """What each class gets in a column. first: of each box a class in it."""
    boxes, values = len(first), steps.quasi.values
    if is_ordered(steps):
        least = np.full(boxes, len(values))
        np.minimum.at(least, box, code)
        null = values.is_null().to_numpy(zero_copy_only=False)
        mixed = np.bincount(box, null[code], boxes) > 0
        return values.take(pa.array(least, mask=mixed)).take(pa.array(box))
    made = pa.concat_arrays([rung.apply(values).cast(values.type) for rung in steps.rungs])
    level = levels(steps, code, box, first)
    return made.take(pa.array(level * len(values) + code[first])).take(pa.array(box))


def levels(steps: Steps, code: Ints, box: Ints, first: Ints) -> Ints:
    """For each box the lowest level of a column without an order at which all that is in it is one."""
    level = np.zeros(len(first), np.int64)
    for group in steps.groups[:-1]:
        level += _joins_not(group[code], box, first)
    return level


def _joins_not(group: Ints, box: Ints, first: Ints) -> Flags:
    """For each box whether the classes in it have several groups."""
    return np.bincount(box, group != group[first][box], len(first)) > 0


def _known(boxes: Boxes) -> pa.Table:
    """Each combination of values that was counted, beside what it gets."""
    quasi, codes = boxes.table.quasi, boxes.table.base.codes
    keys = {f"k{at}": quasi[at].values.take(pa.array(code)) for at, code in enumerate(codes)}
    return pa.table({**keys, **{f"v{at}": values for at, values in enumerate(boxes.values)}})


def apply(rows: DataFrame, boxes: Boxes) -> DataFrame:
    """The rows with the values of their boxes, in the order of columns that they have. The run stops, with no word of
    a value, at a row whose values had not been counted: it never gets through as it is."""
    quasi = boxes.table.quasi
    known = rows.sparkSession.createDataFrame(_known(boxes)).withColumn("known", F.lit(True))
    named = {each.name: at for at, each in enumerate(quasi)}
    left, right = rows.alias("rows"), F.broadcast(known).alias("boxes")
    same = [column("rows", name).eqNullSafe(column("boxes", f"k{at}")) for name, at in named.items()]
    joined = left.join(right, functools.reduce(lambda one, other: one & other, same), "left")
    fine = joined.where(stopped(F.when(column("boxes", "known").isNull(), F.lit(UNKNOWN))))
    return fine.select(
        *[
            column("boxes", f"v{named[name]}").alias(name) if name in named else column("rows", name)
            for name in rows.columns
        ]
    )
