"""CSV files as rows. `csv_records` cuts them into records, `typed_cells` reads values of other types than text."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.console.numbers import many
from jobs.lake.problems import SourceProblem
from jobs.lake.sql import quoted
from jobs.lake.text_sources import csv_records, text_source
from jobs.lake.text_sources.csv_records import Dialect, FileReader
from jobs.lake.text_sources.text_source import FILE, LINE, START
from jobs.lake.text_sources.typed_cells import has_types, typed
from privacy_udfs import wording
from privacy_udfs.errors import SourceRefused

HEADER_LINES = 200


def rows_of(spark: SparkSession, source: Source, places: tuple[str, str] | None = None) -> DataFrame:
    """The rows, lazily; a file that is not as the options and the schema say fails the run when it is read.

    places: names of two more columns, the file of a record and the line on which it begins, to find records again.
    """
    options = source.options
    dialect = dialect_of(options)
    lines = text_source.lines(spark, source, options, whole=dialect.line_breaks or places is not None)
    folders = lines.columns[3:]
    schema = _schema(lines, source, dialect, folders)
    names = [field.name for field in schema.fields if field.name.lower() not in {name.lower() for name in folders}]
    whole_lines = F.concat(F.col(LINE).cast("binary"), F.lit(b"\n")).alias(LINE)
    file, line = places or (f"file_{uuid.uuid4().hex}" if has_types(schema) else None, None)
    read = functools.partial(csv_records.read, dialect=dialect, names=names, file=file, line=line, mark=wording.mark())
    given = [*names, *filter(None, (line, file)), *folders]
    texts = T.StructType([T.StructField(name, T.StringType()) for name in given])
    rows = lines.select(whole_lines, FILE, START, *map(quoted, folders)).mapInArrow(read, texts)
    kept = [T.StructField(name, T.StringType()) for name in places or ()]
    return typed(rows, T.StructType([*schema.fields, *kept]), "csv", file, options)


def dialect_of(options: Mapping[str, str]) -> Dialect:
    """How the files are written, by options that were looked at when the configuration was read."""
    return Dialect(
        separator=options.get("sep", ",").replace("\\t", "\t"),
        quote=options.get("quote", '"'),
        header=text_source.flag(options, "header", True),
        encoding=text_source.codec(options),
        null=options.get("nullValue", ""),
        line_breaks=text_source.flag(options, "multiLine", True),
    )


def _schema(lines: DataFrame, source: Source, dialect: Dialect, folders: Sequence[str]) -> T.StructType:
    """Columns of the files, then of their folders."""
    looked = _look(lines, dialect) if dialect.header or not source.schema_ else None
    found = None if looked is None else looked[0]
    declared = text_source.declared(source) if source.schema_ else None
    if found is None and declared is None:
        raise SourceProblem(
            f"no CSV file holds a first record within its first {HEADER_LINES} lines (an empty file holds none): wait "
            "for its first rows, or state 'schema' of the source in an entry"
        )
    by_name = {name.lower(): T.StructField(name, T.StringType()) for name in folders}
    if declared is None:
        assert found is not None
        names = csv_records.safe_names(found) if dialect.header else [f"_c{at}" for at in range(len(found))]
        fields = [T.StructField(name, T.StringType()) for name in names]
        if any(name.lower() in by_name for name in names):
            raise SourceProblem("a column of the CSV files is called as a partition folder is: state 'schema'")
    else:
        by_name |= {field.name.lower(): field for field in declared.fields if field.name.lower() in by_name}
        fields = [field for field in declared.fields if field.name.lower() not in by_name]
        if looked is not None and (why := _unlike(csv_records.safe_names(looked[0]), [field.name for field in fields])):
            raise SourceProblem(f"CSV file {looked[1]} has a header {why}")
    return T.StructType([*fields, *by_name.values()])


def _unlike(header: list[str], names: list[str]) -> str:
    """How a header is not what 'schema' of the source says; empty where it is. Of the header, which may be a row, no
    word is told."""
    if len(header) != len(names):
        return (
            f"of {many(len(header), 'column')}, and source.schema names {len(names)} ({', '.join(names)}): state all "
            "of them there, in the order of the file (one that came later too, with its type, before jobs/inventory.py "
            "can draft it)"
        )
    at = next((at for at, name in enumerate(names) if name != header[at]), None)
    if at is None:
        return ""
    return (
        f"with another name in column {at + 1} than source.schema, which calls it {names[at]}: mend the schema, or say "
        'header: "false" where the file has no header'
    )


def _look(lines: DataFrame, dialect: Dialect) -> tuple[list[str], str] | None:
    """The first record of one file, and which; None if there is none. Of others it is looked at when they are read."""
    reader: FileReader | None = None
    for line, file, start in lines.select(F.col(LINE).cast("binary"), FILE, START).head(HEADER_LINES):
        if reader is None or reader.file != file:
            reader = FileReader(dialect, None, file, start)
        try:
            reader.take(pa.array([bytes(line) + b"\n"], pa.binary()))
        except SourceRefused as error:
            raise SourceProblem(str(error)) from None
        if reader.first is not None:
            return reader.first, wording.file_shown(file)
    return None
