"""What a task makes of people's rows: the same wherever Arrow's batches end, against a count by hand."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.risk_measures import people_stream, sorted_groups
from jobs.risk_measures.frames import CODE, COUNT, ID, NO_CODE, PERSON, UNITS

NAMES = (*PERSON, *ID, COUNT, f"{CODE}0", f"{CODE}1")
SPANS = (4, 3)
FAR = 2**63 - 1
"""Fingerprints are any numbers of 64 bits: their sums go round."""
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 1), st.sampled_from([-FAR, -1, 5, FAR]), st.sampled_from([3, FAR]),
        st.integers(1, 3), st.integers(0, 3), st.integers(0, 2),
    ),
    max_size=12,
)  # fmt: skip
Row = tuple[int, ...]
Person = tuple[tuple[int, int], frozenset[int], frozenset[int]]


def told(rows: Sequence[Row], lengths: Sequence[int] = ()) -> list[dict[str, Any]]:
    batches, rest = [], sorted(rows)
    for length in (*lengths, len(rest)):
        part, rest = rest[:length], rest[length:]
        cells = [pa.array([row[at] for row in part], pa.int64()) for at in range(len(NAMES))]
        batches.append(pa.RecordBatch.from_arrays(cells, names=list(NAMES)))
    return [row for batch in people_stream._each_task(iter(batches), NAMES, SPANS) for row in batch.to_pylist()]


def people_of(rows: Sequence[dict[str, Any]]) -> Counter[Person]:
    """Each person told: the trail, and the values of both columns; none of these twice."""
    found, units = list[list[dict[str, Any]]](), 0
    for row in rows:
        if row[UNITS]:
            found.append([])
        units += row[UNITS]
        found[-1].append(row)
    assert units == len(found)
    made = []
    for each in found:
        values = [[row[f"{CODE}{at}"] for row in each if row[f"{CODE}{at}"] != NO_CODE] for at in (0, 1)]
        assert all(len({*some}) == len(some) for some in values)
        assert len(each) == max(map(len, values))
        (trail,) = {(row[ID[0]], row[ID[1]]) for row in each}
        made.append((trail, frozenset(values[0]), frozenset(values[1])))
    return Counter(made)


def by_hand(rows: Sequence[Row]) -> Counter[Person]:
    made = []
    for person in {row[:2] for row in rows}:
        own = [row for row in rows if row[:2] == person]
        one, other = (sum(row[at] * row[4] for row in own) % 2**64 for at in (2, 3))
        trail = tuple(each - 2**64 if each >= 2**63 else each for each in (one, other))
        made.append((trail, frozenset(row[5] for row in own), frozenset(row[6] for row in own)))
    return Counter(made)  # type: ignore[arg-type]


@given(ROWS, st.lists(st.integers(0, 12), max_size=4))
def test_people_are_told_as_by_hand_wherever_batches_end(rows: list[Row], lengths: list[int]) -> None:
    expected = by_hand(rows)
    assert people_of(told(rows)) == expected
    for enough in (1, 3):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sorted_groups, "ENOUGH", enough)
            assert people_of(told(rows, lengths)) == expected


def test_the_rows_of_a_person_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows without a subject are one person's: a million of them are 56 MB, and 16,384 are held."""
    many = 1 << 20

    def stream() -> Iterator[pa.RecordBatch]:
        for start in range(0, many, 1 << 13):
            at = np.arange(start, start + (1 << 13))
            cells = [np.zeros_like(at), np.zeros_like(at), at, at, np.ones_like(at), at % SPANS[0], at % SPANS[1]]
            yield pa.RecordBatch.from_arrays([pa.array(each) for each in cells], names=list(NAMES))

    monkeypatch.setattr(sorted_groups, "ENOUGH", 1 << 14)
    tracemalloc.start()
    found = [row for batch in people_stream._each_task(stream(), NAMES, SPANS) for row in batch.to_pylist()]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    everything = many * (many - 1) // 2
    assert people_of(found) == Counter([((everything, everything), frozenset(range(4)), frozenset(range(3)))])
    assert peak < 12 * 10**6


def test_a_task_without_people_says_nothing() -> None:
    assert told([]) == []
