"""The periods that a table may hold, of a domain of ``scope: period``: each id has a pseudonym in each of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from jobs.configuration.column_path import ColumnPath, Field
from jobs.lake.columns import column
from jobs.reversal.treated import Treated
from jobs.subjects.asked import CannotSearch
from privacy_udfs import wording
from privacy_udfs.kernels.numbers import calendar
from privacy_udfs.periods import Period, PeriodTechnique
from privacy_udfs.technique import plain

MOST = 10_000_000
"""Pseudonyms of one column."""
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
"""Where no date of the row is left to tell, every period of these years is tried."""
EPOCH = datetime.date(1970, 1, 1)


def of(treated: Treated, technique: PeriodTechnique, ids: int) -> pa.Array:
    """A date, or an instant, of each period. Raises `CannotSearch` where there are too many."""
    assert technique.period is not None
    told = _kept(treated, str(technique.period_of))
    found = _every(technique.period) if told is None else _of_rows(treated, technique, told)
    if len(found) * ids > MOST:
        kept = "" if told is not None else f", since {technique.period_of} is not kept beside it"
        raise CannotSearch(
            f"each {technique.period} has other pseudonyms, and there are {len(found):,} of them{kept}: ask for at "
            f"most {max(1, MOST // len(found)):,} ids at a time"
        )
    return found


def _kept(treated: Treated, name: str) -> ColumnPath | None:
    """The column that says when a row is, where the target has it as it was."""
    record, path = treated.records.get(name), ColumnPath.parse(name)
    plain_path = all(isinstance(step, Field) for step in path.steps)
    return path if record is not None and record.facts.keeps_values and plain_path else None


def _every(unit: Period) -> pa.Array:
    days = np.arange((FIRST - EPOCH).days, (LAST - EPOCH).days + 1)
    return pa.array(np.unique(calendar.unit_starts(days, unit)).astype(np.int32)).view(pa.date32())


def _of_rows(treated: Treated, technique: PeriodTechnique, path: ColumnPath) -> pa.Array:
    """By the rows of the table, once each."""
    dates = treated.rows().select(column(*path.names).alias("date")).where("date IS NOT NULL")
    kind, mark = dates.schema["date"].dataType.simpleString(), wording.mark()

    def starts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with wording.marked_errors(mark):
            for batch in batches:
                values = plain(batch.column(0))
                yield pa.record_batch([_starts(technique, values).unique()], ["date"])

    return dates.mapInArrow(starts, f"date {kind}").distinct().select(F.col("date")).toArrow()["date"].combine_chunks()


def _starts(technique: PeriodTechnique, dates: pa.Array) -> pa.Array:
    found = technique._starts(dates)
    if pa.types.is_date32(dates.type):
        return found.cast(pa.int32()).view(pa.date32())
    if dates.type.tz is None:
        return pc.multiply(found, 86_400_000_000).cast(dates.type)
    return found.cast(dates.type)
