"""The files of a source that hold the rows of chosen partitions, and no others: those of folders that are chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.columnar import arrow_types
from jobs.columnar.unfit import NotColumnar
from jobs.lake.chosen import Chosen
from jobs.lake.source_files import SourceFiles

AT = "lakenym folder"


def of(spark: SparkSession, files: SourceFiles, chosen: Chosen, schema: T.StructType) -> SourceFiles:
    """Those of the files. schema: of the rows that are chosen from. Raises `NotColumnar` where only the rows in the
    files tell which are chosen."""
    if not set(chosen.columns) <= set(files.folders):
        raise NotColumnar("the source has no folders by all columns of --where, so that Spark chooses its rows")
    folders = {id(file): tuple(file.folders[name] for name in chosen.columns) for file in files.files}
    known = list(dict.fromkeys(folders.values()))
    kept = {known[at] for at in _chosen(spark, known, chosen, schema)} if known else set()
    return dataclasses.replace(files, files=tuple(file for file in files.files if folders[id(file)] in kept))


def _chosen(
    spark: SparkSession, known: Sequence[tuple[pa.Scalar, ...]], chosen: Chosen, schema: T.StructType
) -> list[int]:
    """Numbers of the folders, decided by Spark, as it decides of rows."""
    types = [arrow_types.of_spark(schema[name].dataType, name) for name in chosen.columns]
    if any(value.type != type_ for values in known for value, type_ in zip(values, types, strict=True)):
        raise NotColumnar("the types of the source's folders are those that Spark reads")
    columns = [pa.array(values, type_) for values, type_ in zip(zip(*known, strict=True), types, strict=True)]
    table = pa.table([*columns, pa.array(range(len(known)))], names=[*chosen.columns, AT])
    return [int(row[0]) for row in chosen.among(spark.createDataFrame(table)).select(f"`{AT}`").collect()]
