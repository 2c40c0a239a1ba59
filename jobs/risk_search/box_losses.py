"""What a table has lost that was cut into boxes, by the measures of `jobs.risk_search.losses`: 0 for nothing.

A cell stands for the values that its box may have had there: of numbers, dates and times those from the least to the
greatest of the box; of anything else those that the lowest step of the ladder joins with them; all of the column where
the box has null for several values. How the values of a group are spread is known from the whole column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from jobs.risk_classes.grouping import Floats, Ints, summed
from jobs.risk_search import losses, mondrian
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.mondrian import Boxes
from jobs.risk_search.space import Steps, steps_of


def of(boxes: Boxes, ladders: Mapping[str, Ladder]) -> dict[str, float]:
    """By measure, in the order of `losses.MEASURES`. ladders: those that the boxes were cut by."""
    columns, rows = steps_of(boxes.table, ladders), boxes.table.base.rows
    codes = boxes.table.base.codes
    cells = [_column(steps, code, boxes, rows) for steps, code in zip(columns, codes, strict=True)]
    most = sum(each.information for each in cells) or 1.0
    parts = len(cells) * boxes.table.rows
    found = {
        "discernibility": boxes.discernibility,
        "certainty_penalty": sum(float(each.width @ rows) for each in cells) / parts,
        "average_class_size": boxes.average_class_size,
        "nonuniform_entropy": sum(float(each.gone @ rows) for each in cells) / most,
    }
    return {name: found[name] for name in losses.MEASURES}


class _Cells:
    """Of a column, for each class of the base: how wide its cell is, and how much of its information is gone.
    information: all that the column has."""

    def __init__(self, width: Floats, inside: Ints, own: Ints, counts: Ints) -> None:
        self.width, self.gone = width, np.log(inside / own)
        rows = float(counts.sum())
        self.information = rows * math.log(rows) - float(counts @ np.log(counts))


def _column(steps: Steps, code: Ints, boxes: Boxes, rows: Ints) -> _Cells:
    counts = summed(code, rows, len(steps.quasi.values))
    read: Callable[[Steps, Ints, Boxes, Ints], tuple[Floats, Ints]]
    read = _ordered if mondrian.is_ordered(steps) else _by_ladder
    width, inside = read(steps, code, boxes, counts)
    return _Cells(width, inside, counts[code], counts)


def _ordered(steps: Steps, code: Ints, boxes: Boxes, counts: Ints) -> tuple[Floats, Ints]:
    """How wide the cell of each class is, and how many rows of the table have one of the values it may have had."""
    values, box = steps.quasi.values, boxes.box
    least, greatest = np.full(len(boxes.rows), len(values)), np.zeros(len(boxes.rows), np.int64)
    np.minimum.at(least, box, code)
    np.maximum.at(greatest, box, code)
    null = values.is_null().to_numpy(zero_copy_only=False)
    is_gone = null[greatest] & (least < greatest)  # null comes last, so that a box with one ends in it
    numbers = losses.numbers(values)
    if numbers is None:
        spans, whole = (greatest - least + 1) * (greatest > least), float(len(values))
    else:
        there = numbers[~null]
        spans, whole = np.nan_to_num(numbers[greatest] - numbers[least]), float(np.ptp(there)) if len(there) else 0.0
    up_to = np.append(0, np.cumsum(counts))
    width = np.where(is_gone, 1.0, spans / (whole or 1.0))
    inside = np.where(is_gone, up_to[-1], up_to[greatest + 1] - up_to[least])
    return width[box], inside[box]


def _by_ladder(steps: Steps, code: Ints, boxes: Boxes, counts: Ints) -> tuple[Floats, Ints]:
    box = boxes.box
    first = np.unique(box, return_index=True)[1]
    level = mondrian.levels(steps, code, box, first)[box]
    width, inside = np.zeros(len(code)), np.zeros(len(code), np.int64)
    for at, group in enumerate(steps.groups):
        here = level == at
        width[here] = losses.width(steps, at)[group[code[here]]]
        inside[here] = summed(group, counts, steps.sizes[at])[group[code[here]]]
    return width, inside
