"""Spark's path where refused rows are set aside: a first pass finds them, a second one treats the others.

Whether a row is refused depends on the row alone, so both passes find the same ones; that as many rows are written as
the first pass left is held before the commit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.accumulators import Accumulator
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columnar.set_aside import MOST_ROWS
from jobs.gates.known import Prepared
from jobs.lake.columns import column
from jobs.table_run.aside import Aside
from jobs.table_run.selection import Selection
from jobs.table_run.whereabouts import FILE, ROW
from privacy_udfs import wording
from privacy_udfs.errors import UnexpectedFailure
from privacy_udfs.nested import Counts
from privacy_udfs.sealed_rows import Seal
from privacy_udfs.udf import ROWS, sealing_udf

REFUSAL, SEALED = "lakenym refusal", "lakenym sealed"


def set_aside(prepared: Prepared, selection: Selection, aside: Aside, counted: Accumulator[Counts]) -> Prepared:
    """The run with the rows alone that no technique refuses; the others are in quarantine by then.

    counted: an accumulator of this run, for how many rows the first pass reads.
    """
    assert aside.seal is not None, "a run that sets rows aside has a key for them"
    source = prepared.source
    refusal = selection.refusal(MOST_ROWS, counted)
    if refusal is None:
        return prepared
    refused = found(source.rows, refusal, selection, aside.seal)
    rows = counted.value.get(ROWS, (0, 0, 0))[0]
    if len(refused) <= MOST_ROWS and source.count is not None and rows != source.count:  # else Spark read no further
        raise UnexpectedFailure(f"the source's log has {source.count} rows to treat, and {rows} were read")
    aside.put(refused, rows)
    left = source.rows.where(selection.refusal(MOST_ROWS).isNull())  # type: ignore[union-attr]
    return dataclasses.replace(prepared, source=dataclasses.replace(source, rows=left, count=rows))


def found(
    rows: DataFrame, refusal: Column, selection: Selection, seal: Seal, *more: str
) -> Sequence[Mapping[str, Any]]:
    """The refused rows among others, sealed, with what `Aside.put` is told of each. more: columns that are told too."""
    sealed = sealing_udf(seal, wording.mark())(F.struct(*[column(name) for name in selection.read()]))
    refused = rows.withColumn(REFUSAL, refusal).where(column(REFUSAL).isNotNull())
    return _collected(refused, sealed.alias(SEALED), *map(column, more))


def _collected(refused: DataFrame, sealed: Column, *more: Column) -> Sequence[Mapping[str, Any]]:
    """The refused rows with what formats tell of their place: Parquet and Delta the row's number, others the file, or
    nothing."""
    for places in ((F.col(FILE), F.col(ROW)), (F.col(FILE), F.lit(None)), (F.lit(None), F.lit(None))):
        file, row = (place.alias(name) for place, name in zip(places, ("file", "row_in_file"), strict=True))
        try:
            wanted = refused.select(file, row, f"`{REFUSAL}`.label", f"`{REFUSAL}`.rule", sealed, *more)
        except PySparkException:  # there is no such column
            continue
        told = wanted.limit(MOST_ROWS + 1).collect()  # one more is too many, as is told when they are put there
        return [{**each.asDict(), "sealed": bytes(each[SEALED])} for each in told]
    raise UnexpectedFailure("the refused rows cannot be selected")
