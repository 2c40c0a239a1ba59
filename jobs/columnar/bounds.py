"""The least and the greatest value of a column, from what a Parquet footer says to the JSON of Delta's log.

What Delta writes: https://github.com/delta-io/delta/blob/v4.4.0/PROTOCOL.md#per-file-statistics, and in code
`StatisticsCollection.statsCollector`. A value that cannot be said exactly so has no bound; readers then take the file.
"""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

Value: TypeAlias = int | bytes | Decimal
"""Days, microseconds, whole numbers; UTF-8; decimals. Each kind compares as Spark compares the values."""

EPOCH = datetime.datetime(1970, 1, 1)
WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
LAST_OF_ASCII, LAST_OF_ALL = "\x7f", "\U0010ffff"


def bounded(given: T.DataType, stored: pa.DataType) -> bool:
    """Whether Delta keeps bounds of the type, and a file's column is stored such that its footer tells them."""
    match given:
        case T.TimestampType():
            return bool(pa.types.is_timestamp(stored) and stored.unit == "us" and stored.tz is not None)
        case T.StringType():
            return given == T.StringType() and stored in (pa.string(), pa.large_string())
        case T.DateType() | T.TimestampNTZType() | T.DecimalType():
            return bool(stored == to_arrow_type(given))
        case _:
            return isinstance(given, WHOLE) and bool(stored == to_arrow_type(given))


def in_footer(told: pq.Statistics, given: T.DataType) -> tuple[Value, Value]:
    """The least and the greatest value of a row group, which has them. As stored, since Python has no date after the
    year 9999; decimals are stored in three ways, so they come by their own type."""
    if isinstance(given, T.DecimalType):
        return told.min, told.max
    return told.min_raw, told.max_raw


def least(value: Value, given: T.DataType, longest: int) -> str | None:
    """JSON of a bound that no value of the column is below. longest: characters of a string that are kept at most."""
    if not isinstance(value, bytes):
        return _json(value, given)
    text = _text(value)
    return None if text is None or not longest else json.dumps(text[:longest])


def greatest(value: Value, given: T.DataType, longest: int) -> str | None:
    """JSON of a bound that no value of the column is above; of a timestamp, the millisecond that it lies in."""
    if not isinstance(value, bytes):
        return _json(value, given)
    text = _text(value)
    cut = None if text is None else _cut_above(text, longest)
    return None if cut is None else json.dumps(cut)


def _json(value: int | Decimal, given: T.DataType) -> str | None:
    """Numbers digit by digit, days and times of the years 1 to 9999 by ISO 8601. Times are cut to milliseconds, for
    greatest values too: so the protocol says, and readers add the millisecond (`getAdjustedTimestamp`)."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(given, WHOLE):
        return str(value)
    try:
        if isinstance(given, T.DateType):
            return json.dumps((EPOCH + datetime.timedelta(days=value)).date().isoformat())
        time = (EPOCH + datetime.timedelta(microseconds=value)).isoformat(timespec="milliseconds")
    except OverflowError:
        return None
    return json.dumps(time if isinstance(given, T.TimestampNTZType) else f"{time}Z")


def _text(value: bytes) -> str | None:
    """None where the bytes are not UTF-8: JSON could not carry them."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _cut_above(text: str, longest: int) -> str | None:
    """The beginning of a greatest string and one character that is above all that may follow it, as Delta's
    `truncateMaxStringAgg` has it, which counts in units of UTF-16. None where there is no such character near."""
    if _units(text) <= longest:
        return text
    if not longest:
        return None
    kept = next(n for n in range(longest + 1) if _units(text[:n]) >= longest)
    while _units(text[:kept]) <= 2 * longest:
        if kept == len(text):
            return text
        if text[kept] != LAST_OF_ALL:
            return text[:kept] + (LAST_OF_ASCII if text[kept] < LAST_OF_ASCII else LAST_OF_ALL)
        kept += 1
    return None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
