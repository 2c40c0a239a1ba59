"""JSON lines, and files of one JSON value, as rows: one object, one row, every key once, every number whole."""

from __future__ import annotations

import functools
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.lake.problems import SourceProblem, counted, file_shown, stopped
from jobs.lake.sql import quoted
from jobs.lake.text_sources import json_documents, text_source
from jobs.lake.text_sources.json_documents import WHITE
from jobs.lake.text_sources.text_source import FILE, LINE
from jobs.lake.text_sources.typed_cells import misread, typed
from privacy_udfs import wording

NO_OBJECT = "is no JSON object as its schema says"
A_LINE = (
    "one object is expected on each line (for files of one list, or of an object over many lines, state the option "
    "multiLine: 'true')"
)
SURROGATE = r"\\u[dD][89a-fA-F]"
PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"


def rows_of(spark: SparkSession, source: Source) -> DataFrame:
    """The rows, lazily; a line that is not one JSON object as the schema says fails the run when it is read.

    Spark's JSON source gives the values, since no other reader of Spark's keeps numbers in text columns as they are
    written. What it lets pass is looked for in the same files' lines, by a part of the same plan that gives no rows.
    """
    options = source.options
    rows, schema = _parsed(spark, source, options)
    kept = [*schema.names, FILE, *(name for name in rows.columns if name not in (*schema.names, FILE))]
    texts, columns = _documents(spark, source, options), rows.select(*map(quoted, kept)).schema
    checked = _checked(texts, columns, len(schema.names), options)
    whole = _whole_schema(source, schema, kept[len(schema.names) + 1 :])
    return typed(rows.select(*map(quoted, kept)).unionAll(checked), whole, "JSON", FILE, options, schema.names)


