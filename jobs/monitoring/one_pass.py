"""All leaf columns of a table counted in one pass over it, with bounded memory in each task and on the driver.

Each task counts its part in whole Arrow arrays (`counting`) and gives numbers alone; those of one column meet in one
task, which puts them together as they come. A column's are at most some 9,000, however large the table is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.columns import column
from jobs.monitoring import leaves
from jobs.monitoring.counting import Counting, Wanted
from jobs.monitoring.tally import ONE, SEEN, Tally
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.keys import KeyReference

PARTS = T.StructType(
    [
        T.StructField("column", T.IntegerType()),
        T.StructField("kind", T.IntegerType()),
        T.StructField("code", T.LongType()),
        T.StructField("count", T.LongType()),
    ]
)
_ARROW = pa.schema([("column", pa.int32()), ("kind", pa.int32()), ("code", pa.int64()), ("count", pa.int64())])
ROWS = -1
"""The column of the count of rows."""


def tallied(rows: DataFrame, wanted: Sequence[Wanted], key: KeyReference) -> tuple[int, list[Tally]]:
    """How many rows there are, and what was counted of each leaf that is wanted."""
    tops = list(dict.fromkeys(each.leaf.names for each in wanted))
    places = [tops.index(each.leaf.names) for each in wanted]
    chosen = [column(*names).alias(f"c{at}") for at, names in enumerate(tops)]
    mark = wording.mark()
    count = functools.partial(_count, wanted=list(zip(places, wanted, strict=True)), key=key, mark=mark)
    merge = functools.partial(_merge, mark=mark)
    parts = rows.select(*chosen or [F.lit(None).alias("c0")]).mapInArrow(count, PARTS)
    found = _put_together(parts.repartition("column").mapInArrow(merge, PARTS).toArrow().to_batches())
    return found.pop(ROWS, Tally()).seen, [found.get(at, Tally()) for at in range(len(wanted))]


def _count(
    batches: Iterator[pa.RecordBatch], wanted: Sequence[tuple[int, Wanted]], key: KeyReference, mark: str
) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        yield from _told_by_kind(_counted(batches, wanted, key))


def _merge(batches: Iterator[pa.RecordBatch], mark: str) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        yield from _told_by_kind(_merged(batches))


def _told_by_kind(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same; errors that nobody foresaw are told by their kind, since those of libraries quote values."""
    try:
        yield from batches
    except LakenymError:
        raise
    except Exception as error:
        raise UnexpectedFailure(f"counting a part of the table failed with {type(error).__name__}") from None


def _counted(
    batches: Iterator[pa.RecordBatch], wanted: Sequence[tuple[int, Wanted]], key: KeyReference
) -> Iterator[pa.RecordBatch]:
    rows, each = 0, [(place, one.leaf, Counting(one, key)) for place, one in wanted]
    for batch in batches:
        rows += batch.num_rows
        for place, leaf, counting in each:
            counting.add(leaves.values(batch.column(place), leaf))
    counted = [(ROWS, Tally(seen=rows)), *((at, counting.done()) for at, (_, _, counting) in enumerate(each))]
    yield from (_batch(at, tally) for at, tally in counted)


def _merged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from (_batch(at, tally) for at, tally in _put_together(batches).items())


def _put_together(batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]) -> dict[int, Tally]:
    found: dict[int, Tally] = {}
    for batch in batches:
        columns, kinds, codes, counts = (each.to_numpy(zero_copy_only=False) for each in batch.columns)
        for at in np.unique(columns).tolist():
            tally = found.setdefault(at, Tally())
            for kind in np.unique(kinds[columns == at]).tolist():
                these = (columns == at) & (kinds == kind)
                tally.add(kind, codes[these], counts[these])
    return found


def _batch(at: int, tally: Tally) -> pa.RecordBatch:
    parts = list(tally.parts()) or [(SEEN, ONE, ONE)]
    kinds = np.concatenate([np.full(len(codes), kind, np.int32) for kind, codes, _ in parts])
    codes, counts = (np.concatenate([part[at] for part in parts]) for at in (1, 2))
    arrays = [pa.array(np.full(len(kinds), at, np.int32)), *map(pa.array, (kinds, codes, counts))]
    return pa.RecordBatch.from_arrays(arrays, schema=_ARROW)
