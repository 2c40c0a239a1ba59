"""Which column of which Parquet file has a type that Spark cannot read: Spark itself names the type only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake.java import hadoop_path

MOST_FILES = 100


def column_of(spark: SparkSession, source: Source, type_: str) -> tuple[str, str] | None:
    """The first column of such a type, as Spark writes it (or how that begins), and the path of its file.

    Looks into the footers of the first `MOST_FILES` files; no row is read. None: not found there.
    """
    files = spark.read.format("binaryFile").options(**_listing(source)).load(source.path).inputFiles()
    for file in sorted(files)[:MOST_FILES]:
        for name, found in _columns(spark, file):
            if found.startswith(type_) or f"({type_}" in found:
                return name, file
    return None


def _listing(source: Source) -> dict[str, str]:
    wanted = ("pathGlobFilter", "recursiveFileLookup", "modifiedBefore", "modifiedAfter")
    return {name: value for name, value in source.options.items() if name in wanted}


def roots(spark: SparkSession, place: str) -> frozenset[str]:
    """The columns that a file has, the outermost names of them; none where it cannot be read."""
    try:
        return frozenset(path[0] for path, _ in _leaves(spark, hadoop_path(spark, place)))
    except Py4JError:
        return frozenset()


def _columns(spark: SparkSession, file: str) -> Iterator[tuple[str, str]]:
    jvm: Any = spark._jvm
    for path, shown in _leaves(spark, jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(file))):
        yield ".".join(path), shown


def _leaves(spark: SparkSession, path: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    jvm: Any = spark._jvm
    conf = spark._jsparkSession.sessionState().newHadoopConf()
    reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(
        jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(path, conf)
    )
    try:
        for column in reader.getFooter().getFileMetaData().getSchema().getColumns():
            kind = column.getPrimitiveType()
            annotation = kind.getLogicalTypeAnnotation()
            shown = str(kind.getPrimitiveTypeName().toString())
            yield tuple(column.getPath()), shown if annotation is None else f"{shown} ({annotation.toString()})"
    finally:
        reader.close()
