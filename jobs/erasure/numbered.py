"""Which of those who are asked for were found: so that it can be told how many were found nowhere, being spelled
otherwise than sources have them. Numbers of ids, never an id, and these leave the driver for nowhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

At = Callable[[pa.Array], npt.NDArray[np.int32]]


@dataclasses.dataclass(frozen=True, eq=False)
class Numbered:
    """at: of each value its place among what is looked for, -1 where it is none; it is sent to executors. places: of
    each id, in order, its place among these, and so again for each way in which it may be called; null where a column
    cannot hold it. many: ids."""

    at: At = dataclasses.field(repr=False)
    places: pa.Array = dataclasses.field(repr=False)
    many: int = 0

    def ids(self, found: Collection[int]) -> frozenset[int]:
        told = pc.is_in(self.places, value_set=pa.array(sorted(found), pa.int32()), skip_nulls=True)
        return frozenset((np.flatnonzero(told.to_numpy(zero_copy_only=False)) % self.many).tolist())


def places(aligned: pa.Array, wanted: pa.Array) -> pa.Array:
    """aligned: what each id is called. wanted: the same, each once and without null."""
    return pc.index_in(aligned.cast(pa.binary()), value_set=wanted.cast(pa.binary()), skip_nulls=True)


def of_places(numbered: Sequence[Numbered | None], found: Sequence[Collection[int]]) -> frozenset[int]:
    """The numbers of all ids that were found. numbered: of places, in order; those of which nobody knows say none."""
    told = (each.ids(some) for each, some in zip(numbered, found, strict=True) if each is not None and some)
    return frozenset[int]().union(*told)


def nowhere(many: int, found: Iterable[frozenset[int] | None]) -> int | None:
    """How many of the ids were found in no table; None where somebody was found of whom nobody knows who it is."""
    each = list(found)
    return None if any(some is None for some in each) else many - len(frozenset[int]().union(*filter(None, each)))