def _parsed(spark: SparkSession, source: Source, options: Mapping[str, str]) -> tuple[DataFrame, T.StructType]:
    """Spark's reading of the objects with `FILE` and the folders' columns, and the schema of the objects."""
    corrupt = f"corrupt_{uuid.uuid4().hex}"
    own = text_source.session(spark)
    given = {name: value for name, value in options.items() if name != "encoding"}
    given |= {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": corrupt}
    reader = own.read.options(**given)
    folders = own.read.options(**text_source.file_options(options)).text(str(source.path)).columns[1:]
    schema = _schema(reader, source, corrupt, folders)
    with_corrupt = T.StructType([*schema.fields, T.StructField(corrupt, T.StringType())])
    rows = reader.schema(with_corrupt).json(str(source.path))
    rows = text_source.moved(rows.select("*", F.col("_metadata.file_path").alias(FILE)), spark)
    by_line = "" if text_source.flag(options, "multiLine", False) else f": {A_LINE}"
    why = F.concat(F.lit("the JSON file "), file_shown(F.col(FILE)), F.lit(f" holds what {NO_OBJECT}{by_line}"))
    fine = stopped(F.when(F.col(corrupt).isNotNull(), why))
    # Spark reads nothing if only the column of corrupt records is wanted, as where rows are counted
    fine = fine & (counted(0) | F.col(quoted(schema.names[0])).isNull())
    return rows.where(fine).drop(corrupt), schema


def _schema(reader: DataFrameReader, source: Source, corrupt: str, folders: Sequence[str]) -> T.StructType:
    """The columns of the objects: as declared, or what Spark makes of all of them."""
    taken = {name.lower() for name in folders}
    if source.schema_:
        declared = text_source.declared(source)
        fields = [field for field in declared.fields if field.name.lower() not in taken]
    else:
        fields = [field for field in _inferred(reader, str(source.path)).fields if field.name not in folders]
        if not fields:
            raise SourceProblem(
                "no JSON object holds a key: all files are empty, or all objects; wait for the first ones, or state "
                "'schema' of the source in an entry"
            )
        if any(field.name == corrupt for field in fields):
            raise SourceProblem(f"the JSON source holds what {NO_OBJECT}: {A_LINE}")
        if any(field.name.lower() in taken for field in fields):
            raise SourceProblem("a key of the JSON objects is called as a partition folder is: state 'schema'")
    if not fields or any(field.name == FILE for field in fields):
        raise SourceProblem(f"the JSON objects have no keys, or one called {FILE!r}: state 'schema' without it")
    return T.StructType(fields)


def _inferred(reader: DataFrameReader, path: str) -> T.StructType:
    try:
        return reader.json(path).schema
    except AnalysisException as error:
        if error.getCondition() != "COLUMN_ALREADY_EXISTS":
            raise
    raise SourceProblem("the JSON source holds an object that has one key twice, or keys that differ in case only")


def _whole_schema(source: Source, objects: T.StructType, folders: Sequence[str]) -> T.StructType:
    """The columns of the objects and, as text or as declared, of the partition folders."""
    declared = text_source.declared(source) if source.schema_ else objects
    types = {field.name.lower(): field.dataType for field in declared.fields}
    fields = [T.StructField(name, types.get(name.lower(), T.StringType())) for name in folders]
    return T.StructType([*objects.fields, *fields])


def _documents(spark: SparkSession, source: Source, options: Mapping[str, str]) -> DataFrame:
    """`LINE` and `FILE`: one JSON text a row."""
    many = text_source.flag(options, "multiLine", False)
    texts = text_source.texts(spark, source, options, files=many).select(LINE, FILE)
    if many:
        read = functools.partial(json_documents.read, mark=wording.mark())
        texts = texts.select(F.col(LINE).cast("binary"), FILE).mapInArrow(read, texts.schema)
    return texts.where(F.trim(F.col(LINE), F.lit(WHITE)) != "")


def _checked(documents: DataFrame, schema: T.StructType, objects: int, options: Mapping[str, str]) -> DataFrame:
    """No row of ``schema``, and a failure where Spark's reading would be another than what is written."""
    fault = F.coalesce(_fault(F.col(LINE)), *_misfits(F.col(LINE), schema.fields[:objects], options))
    fine = stopped(F.concat(F.lit("the JSON file "), file_shown(F.col(FILE)), F.lit(" holds "), fault))
    none = documents.where(fine).where(~counted(0)).select(LINE).mapInArrow(_nothing, f"{LINE} string")
    parsed = F.from_json(F.col(LINE), T.StructType(schema.fields[:objects]))
    columns = [parsed.getField(field.name).alias(field.name) for field in schema.fields[:objects]]
    return none.select(*columns, *(F.col(LINE).alias(field.name) for field in schema.fields[objects:]))


def _misfits(line: Column, fields: Sequence[T.StructField], options: Mapping[str, str]) -> Iterator[Column]:
    """What Spark would read as another value than is written, or as null, in a sound object."""
    names = [field.name for field in fields]
    same = F.array(*(F.lower(F.lit(name)) for name in names))
    other = F.exists(
        F.json_object_keys(line),
        lambda key: F.array_contains(same, F.lower(key)) & ~F.array_contains(F.array(*map(F.lit, names)), key),
    )
    yield F.when(other, "a key that differs from a column's name in case only, and would not be read")
    for field in fields:
        if "'" not in field.name and isinstance(field.dataType, (T.DecimalType, T.TimestampType, T.DateType)):
            written = F.get_json_object(line, f"$['{field.name}']")
            told = f"a value in column {field.name} that is no {field.dataType.simpleString()}"
            yield F.when(misread(written, field, options), told)


def _nothing(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """No rows. Spark cannot know it, and so cannot leave the check out."""
    for _ in batches:
        pass
    return iter(())


def _fault(line: Column) -> Column:
    """What is wrong with a JSON text, or null. VARIANT refuses a key that is twice in one object, at any depth."""
    end = secrets.token_hex(16)
    array = F.try_parse_json(F.concat(F.lit("["), line, F.lit(f',"{end}"]')))  # parsers do not look behind a value
    single = F.coalesce(F.try_variant_get(array, "$[1]", "string") == end, F.lit(False))
    escapes = F.regexp_replace(F.replace(line, F.lit("\\\\"), F.lit("")), PAIR, "")
    return (
        F.when(~F.is_valid_utf8(line), "bytes that are no UTF-8, which JSON is written in: convert it")
        .when(line.rlike(SURROGATE) & escapes.rlike(SURROGATE), "half of a surrogate pair, which is no character")
        .when(~single, "a line that is not exactly one JSON value, or an object that has one key twice")
    )
