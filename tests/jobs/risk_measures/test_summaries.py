"""What a task makes of its rows: the same wherever Arrow's batches end, be it within a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from jobs.risk_measures import summaries
from jobs.risk_measures.whole import Whole

ROWS = [(7, 1, 0, 2), (7, 1, 1, 1), (7, 2, 1, 4), (8, 2, 0, 1), (8, 2, 1, 1), (8, 2, 2, 3), (9, 0, 2, 1)]
"""Four classes by two numbers, some of which have one in common; the place of a value; how often it is there."""
WHOLE = Whole(np.array([3, 6, 4]), ordered=True)


def summarized(*lengths: int) -> dict[str, Any]:
    batches, rows = [], [*ROWS]
    for length in (*lengths, len(ROWS)):
        part, rows = rows[:length], rows[length:]
        columns = [[row[at] for row in part] for at in (0, 1, 2, 3, 3)]
        arrays = [pa.array(column, pa.int64()) for column in (*columns, [0] * len(part))]
        batches.append(pa.RecordBatch.from_arrays(arrays, names=list(summaries.STREAM)))
    (row,) = summaries._each_task(iter(batches), WHOLE)
    (found,) = row.to_pylist()
    return dict(found)


@given(st.lists(st.integers(0, len(ROWS)), max_size=5))
def test_batches_end_anywhere(lengths: list[int]) -> None:
    assert summarized(*lengths) == summarized()


def test_classes_are_parted_by_both_numbers() -> None:
    found = summarized()
    assert (found["sizes"], found["classes"], found["members"]) == ([1, 3, 4, 5], [1, 1, 1, 1], [1, 3, 4, 5])
    assert (found["distinct"], found["alpha"], found["ratios"]) == (1, 1.0, [1.0])


def test_a_task_without_rows_says_nothing() -> None:
    assert list(summaries._each_task(iter(()), WHOLE)) == []
