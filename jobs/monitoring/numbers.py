"""Numbers in cells that no value need be kept for, and the bounds of bins that are chosen among these.

A float's bits, with those of negative ones turned round, are in the order of floats. A cell is all floats whose bits
agree but for the last ones: cells are as wide as ``MOST_CELLS`` of them allow, and become wider, by halves, where the
numbers lie further apart. Bins begin where cells do, so how many numbers are in each is exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
MOST_CELLS = 4096
BINS = 10
_SIGN = np.uint64(1 << 63)


def keys(numbers: Floats) -> Keys:
    """The bits of floats, none of them NaN, as numbers of the same order. -0.0 is 0.0."""
    bits = (numbers + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def number(key: int) -> float:
    """The float of a key."""
    bits = key & ~(1 << 63) if key >> 63 else ~key & (2**64 - 1)
    return float(np.array([bits], np.uint64).view(np.float64)[0])


def coarser(found: Keys, counts: Counts, shift: int) -> tuple[Keys, Counts, int]:
    """Cells by where they begin, in order, none of them double and no more than `MOST_CELLS`. shift: how many of the
    last bits do not count, at least; the result says how many did not."""
    while True:
        found = (found >> np.uint64(shift)) << np.uint64(shift)
        cells, places = np.unique(found, return_inverse=True)
        counts = np.bincount(places.ravel(), weights=counts, minlength=len(cells)).astype(np.int64)
        found = cells
        if len(cells) <= MOST_CELLS:
            return found, counts, shift
        shift += max(1, int(len(cells) // MOST_CELLS).bit_length() - 1)


def edges(cells: Keys, counts: Counts, least: int) -> list[float]:
    """Where bins begin, all but the first: at most `BINS`, of about as many numbers, each of at least so many."""
    total, found, begun, within = int(counts.sum()), list[float](), 0, 0
    wanted = max(least, total / BINS)
    for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
        if within >= wanted and total - begun >= max(least, wanted / 2):
            found.append(number(cell))
            within = 0
        begun, within = begun + count, within + count
    return found


def places(numbers: Floats, bounds: Sequence[float]) -> npt.NDArray[np.int64]:
    """In which bin each number is, the first being 0; none of them is NaN."""
    return np.searchsorted(np.asarray(bounds, np.float64), numbers + 0.0, side="right").astype(np.int64)
