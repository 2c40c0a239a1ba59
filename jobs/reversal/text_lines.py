"""Rows as lines of text: CSV as RFC 4180 has it, or a JSON object a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.console.exit_codes import Refused
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.kernels.text import accepts, canonical, rfc4648

LINE = "line"
JSON = {
    "ignoreNullFields": "false",
    "timeZone": "UTC",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "dateFormat": "yyyy-MM-dd",
}
IN_CELLS = (T.StringType, T.IntegralType, T.FractionalType, T.BooleanType, T.DateType, T.TimestampType,
            T.TimestampNTZType, T.BinaryType)  # fmt: skip
NAMES = (T.StringType, T.IntegralType)
"""Types of a map's keys that become names in JSON as they are."""


def check(form: str, schema: T.StructType) -> None:
    """Raise `Refused` for columns that lines of a form do not hold."""
    for field in schema.fields:
        if form == "csv" and not isinstance(field.dataType, IN_CELLS):
            kind = field.dataType.typeName()
            raise Refused(f"{field.name}: CSV has no place for values of type {kind}: take --format json or delta")
        if form == "json":
            _check_json(field.name, field.dataType)


def of(form: str, rows: DataFrame, count: int) -> DataFrame:
    """One text column `LINE`; of CSV the names come first, so it is one partition. count: of the rows."""
    if form == "json":
        return rows.coalesce(1).select(F.to_json(F.struct("*"), JSON).alias(LINE))
    if not count:  # of no row there may be no task
        return rows.sparkSession.createDataFrame([(header(rows.columns),)], f"{LINE} string").coalesce(1)
    return rows.coalesce(1).mapInArrow(partial(_csv, names=rows.columns, mark=wording.mark()), f"{LINE} string")


def header(names: list[str]) -> str:
    return ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names)


def _check_json(name: str, given: T.DataType) -> None:
    if isinstance(given, T.StructType):
        for field in given.fields:
            _check_json(name, field.dataType)
    elif isinstance(given, T.ArrayType):
        _check_json(name, given.elementType)
    elif isinstance(given, T.MapType):
        if not isinstance(given.keyType, NAMES):
            kind = given.keyType.typeName()
            raise Refused(f"{name}: keys of a map in JSON are text, and these are of type {kind}: take --format delta")
        _check_json(name, given.valueType)
    elif not isinstance(given, IN_CELLS):
        raise Refused(f"{name}: JSON has no place for values of type {given.typeName()}: take --format delta")


def _csv(batches: Iterator[pa.RecordBatch], names: list[str], mark: str) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        yield _lines(pa.array([header(names)]))
        for batch in batches:
            try:
                cells = [_cells(column) for column in batch.columns]
                yield _lines(pc.binary_join_element_wise(*cells, ","))
            except LakenymError:
                raise
            except Exception as error:  # texts of libraries quote values
                raise UnexpectedFailure(f"writing CSV failed with {type(error).__name__}") from None


def _lines(texts: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([texts.cast(pa.string())], [LINE])


def _cells(values: pa.Array) -> pa.Array:
    """Text in quotes, so that an empty one is told from null; null as nothing."""
    spelled = _spelling(values.type)(values)
    return pc.fill_null(spelled, "")


def _spelling(kind: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _quoted
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _base64
    if pa.types.is_decimal(kind) or not accepts(kind):
        return lambda values: values.cast(pa.string())
    return lambda values: canonical(values).cast(pa.string())


def _quoted(values: pa.Array) -> pa.Array:
    doubled = pc.replace_substring(values.cast(pa.string()), '"', '""')
    return pc.binary_join_element_wise('"', doubled, '"', "")


def _base64(values: pa.Array) -> pa.Array:
    coded = rfc4648.encode_base64(pc.fill_null(values.cast(pa.binary()), b""))
    return pc.if_else(values.is_valid(), coded, pa.scalar(None, pa.string()))
