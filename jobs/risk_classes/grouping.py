"""Rows of whole numbers put into groups, in whole-array code; groups stand in the order of their codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_KEY = 1 << 62
DENSE = 8
"""Up to so many cells for each entry a table of all cells is quicker than sorting."""


def grouped(codes: Sequence[Ints], sizes: Sequence[int], rows: int) -> tuple[Ints, Ints]:
    """The group of each row, and the row that each group is first seen in.

    codes: one array for each column, every one of length ``rows``, with numbers from 0 below its entry in ``sizes``.
    """
    key, span = np.zeros(rows, np.int64), 1
    for code, size in zip(codes, sizes, strict=True):
        if span > MOST_KEY // max(size, 1):  # it keeps the order to number the keys anew
            present, key = np.unique(key, return_inverse=True)
            span = len(present)
        key, span = key * size + code, span * size
    return numbered(key, span)


def numbered(keys: Ints, span: int) -> tuple[Ints, Ints]:
    """As `grouped` for keys from 0 below ``span``."""
    if span > DENSE * len(keys) + 1024:
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        return group, first
    firsts = np.full(span, -1, np.int64)
    firsts[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
    present = firsts >= 0
    return (np.cumsum(present) - 1)[keys], firsts[present]


def summed(group: Ints, amounts: Ints, groups: int) -> Ints:
    """The amounts of each group together; exact up to 2^53."""
    return np.bincount(group, amounts, groups).astype(np.int64)


def added(group: Ints, amounts: Floats, groups: int) -> Floats:
    """The same of fractions."""
    return np.asarray(np.bincount(group, amounts, groups), np.float64)
