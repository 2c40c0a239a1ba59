"""Find out cheaply whether a batch repeats itself, so that costly techniques work on the distinct values only."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

_LEAST = 1000  # values from which on a look pays
_PAYS = 4  # times that a value must occur in the mean for the detour to pay


def distinct_if_few(values: pa.Array) -> pa.DictionaryArray | None:
    """``values`` dictionary-encoded when few of them are distinct, else None. Nulls are nulls of the indices.

    A sample of some ``2 sqrt(n)`` values decides: large enough to hold repeats where each value occurs `_PAYS` times,
    small enough not to be noticed where each occurs once.
    """
    if len(values) < _LEAST or about_distinct(values) * _PAYS > len(values):
        return None
    encoded = values.dictionary_encode()
    return encoded if len(encoded.dictionary) * 2 <= len(values) else None


def about_distinct(values: pa.Array | pa.ChunkedArray) -> float:
    """About how many distinct values there are, by the estimator of Chao (1984) in its form without bias: those seen in
    a sample, and of those not seen as many as the numbers seen once and twice let expect at least."""
    sample = values.take(_places(len(values)))
    if len(sample.unique()) + _PAYS > len(sample):  # the usual case of distinct values, told at half the cost
        return float(len(values))
    times = sample.value_counts().field(1).to_numpy()
    once, twice = (int(np.count_nonzero(times == n)) for n in (1, 2))
    return len(times) + once * (once - 1) / (2 * (twice + 1))


@lru_cache(maxsize=256)
def _places(length: int) -> pa.Array:
    """Where to look: places at random, the same each time, none of them twice. (Sorted values repeat locally, others at
    a distance: neither the head of a batch nor even steps would show both.)"""
    return pa.array(np.unique(np.random.default_rng(length).integers(0, length, 2 * int(length**0.5))))
