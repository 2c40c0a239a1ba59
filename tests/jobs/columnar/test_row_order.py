"""Rows in random order: the same rows, whatever their types, and no trace of where they stood."""

from __future__ import annotations

import decimal
import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.columnar import row_order

ROWS = 3_000
NUMBERS = range(ROWS)
COLUMNS: dict[str, pa.Array] = {
    "one length": pa.array([f"{at:022d}" for at in NUMBERS]),
    "one length and nulls": pa.array([None if at % 7 == 0 else f"{at:022d}" for at in NUMBERS]),
    "lengths": pa.array(["ä" * (at % 5) + str(at) for at in NUMBERS]),
    "empty": pa.array([""] * ROWS),
    "bytes of one length": pa.array([at.to_bytes(4, "big") for at in NUMBERS]),
    "nulls": pa.array([None] * ROWS, pa.string()),
    "number": pa.array([None if at % 3 == 0 else at for at in NUMBERS]),
    "decimal": pa.array([decimal.Decimal(at) / 100 for at in NUMBERS], pa.decimal128(10, 2)),
    "structs": pa.array([None if at % 4 == 0 else [{"a": at, "b": str(at)}] * (at % 3) for at in NUMBERS]),
    "structs of structs": pa.array(
        [None if at % 4 == 0 else {"a": {"b": f"{at:022d}", "c": [at] * (at % 3)}} for at in NUMBERS]
    ),
    "lists of lists": pa.array([[None if at % 5 == 0 else [f"{at:04d}"] * (at % 3)] * (at % 4) for at in NUMBERS]),
    "nulls over elements": pa.ListArray.from_arrays(
        pa.array(range(0, 2 * ROWS + 1, 2), pa.int32()),
        pa.array([f"{at:05d}" for at in range(2 * ROWS)]),
        mask=pa.array([at % 3 == 0 for at in NUMBERS]),
    ),
    "no fields": pa.array([{}] * ROWS, pa.struct([])),
    "map": pa.array([[(str(at), at)] for at in NUMBERS], pa.map_(pa.string(), pa.int64())),
}


def rows(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


def neighbours(values: list[Any]) -> int:
    """How many numbers are still followed by the next one."""
    return sum(one + 1 == other for one, other in itertools.pairwise(values))


@pytest.mark.parametrize("name", COLUMNS)
def test_the_same_rows(name: str) -> None:
    """In several chunks, of which the first begins within an array."""
    at, values = pa.array(NUMBERS), COLUMNS[name]
    chunks = [pa.table({"at": at[a:b], "v": values[a:b]}) for a, b in ((7, 1_000), (1_000, 1_000), (1_000, ROWS))]
    table = pa.concat_tables(chunks)
    found = row_order.shuffled(table)
    found.validate(full=True)
    assert found.schema == table.schema
    assert rows(found) == rows(table)
    assert neighbours(found["at"].to_pylist()) < 20


@pytest.mark.parametrize("number", [0, 1, 2])
def test_few_rows(number: int) -> None:
    table = pa.table({"v": [str(at) for at in range(number)]})
    assert rows(row_order.shuffled(table)) == rows(table)


def test_many_short_rows_by_parts() -> None:
    """So that what a permutation takes is bounded."""
    table = pa.table({"at": np.arange(row_order.MOST + 10)})
    found = row_order.shuffled(table)["at"].to_numpy()
    assert set(found[-10:]) == set(range(row_order.MOST, row_order.MOST + 10))
    assert (np.sort(found) == np.arange(row_order.MOST + 10)).all()
    assert (np.diff(found) == 1).sum() < 20


def test_every_order_is_as_likely() -> None:
    """Of three rows there are six."""
    orders = [tuple(row_order.permutation(3)) for _ in range(6_000)]
    counts = [orders.count(order) for order in sorted(set(orders))]
    assert len(counts) == 6
    assert max(abs(count - 1_000) for count in counts) < 300, "ten standard deviations"
