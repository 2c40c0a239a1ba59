"""All leaf columns of a table counted in one pass over it, with bounded memory in each task and on the driver.

Each task counts its part in whole Arrow arrays (`counting`) and gives numbers alone; of one column at most some 9,000,
however large the table is. Those of `FAN_IN` tasks meet in one, those of so many of these again in one, until there is
one for each column: neither such a task nor the driver is given more for a table of 100,000 files than for a small one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark import TaskContext
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
        T.StructField("part", T.IntegerType()),
        T.StructField("kind", T.IntegerType()),
        T.StructField("code", T.LongType()),
        T.StructField("count", T.LongType()),
    ]
)
_INT, _LONG = pa.int32(), pa.int64()
_ARROW = pa.schema([("column", _INT), ("part", _INT), ("kind", _INT), ("code", _LONG), ("count", _LONG)])
FAN_IN = 256
"""Parts of a column that one task puts together."""
ALL = 2**31 - 1
ROWS = -1
"""The column of the count of rows."""


def tallied(
    rows: DataFrame, wanted: Sequence[Wanted], key: KeyReference, fan_in: int = FAN_IN
) -> tuple[int, list[Tally]]:
    """How many rows there are, and what was counted of each leaf that is wanted. fan_in: as `FAN_IN`."""
    tops = list(dict.fromkeys(each.leaf.names for each in wanted))
    places = [tops.index(each.leaf.names) for each in wanted]
    chosen = [column(*names).alias(f"c{at}") for at, names in enumerate(tops)]
    mark = wording.mark()
    count = functools.partial(_count, wanted=list(zip(places, wanted, strict=True)), key=key, mark=mark)
    merge = functools.partial(_merge, mark=mark, fan_in=fan_in)
    rows = rows.select(*chosen or [F.lit(None).alias("c0")])
    parts = rows.mapInArrow(count, PARTS)
    for _ in levels(rows.rdd.getNumPartitions(), fan_in):
        together = F.floor(F.col("part") / fan_in)
        parts = parts.repartition(F.col("column"), together).mapInArrow(merge, PARTS)
    found = _put_together(parts.toArrow().to_batches(), ALL)
    told = {at: tally for (at, _), tally in found.items()}
    return told.pop(ROWS, Tally()).seen, [told.get(at, Tally()) for at in range(len(wanted))]


def levels(tasks: int, fan_in: int = FAN_IN) -> list[int]:
    """How many parts of a column are left each time that parts are put together, until it is one."""
    left = [-(-max(tasks, 1) // fan_in)]
    while left[-1] > 1:
        left.append(-(-left[-1] // fan_in))
    return left


def _count(
    batches: Iterator[pa.RecordBatch], wanted: Sequence[tuple[int, Wanted]], key: KeyReference, mark: str
) -> Iterator[pa.RecordBatch]:
    context = TaskContext.get()
    part = 0 if context is None else context.partitionId()
    with wording.marked_errors(mark):
        yield from _told_by_kind(_counted(batches, wanted, key, part))


def _merge(batches: Iterator[pa.RecordBatch], mark: str, fan_in: int) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        yield from _told_by_kind(_merged(batches, fan_in))


def _told_by_kind(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same; errors that nobody foresaw are told by their kind, since those of libraries quote values."""
    try:
        yield from batches
    except LakenymError:
        raise
    except Exception as error:
        raise UnexpectedFailure(f"counting a part of the table failed with {type(error).__name__}") from None


def _counted(
    batches: Iterator[pa.RecordBatch], wanted: Sequence[tuple[int, Wanted]], key: KeyReference, part: int = 0
) -> Iterator[pa.RecordBatch]:
    rows, each = 0, [(place, one.leaf, Counting(one, key)) for place, one in wanted]
    for batch in batches:
        rows += batch.num_rows
        for place, leaf, counting in each:
            counting.add(leaves.values(batch.column(place), leaf))
    counted = [(ROWS, Tally(seen=rows)), *((at, counting.done()) for at, (_, _, counting) in enumerate(each))]
    yield from (_batch(at, part, tally) for at, tally in counted)


def _merged(batches: Iterator[pa.RecordBatch], fan_in: int = FAN_IN) -> Iterator[pa.RecordBatch]:
    yield from (_batch(at, part, tally) for (at, part), tally in _put_together(batches, fan_in).items())


def _put_together(
    batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch], fan_in: int = 1
) -> dict[tuple[int, int], Tally]:
    """By column, and by which ``fan_in`` of its parts these are."""
    found: dict[tuple[int, int], Tally] = {}
    for batch in batches:
        columns, parts, kinds, codes, counts = (each.to_numpy(zero_copy_only=False) for each in batch.columns)
        groups = np.stack([columns, parts // fan_in, kinds])
        for at, part, kind in np.unique(groups, axis=1).T.tolist():
            these = (columns == at) & (groups[1] == part) & (kinds == kind)
            found.setdefault((at, part), Tally()).add(kind, codes[these], counts[these])
    return found


def _batch(at: int, part: int, tally: Tally) -> pa.RecordBatch:
    parts = list(tally.parts()) or [(SEEN, ONE, ONE)]
    kinds = np.concatenate([np.full(len(codes), kind, np.int32) for kind, codes, _ in parts])
    codes, counts = (np.concatenate([part[at] for part in parts]) for at in (1, 2))
    where = (pa.array(np.full(len(kinds), each, np.int32)) for each in (at, part))
    arrays = [*where, *map(pa.array, (kinds, codes, counts))]
    return pa.RecordBatch.from_arrays(arrays, schema=_ARROW)
