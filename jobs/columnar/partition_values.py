"""The values of partition columns: as Delta's log and folders write them, and the rows that have them.

Of the types below alone the text is certain; a target partitioned by others is written by Spark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as T

from jobs.columnar.unfit import NotColumnar

TAKEN = (T.StringType, T.ByteType, T.ShortType, T.IntegerType, T.LongType, T.DateType, T.BooleanType)
NULL = "__HIVE_DEFAULT_PARTITION__"
ESCAPED = frozenset("\"#%'*/:=?\\{[]^\x7f") | frozenset(map(chr, range(1, 32)))
"""As Hive has it."""
LONGEST_NAME = 240
"""Bytes of a folder's name; file systems take 255."""

Values = tuple[tuple[str, str | None], ...]
"""Name of a column in the files, and its value as text; null for null and for the empty text, as Delta has it."""


def split(rows: pa.Table, names: Sequence[str]) -> Iterator[tuple[Values, pa.Table]]:
    """The rows by the values of the columns; in each part in their order."""
    if not names:
        yield (), rows
        return
    keys = {str(at): _text(rows.column(name)) for at, name in enumerate(names)}
    grouped = pa.table({**keys, "row": pa.array(range(rows.num_rows))}).group_by(list(keys), use_threads=False)
    found = grouped.aggregate([("row", "list")])
    for at in range(found.num_rows):
        values = tuple((name, _shown(found.column(key)[at])) for key, name in zip(keys, names, strict=True))
        yield values, rows.take(found.column("row_list")[at].values)


def _shown(value: pa.Scalar) -> str | None:
    try:
        return None if not value.is_valid else str(value.as_py())
    except UnicodeDecodeError:
        raise NotColumnar("a partition column holds bytes that are no UTF-8") from None


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    given = column.type
    if pa.types.is_string(given):
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    if pa.types.is_date(given):
        years = pc.year(column)
        if pc.any(pc.or_(pc.less(years, 1), pc.greater(years, 9999))).as_py():
            raise NotColumnar("a partition column holds a year that has not four digits")
    return column.cast(pa.string())


def folder(values: Values) -> str:
    """The folder of a partition below the table's, with a slash at its end; empty for a table without partitions."""
    if any(value == NULL for _, value in values):
        raise NotColumnar("a partition column holds the text by which folders say null")
    parts = [f"{_escaped(name)}={NULL if value is None else _escaped(value)}" for name, value in values]
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        raise NotColumnar("a partition column holds a text that is too long for a folder's name")
    return "".join(f"{part}/" for part in parts)


def _escaped(text: str) -> str:
    return "".join(f"%{ord(sign):02X}" if sign in ESCAPED else sign for sign in text)
