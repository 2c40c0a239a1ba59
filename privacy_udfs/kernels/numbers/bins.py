"""Half-open bins ``[lower, upper)`` of numbers, over whole arrays.

A grid is exact: its ends are integers at a decimal scale. Integers and decimals are compared exactly; floats are
compared with the float nearest to each end, so that 0.3 lies in ``[0.3, 0.4)`` although its binary value is smaller.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.numbers.exact import Mask, Scaled, magnitude, with_room

Ends = tuple[int | None, int | None]
Codes = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Grid:
    """All numbers are times ``10**scale``. Bins of one ``width`` from ``origin``, or between ``cuts`` where width is 0.

    Below ``bottom`` and from ``top`` on there is one open bin each; bins end there.
    """

    scale: int
    width: int = 0
    origin: int = 0
    cuts: tuple[int, ...] = ()
    bottom: int | None = None
    top: int | None = None

    def ends(self, bin_number: int) -> Ends:
        """Lower and upper end of a bin between ``bottom`` and ``top``."""
        if not self.width:
            return self.cuts[bin_number], self.cuts[bin_number + 1] if bin_number + 1 < len(self.cuts) else None
        lower = self.origin + bin_number * self.width
        upper = lower + self.width
        return (
            lower if self.bottom is None else max(lower, self.bottom),
            upper if self.top is None else min(upper, self.top),
        )

    def as_float(self, number: int, kind: npt.DTypeLike) -> Any:
        """The float of ``kind`` nearest to a scaled number."""
        with np.errstate(over="ignore"):
            return np.dtype(kind).type(number / 10**self.scale)  # Python divides integers with correct rounding


@dataclasses.dataclass(frozen=True)
class Binned:
    """``codes`` name for each value an entry of ``ends``; -1 where a float has no bin."""

    codes: Codes
    ends: tuple[Ends, ...]


def bin_exact(numbers: Scaled, grid: Grid) -> Binned:
    """The bins of numbers scaled as the grid is, rounded down."""
    known = [n for n in (grid.width, grid.origin, grid.bottom, grid.top, *grid.cuts) if n is not None]
    numbers = with_room(numbers, 2 * max(map(abs, known)))
    below, above = _open(numbers, grid.bottom, grid.top)
    if grid.width:
        bins = (numbers - grid.origin) // grid.width
    else:
        bins = np.searchsorted(np.array(grid.cuts, numbers.dtype), numbers, side="right") - 1
    return _coded(np.where(below | above, 0, bins), below, above, grid)


def bin_floats(values: npt.NDArray[Any], grid: Grid) -> Binned:
    """The bins of float32 or float64 values. NaN and infinities have none, nor have values so far out that neighbouring
    floats are more than an eighth of a bin apart."""
    bottom, top = (None if end is None else grid.as_float(end, values.dtype) for end in (grid.bottom, grid.top))
    below, above = _open(values, bottom, top)
    blank = ~np.isfinite(values)
    inner = np.where(blank | below | above, 0, values)
    if grid.width:
        bins, lost = _float_bins(inner, grid)
        blank |= lost & ~below & ~above
    else:
        cuts = np.array([grid.as_float(cut, values.dtype) for cut in grid.cuts], values.dtype)
        bins = np.searchsorted(cuts, inner, side="right") - 1
    binned = _coded(np.where(blank | below | above, 0, bins), below, above, grid)
    return Binned(np.where(blank, -1, binned.codes), binned.ends)


def _float_bins(values: npt.NDArray[Any], grid: Grid) -> tuple[Codes, Mask]:
    """Bin numbers, and which values lie too far out to have one."""
    origin, width = (number / 10**grid.scale for number in (grid.origin, grid.width))
    wide = values.astype(np.float64)
    lost = np.abs(wide) + abs(origin) >= width * 2.0 ** (np.finfo(values.dtype).nmant - 2)
    guess = np.floor(np.where(lost, 0, wide - origin) / width).astype(np.int64)  # at most one off
    codes, distinct = _distinct(guess)
    starts = [[grid.origin + (n + step) * grid.width for n in distinct] for step in (0, 1)]
    lower, upper = (np.array([grid.as_float(n, values.dtype) for n in ends], values.dtype)[codes] for ends in starts)
    return guess - (values < lower) + (values >= upper), lost


def _open(numbers: Any, bottom: Any, top: Any) -> tuple[Mask, Mask]:
    none = np.zeros(len(numbers), np.bool_)
    below = none if bottom is None else np.asarray(numbers < bottom, np.bool_)
    return below, none if top is None else np.asarray(numbers >= top, np.bool_)


def _coded(bins: Scaled, below: Mask, above: Mask, grid: Grid) -> Binned:
    codes, distinct = _distinct(bins)
    codes = np.where(below, len(distinct), np.where(above, len(distinct) + 1, codes))
    return Binned(codes, (*map(grid.ends, distinct), (None, grid.bottom), (grid.top, None)))


def _distinct(bins: Scaled) -> tuple[Codes, list[int]]:
    if magnitude(bins) < 1 << 63:
        encoded = pa.array(bins.astype(np.int64)).dictionary_encode()
        return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()
    distinct, codes = np.unique(bins, return_inverse=True)
    return codes.reshape(-1), distinct.tolist()
