"""Made-up values to measure with: always the same ones."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa

KEY = bytes(range(64))
DISTINCT = 500  # for the cases in which join keys repeat


def _numbers(count: int) -> np.ndarray:
    return np.random.default_rng(4).permutation(count).astype(np.int64)


def emails(count: int) -> pa.Array:
    """All distinct, 26 to 30 bytes."""
    return pa.array([f"customer.{number * 7919:d}@example.org" for number in _numbers(count).tolist()])


def repeated(values: pa.Array) -> pa.Array:
    """As many values, of which `DISTINCT` are distinct, in no order."""
    picks = np.random.default_rng(5).integers(0, DISTINCT, len(values))
    return values.take(pa.array(picks))


def card_numbers(count: int) -> pa.Array:
    """16 digits, all distinct."""
    return pa.array([f"4{number * 999_983 % 10**15:015d}" for number in _numbers(count).tolist()])


def amounts(count: int) -> pa.Array:
    return pa.array(_numbers(count) * 37 % 1_000_003 / 100.0)


def dates(count: int) -> pa.Array:
    """Of some sixty years."""
    first = datetime.date(1950, 1, 1).toordinal() - datetime.date(1970, 1, 1).toordinal()
    return pa.array((_numbers(count) * 31 % 22_000 + first).astype(np.int32)).view(pa.date32())


def addresses(count: int) -> pa.Array:
    """IPv4 as text."""
    return pa.array([f"{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}.{n * 7 & 255}" for n in _numbers(count).tolist()])


def points(count: int) -> pa.Array:
    """Latitudes, or longitudes of one hemisphere."""
    return pa.array(_numbers(count) * 131 % 180_000_000 / 1e6 - 90)


def codes(count: int) -> pa.Array:
    """Postcodes of four digits."""
    return pa.array([f"{number % 10_000:04d}" for number in _numbers(count).tolist()])
