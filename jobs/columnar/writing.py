"""The files of a target, written by tasks that treat part after part; afterwards all of them count, or none is left."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.columnar import arrow_types, statistics, task
from jobs.columnar.fitting import Fitting
from jobs.columnar.leaves import ENTRIES, LIST
from jobs.columnar.parquet_writer import Layout
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Work
from jobs.columnar.writer_options import writer_options
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey
from jobs.lake.delta_commit import AddedFile, Place
from privacy_udfs import wording
from privacy_udfs.errors import UnexpectedFailure
from privacy_udfs.nested import Counts
from privacy_udfs.udf import CountsParam

PHYSICAL, FIELD_ID = "delta.columnMapping.physicalName", "delta.columnMapping.id"
NESTED_IDS = "delta.columnMapping.nested.ids"
PARQUET_ID = b"PARQUET:field_id"
FILE_SIZE = 1 << 27


def files(
    spark: SparkSession, fitting: Fitting, place: Place, scattered: Sequence[ColumnPath], run_id: str
) -> tuple[list[AddedFile], Counts]:
    """Write the files; what each is and what was counted. Raises `NotColumnar`, after which none is left.

    scattered: columns of the target of which neither statistics nor dictionaries are made.
    """
    layout = _layout(spark, fitting, place, scattered, run_id)
    threads = int(spark.sparkContext.getConf().get("spark.task.cpus", "1") or 1)
    work = Work(fitting.parts, fitting.reader, fitting.access, fitting.wanted, fitting.trees, fitting.subject, layout,
                wording.mark(), threads)  # fmt: skip
    try:
        told = _run(spark, work)
        unfit = [each["unfit"] for each in told if "unfit" in each]
        if unfit:
            raise NotColumnar(unfit[0])
        added = [AddedFile(**file) for each in told for file in each["files"]]
        _reconcile(told, added, len(work.parts))
        if any(each["attempt"] for each in told) or _speculates(spark):
            sweep(fitting, place, run_id, added)
    except BaseException:
        sweep(fitting, place, run_id, ())
        raise
    return added, functools.reduce(CountsParam().addInPlace, (_counts(each) for each in told), {})


def _run(spark: SparkSession, work: Work) -> list[dict[str, Any]]:
    """One task for each part. What the tasks need travels with the function that they run."""
    number = len(work.parts)
    rows = spark.range(0, number, 1, number).mapInArrow(functools.partial(task.run, work=work), f"{task.RESULT} string")
    return [json.loads(row[task.RESULT]) for row in rows.collect()]


def _speculates(spark: SparkSession) -> bool:
    """Whether a second attempt may be begun while the first goes on."""
    return str(spark.sparkContext.getConf().get("spark.speculation", "false")).lower() == "true"


def _counts(told: Mapping[str, Any]) -> Counts:
    return {label: (int(numbers[0]), int(numbers[1]), int(numbers[2])) for label, numbers in told["counts"].items()}


def _reconcile(told: Sequence[Mapping[str, Any]], added: Sequence[AddedFile], number: int) -> None:
    """Every part is there once, and as many rows as were read were written."""
    parts, read, written = (
        {each["part"] for each in told},
        sum(each["rows"] for each in told),
        sum(f.rows for f in added),
    )
    if len(told) != number or parts != set(range(number)) or read != written:
        raise UnexpectedFailure(f"of {number} parts {len(parts)} were treated, and of {read} rows {written} written")


def sweep(fitting: Fitting, place: Place, run_id: str, added: Sequence[AddedFile]) -> None:
    """Take away what a run, or attempts of it that failed, left in the target's folder: its files but for ``added``."""
    kept = {f"{place.root}/{file.path}" for file in added}
    with contextlib.suppress(Exception):  # what is left is no part of the table, and VACUUM takes it away
        for uri in fitting.access.below(place.root):
            if run_id in uri.rpartition("/")[2] and uri not in kept:
                fitting.access.delete(uri)


def _layout(
    spark: SparkSession, fitting: Fitting, place: Place, scattered: Sequence[ColumnPath], run_id: str
) -> Layout:
    schema = schema_of(place.schema)
    hidden = [leaf_path(place.schema, path) for path in scattered]
    in_files = pa.schema([field for field in schema if field.name not in _physical(place)])
    return Layout(
        root=place.root,
        schema=schema,
        partition_by=_physical(place),
        measured=statistics.measured(place.schema, {**_default(spark), **place.configuration}, place.partition_by),
        options=writer_options(in_files, hidden),
        codec=fitting.codec,
        largest=FILE_SIZE,
        spark_version=spark.version,
        run_id=run_id,
    )


def _default(spark: SparkSession) -> dict[str, str]:
    """What the session has for a property of data skipping that a table has not."""
    longest = spark.conf.get("spark.databricks.io.skipping.stringPrefixLength", None)
    return {} if longest is None else {"delta.dataSkippingStringPrefixLength": longest}


def _physical(place: Place) -> tuple[str, ...]:
    return tuple(str(place.schema[name].metadata.get(PHYSICAL, name)) for name in place.partition_by)


def leaf_path(schema: T.StructType, path: ColumnPath) -> tuple[str, ...]:
    """A leaf column by the names and steps that it has in files (`jobs.columnar.leaves`)."""
    given: T.DataType = schema
    found: list[str] = []
    for step in path.steps:
        if isinstance(step, Field):
            assert isinstance(given, T.StructType)
            field = given[step.name]
            given = field.dataType
            found.append(str(field.metadata.get(PHYSICAL, field.name)))
        elif isinstance(step, Element):
            assert isinstance(given, T.ArrayType)
            given = given.elementType
            found += [LIST, "element"]
        else:
            assert isinstance(given, T.MapType)
            given = given.keyType if isinstance(step, MapKey) else given.valueType
            found += [ENTRIES, "key" if isinstance(step, MapKey) else "value"]
    return tuple(found)


def schema_of(schema: T.StructType) -> pa.Schema:
    """The schema of the files of a table whose schema Delta gave names and numbers to."""
    return pa.schema([_field(field) for field in schema.fields])


def _field(field: T.StructField) -> pa.Field:
    if NESTED_IDS in field.metadata:
        raise NotColumnar("the target's elements of lists and maps have numbers of their own (Iceberg compatibility)")
    name = str(field.metadata.get(PHYSICAL, field.name))
    number = field.metadata.get(FIELD_ID)
    metadata = None if number is None else {PARQUET_ID: str(number).encode()}
    return pa.field(name, _type(field.dataType, field.name), True, metadata)


def _type(given: T.DataType, name: str) -> pa.DataType:
    if isinstance(given, T.StructType):
        return pa.struct([_field(field) for field in given.fields])
    if isinstance(given, T.ArrayType):
        return pa.list_(pa.field("element", _type(given.elementType, name)))
    if isinstance(given, T.MapType):
        return pa.map_(_type(given.keyType, name), _type(given.valueType, name))
    return arrow_types.of_spark(given, name)
