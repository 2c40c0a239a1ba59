"""Whether values are among many wanted ones, in whole arrays: exact, and cheap where nearly none is."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import to_bytes

TAIL = 8
FEW = 1000


@dataclasses.dataclass(frozen=True)
class Lookup:
    """wanted: distinct, of type binary, without nulls. Neither `repr` nor an error shows them.

    Arrow would put all of the wanted into a table for every batch anew. So batches are sifted by the last bytes of
    their values first, in a sorted list that is made once a process, and only what passes is compared as a whole.
    """

    wanted: pa.Array = dataclasses.field(repr=False)

    def holds(self, values: pa.BinaryArray) -> npt.NDArray[np.bool_]:
        """Of each value whether it is wanted; not so of nulls."""
        return self.positions(values) >= 0

    def positions(self, values: pa.BinaryArray) -> npt.NDArray[np.int32]:
        """Of each value its place among the wanted; -1 where it is none, and of nulls."""
        if len(self.wanted) <= FEW:
            return _places(values, self.wanted)
        found = np.full(len(values), -1, np.int32)
        tails = _tails(values)
        sorted_, order = self._sorted
        at = np.minimum(np.searchsorted(sorted_, tails), len(sorted_) - 1)
        near = np.flatnonzero((sorted_[at] == tails) & values.is_valid().to_numpy(zero_copy_only=False))
        if len(near):
            few = order[np.isin(sorted_, tails[near])]
            places = _places(values.take(pa.array(near)), self.wanted.take(pa.array(few)))
            found[near] = np.where(places < 0, -1, few[places])
        return found

    @functools.cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        tails = _tails(self.wanted)
        order = np.argsort(tails, kind="stable")
        return tails[order], order

    def __getstate__(self) -> dict[str, pa.Array]:
        return {"wanted": self.wanted}


def _places(values: pa.Array, wanted: pa.Array) -> npt.NDArray[np.int32]:
    found = pc.index_in(values, value_set=wanted, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _tails(values: pa.BinaryArray) -> npt.NDArray[np.uint64]:
    """The last bytes of each value as a number; of shorter ones as many as there are; anything for nulls."""
    units, offsets = to_bytes(pc.fill_null(values, b""))
    padded = np.concatenate([np.zeros(TAIL, np.uint8), np.asarray(units[: offsets[-1]])])
    ends, sizes = np.asarray(offsets[1:]) + TAIL, np.diff(offsets)
    found = np.zeros(len(values), np.uint64)
    for back in range(1, TAIL + 1):
        byte = padded[ends - back].astype(np.uint64) << np.uint64(8 * (back - 1))
        found |= np.where(sizes >= back, byte, np.uint64(0))
    return found
