"""Text as the types of a declared schema: Spark's own reading of CSV cells, and a refusal where it gives none."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.reader_options import DATES
from jobs.lake.problems import SourceProblem, file_shown, stopped
from jobs.lake.sql import quoted

SEPARATOR = "\x01"
NO_CELL = r"[\x00-\x1f]|^.{1000}"
"""What no number, date or truth value holds; such a cell never reaches Spark's parser, which cuts at some of them."""
GROUPED = r"^[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]*)?$"
"""Where a comma in a decimal stands between thousands. Spark leaves every comma out: 1,5 would be 15."""
NO_DAY = r"^\s*T?[0-9]{1,2}:"
"""A time of day alone, which Spark reads as that time of the day of the run."""
NO_DATE = r"^\s*[+-]?[0-9]+-[0-9]+-[0-9]+[ T].*[^0-9:.+Z \-]"
"""A date with other words behind it, which Spark leaves out."""
TEXT = (T.StringType, T.CharType, T.VarcharType)
PLAIN = (T.NumericType, T.DatetimeType, T.BooleanType, T.AnsiIntervalType)


def typed(
    rows: DataFrame,
    schema: T.StructType,
    kind: str,
    file: str | None,
    options: Mapping[str, str],
    done: Collection[str] = (),
) -> DataFrame:
    """The columns of ``schema`` out of columns of text of the same names.

    A cell that is not of its column's type stops the run with the column and the file, and never becomes null. file:
    the column that says which file a row is of, None where nothing `has_types`. Null stays null. done: columns that
    have their type already.
    """
    fields = [field for field in schema.fields if field.name not in done and _has_type(field)]
    _check(rows, fields)
    if not fields:
        return rows.select(*(_as_text(field) for field in schema.fields))
    parsed, corrupt = f"parsed_{uuid.uuid4().hex}", "corrupt"
    cells = [F.col(quoted(field.name)) for field in fields]
    joined = F.concat(F.lit("x"), *(part for cell in cells for part in (F.lit(SEPARATOR), _clean(cell))))
    ddl = ", ".join(["x string", *(f"v{at} {_type(field)}" for at, field in enumerate(fields)), f"{corrupt} string"])
    rows = rows.withColumn(parsed, F.from_csv(joined, ddl, {**_formats(options), **_parser(len(fields), corrupt)}))
    faults = [_fault(cells[at], F.col(f"{parsed}.v{at}"), field, options) for at, field in enumerate(fields)]
    where = F.concat(F.lit(f"the {kind} file "), file_shown(F.col(quoted(str(file)))), F.lit(" holds "))
    rows = rows.where(stopped(F.concat(where, F.coalesce(*faults))))
    places = {field.name: at for at, field in enumerate(fields)}
    return rows.select(
        *(
            F.col(f"{parsed}.v{places[field.name]}").alias(field.name) if field.name in places else _as_text(field)
            for field in schema.fields
        )
    )


def has_types(schema: T.StructType) -> bool:
    """Whether any column is of another type than text."""
    return any(map(_has_type, schema.fields))


def _has_type(field: T.StructField) -> bool:
    return not isinstance(field.dataType, (*TEXT, T.BinaryType))


def _check(rows: DataFrame, fields: Sequence[T.StructField]) -> None:
    for field in fields:
        if not isinstance(field.dataType, PLAIN):
            raise SourceProblem(f"schema: {field.name} cannot be {field.dataType.simpleString()} in a file of text")
    if fields and rows.sparkSession.conf.get("spark.sql.legacy.timeParserPolicy") == "EXCEPTION":
        raise SourceProblem("spark.sql.legacy.timeParserPolicy is EXCEPTION, whose errors hold values: set CORRECTED")


def _as_text(field: T.StructField) -> Column:
    cell = F.col(quoted(field.name))
    return cell.cast("binary").alias(field.name) if isinstance(field.dataType, T.BinaryType) else cell


def _clean(cell: Column) -> Column:
    return F.when(cell.rlike(NO_CELL), F.lit("")).otherwise(F.coalesce(cell, F.lit("")))


def _type(field: T.StructField) -> str:
    return str(field.dataType.simpleString())


def _parser(columns: int, corrupt: str) -> dict[str, str]:
    plain = {"sep": SEPARATOR, "quote": "\x00", "escape": "\x00", "nullValue": "", "maxColumns": str(columns + 2)}
    return {**plain, "mode": "PERMISSIVE", "columnNameOfCorruptRecord": corrupt}


def _formats(options: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name in DATES}


def _fault(cell: Column, value: Column, field: T.StructField, options: Mapping[str, str]) -> Column:
    """What is wrong with a cell, or null."""
    empty = F.lit(options.get("nullValue", "") != "") & (cell == "")  # else an empty cell is null
    wrong = (value.isNull() & (cell != "")) | empty
    wrong |= misread(cell, field, options)
    return F.when(cell.isNotNull() & wrong, F.lit(f"a value in column {field.name} that is no {_type(field)}"))


def loses_digits(cell: Column, scale: int) -> Column:
    """Whether a decimal has more digits after the point than its type: Spark would round it unseen."""
    digits = F.length(F.regexp_extract(cell, r"\.([0-9]*[1-9])0*(?:[eE]|$)", 1))
    exponent = F.regexp_extract(cell, r"[eE]([+-]?[0-9]{1,9})$", 1).try_cast("int")
    return digits - F.coalesce(exponent, F.lit(0)) > scale


def misread(cell: Column, field: T.StructField, options: Mapping[str, str]) -> Column:
    """Whether Spark would read a text as another value of the column's type than is written, with no word said."""
    if isinstance(field.dataType, T.DecimalType):
        return loses_digits(cell, field.dataType.scale) | (cell.contains(",") & ~cell.rlike(GROUPED))
    if isinstance(field.dataType, T.TimestampType):
        return cell.rlike(NO_DAY) & F.lit("timestampFormat" not in options)
    if isinstance(field.dataType, T.DateType):
        return cell.rlike(NO_DATE) & F.lit("dateFormat" not in options)
    return F.lit(False)
