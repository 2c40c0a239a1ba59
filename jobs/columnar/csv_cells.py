"""Cells of text files as values of other types, where the text leaves no doubt what Spark makes of it."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.columnar.unfit import NotColumnar

INTEGERS = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
AS_TEXT = (T.StringType(), T.BinaryType())
TRUE, FALSE = ("true", "TRUE", "True"), ("false", "FALSE", "False")
WHOLE = "-?[0-9]{1,18}"
FRACTION = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = DATE + r"[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
FORMATS: Mapping[type[T.DataType], str] = {
    T.DateType: "dateFormat",
    T.TimestampType: "timestampFormat",
    T.TimestampNTZType: "timestampNTZFormat",
    T.DecimalType: "locale",
    T.FloatType: "locale",
    T.DoubleType: "locale",
}
"""The options by which text of a type is written otherwise: with one of them only Spark reads it."""


def reads(type_: T.DataType, options: Mapping[str, str]) -> bool:
    """Whether `typed` knows a type of Spark's. options: the source's."""
    if type_ in AS_TEXT or isinstance(type_, (*INTEGERS, T.BooleanType)):
        return True
    return type(type_) in FORMATS and FORMATS[type(type_)] not in options


def typed(cells: pa.Array, name: str, type_: T.DataType) -> pa.Array:
    """A column of text as the Arrow type that Spark has for ``type_``; null stays null.

    Takes only the plain ways to write a value, which are fewer than Spark's. Raises `NotColumnar` on any other cell,
    with the name of the column: Spark's path then reads it, or refuses it.
    """
    if type_ in AS_TEXT:
        return cells.cast(_arrow(type_))
    try:
        if _are_plain(cells, type_):
            return _parsed(cells, type_)
    except pa.ArrowInvalid:  # its text quotes the cell
        pass
    raise NotColumnar(f"CSV column {name} holds a {type_.simpleString()} that is not written in the plain way")


def _are_plain(cells: pa.Array, type_: T.DataType) -> bool:
    if isinstance(type_, T.BooleanType):
        found = pc.is_in(cells.drop_null(), pa.array([*TRUE, *FALSE]))
    else:
        found = pc.match_substring_regex(cells, rf"\A(?:{_pattern(type_)})\z")
    return bool(pc.all(found, min_count=0).as_py())


def _pattern(type_: T.DataType) -> str:
    if isinstance(type_, T.DecimalType):
        before, after = type_.precision - type_.scale, type_.scale
        whole = f"-?0?[0-9]{{1,{before}}}" if before else "-?0"
        return whole + (rf"(?:\.[0-9]{{1,{after}}})?" if after else "")
    if isinstance(type_, INTEGERS):
        return WHOLE
    if isinstance(type_, T.DateType):
        return DATE
    if isinstance(type_, T.TimestampType):
        return f"{TIME}Z?"
    return TIME if isinstance(type_, T.TimestampNTZType) else FRACTION


def _parsed(cells: pa.Array, type_: T.DataType) -> pa.Array:
    if isinstance(type_, T.BooleanType):
        return pc.if_else(pc.is_valid(cells), pc.is_in(cells, pa.array(TRUE)), pa.scalar(None, pa.bool_()))
    if isinstance(type_, T.TimestampType):  # in a run, times without a zone are in UTC
        cells = pc.utf8_rtrim(cells, "Z").cast(pa.timestamp("us"))
    return cells.cast(_arrow(type_))


def _arrow(type_: T.DataType) -> pa.DataType:
    return to_arrow_type(type_, timezone="UTC")
