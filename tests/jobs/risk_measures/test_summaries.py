"""What a task makes of its rows: the same wherever Arrow's batches end, be it within a class."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.risk_classes.whole import Whole
from jobs.risk_measures import sorted_groups, summaries
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
            patched.setattr(sorted_groups, "ENOUGH", enough)
            assert summarized(*lengths) == whole


def test_combinations_of_values_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of a million rows, each another combination of three columns' values, between two small ones: 48 bytes a
    row are 50 MB, and 16,384 rows are held. What is found is as if all were."""
    many, span = 1 << 20, 128
    wholes = [Whole(np.full(span, 10_000), ordered=at > 0) for at in range(3)]

    def stream() -> Iterator[pa.RecordBatch]:
        for start in range(-10_000, many + 10_000, 10_000):
            at = np.arange(start, min(start + 10_000, many + 10_000))
            of = np.clip(at // many, -1, 1)
            codes = [at % span, at // span % span, at // span**2 % span]
            cells = [of, of, *codes, np.full(len(at), 2)]
            yield pa.RecordBatch.from_arrays([pa.array(each, pa.int64()) for each in cells], names=names(3))

    def found(enough: int) -> tuple[list[dict[str, Any]], int]:
        monkeypatch.setattr(sorted_groups, "ENOUGH", enough)
        tracemalloc.start()
        told = [row for batch in summaries._each_task(stream(), names(3), wholes) for row in batch.to_pylist()]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return told, peak

    (few, least), (all_, most) = found(1 << 14), found(1 << 30)
    assert few == all_
    assert (few[0]["sizes"], few[0]["classes"]) == ([20_000, 2 * many], [2, 1])
    assert most > 48 * many
    assert least < 12 * 10**6


def test_each_column_is_told_and_sizes_once() -> None:
    (one,), two = summarized(), summarized(columns=2)
    assert two == [one, {**one, "column": 1, "sizes": [], "classes": [], "members": []}]


def test_classes_are_parted_by_both_numbers() -> None:
    (found,) = summarized()
    assert (found["sizes"], found["classes"], found["members"]) == ([1, 3, 4, 5], [1, 1, 1, 1], [1, 3, 4, 5])
    assert (found["distinct"], found["alpha"], found["ratios"]) == (1, 1.0, [1.0])


def test_a_task_without_rows_says_nothing() -> None:
    assert list(summaries._each_task(iter(()), names(1), [WHOLE])) == []
