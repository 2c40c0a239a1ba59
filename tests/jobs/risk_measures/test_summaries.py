"""What a task makes of its rows: the same wherever Arrow's batches end, be it within a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.risk_classes.whole import Whole
from jobs.risk_measures import summaries
from jobs.risk_measures.frames import CODE, COUNT, ID

ROWS = [(7, 1, 0, 2), (7, 1, 1, 1), (7, 2, 1, 4), (8, 2, 0, 1), (8, 2, 1, 1), (8, 2, 2, 3), (9, 0, 2, 1)]
"""Four classes by two numbers, some of which have one in common; the place of a value; how often it is there."""
WHOLE = Whole(np.array([3, 6, 4]), ordered=True)


def summarized(*lengths: int, columns: int = 1) -> list[dict[str, Any]]:
    batches, rows = [], [*ROWS]
    for length in (*lengths, len(ROWS)):
        part, rows = rows[:length], rows[length:]
        cells = [[row[at] for row in part] for at in (0, 1, *[2] * columns, 3)]
        batches.append(pa.RecordBatch.from_arrays([pa.array(each, pa.int64()) for each in cells], names=names(columns)))
    found = summaries._each_task(iter(batches), names(columns), [WHOLE] * columns)
    return [row for batch in found for row in batch.to_pylist()]


def names(columns: int) -> list[str]:
    return [*ID, *(f"{CODE}{at}" for at in range(columns)), COUNT]


@given(st.lists(st.integers(0, len(ROWS)), max_size=5))
def test_batches_end_anywhere(lengths: list[int]) -> None:
    whole = summarized()
    for enough in (1, 3):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(summaries, "ENOUGH", enough)
            assert summarized(*lengths) == whole


def test_each_column_is_told_and_sizes_once() -> None:
    (one,), two = summarized(), summarized(columns=2)
    assert two == [one, {**one, "column": 1, "sizes": [], "classes": [], "members": []}]


def test_classes_are_parted_by_both_numbers() -> None:
    (found,) = summarized()
    assert (found["sizes"], found["classes"], found["members"]) == ([1, 3, 4, 5], [1, 1, 1, 1], [1, 3, 4, 5])
    assert (found["distinct"], found["alpha"], found["ratios"]) == (1, 1.0, [1.0])


def test_a_task_without_rows_says_nothing() -> None:
    assert list(summaries._each_task(iter(()), names(1), [WHOLE])) == []
