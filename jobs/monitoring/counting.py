"""Counting one leaf column in whole arrays: what a task does with its batches."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.monitoring import numbers, sketch, tally
from jobs.monitoring.leaves import Leaf
from jobs.monitoring.tally import Tally
from jobs.risk_measures.profile import HASH
from privacy_udfs.keys import KeyReference
from privacy_udfs.technique import Key


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A leaf. is_pseudonym: whether its values join with others', so that its hashes are kept, and are keyed. bounds:
    of the bins that a baseline has, None where it has none."""

    leaf: Leaf
    is_pseudonym: bool = False
    bounds: tuple[float, ...] | None = dataclasses.field(default=None, repr=False)


class Counting:
    """One leaf of one part of a table. Categories are kept as they are until the part ends, here in the worker; what
    leaves it is `done`."""

    def __init__(self, wanted: Wanted, key: KeyReference) -> None:
        self._wanted, self._key = wanted, key
        self._tally = Tally()
        self._waiting: pa.Table | None = None

    def add(self, values: pa.Array) -> None:
        self._tally.seen += len(values)
        self._tally.nulls += values.null_count
        counted = pc.value_counts(values.drop_null())
        different, counts = counted.field("values"), counted.field("counts")
        if self._wanted.leaf.is_number:
            self._add_numbers(_floats(different), counts.to_numpy())
        named = _named(different)
        if self._tally.many:
            self._tally.add_hashes(self._hashes(named))
        elif len(named):
            self._wait(pa.table({"value": named, "count": counts}))

    def _add_numbers(self, found: numbers.Floats, counts: numbers.Counts) -> None:
        nan = np.isnan(found)
        self._tally.nan += int(counts[nan].sum())
        found, counts, bounds = found[~nan], counts[~nan], self._wanted.bounds
        if bounds is None:
            self._tally.add_cells(numbers.keys(found), counts)
        else:
            places = numbers.places(found, bounds)
            self._tally.add(tally.BIN, places, counts)

    def _wait(self, found: pa.Table) -> None:
        if self._waiting is not None:
            found = pa.concat_tables([self._waiting, found])
        summed = found.group_by("value").aggregate([("count", "sum")])
        self._waiting = summed.select(["value", "count_sum"]).rename_columns(["value", "count"])
        if len(self._waiting) > tally.MOST_CATEGORIES:
            self._tally.add_hashes(self._hashes(_one(self._waiting["value"])))
            self._tally.add(tally.MANY, tally.ONE, tally.ONE)
            self._waiting = None

    def done(self) -> Tally:
        """What was counted, with digests in the place of categories."""
        if self._waiting is not None:
            values, counts = _one(self._waiting["value"]), _one(self._waiting["count"])
            self._tally.add_hashes(self._hashes(values))
            digests = self._digests(values)
            known = digests.is_valid()  # a value that the hash refuses counts with the rest
            codes = digests.filter(known).to_numpy()
            self._tally.add(tally.CATEGORY, codes, counts.filter(known).cast(pa.int64()).to_numpy())
            self._waiting = None
        return self._tally

    def _digests(self, values: pa.Array) -> pa.Array:
        key: Key = self._key.resolve()
        return HASH.apply(values, key).values

    def _hashes(self, values: pa.Array) -> sketch.Hashes:
        if self._wanted.is_pseudonym:
            return sketch.murmur(self._digests(values).drop_null().to_numpy())
        if pa.types.is_integer(values.type) or pa.types.is_temporal(values.type):
            return sketch.murmur(_counts(values).to_numpy())
        if not pa.types.is_binary(values.type):
            values = values.cast(pa.string())
        hashed = pd.util.hash_array(values.to_numpy(zero_copy_only=False), categorize=False)
        return sketch.murmur(hashed.view(np.int64))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _named(values: pa.Array) -> pa.Array:
    """Values as a keyed hash takes them: booleans and floats as text."""
    if pa.types.is_floating(values.type):
        values = pc.add(values, pa.scalar(0.0, values.type))
    if pa.types.is_floating(values.type) or pa.types.is_boolean(values.type):
        return values.cast(pa.string())
    return values


def _counts(values: pa.Array) -> pa.Array:
    """Whole numbers as they are, dates and times as days and microseconds."""
    if pa.types.is_date32(values.type):
        values = values.view(pa.int32())
    elif pa.types.is_temporal(values.type):
        values = values.view(pa.int64())
    return values.cast(pa.int64())


def _floats(values: pa.Array) -> numbers.Floats:
    if pa.types.is_temporal(values.type):
        values = _counts(values)
    floats: numbers.Floats = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return floats
