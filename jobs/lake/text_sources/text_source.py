"""Lines of text files as bytes, with the file that each is of: what CSV and JSON are read from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.configuration.reader_options import ENCODINGS, LISTING
from jobs.lake.pinned_settings import PINNED
from jobs.lake.problems import SourceProblem
from jobs.lake.sql import quoted

LINE, FILE, START = "line", "file", "start"
"""Columns of `lines`; those of partition folders follow, as text."""
SIZES = ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes")
"""How large the parts are that tasks read: as the caller's session says."""


def declared(source: Source) -> T.StructType:
    """The columns that 'schema' of a source states. Raises `SourceProblem` where it is none."""
    try:
        found = T.DataType.fromDDL(str(source.schema_))
    except PySparkException:
        found = None
    if not isinstance(found, T.StructType):
        raise SourceProblem(
            "'schema' of the source is no list of columns with types that Spark knows: write it as in: id bigint, born "
            "date, note string"
        )
    return found


def stated(types: Mapping[str, str]) -> str:
    """The 'schema' of a source that states these types, by the names of its columns."""
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())


def codec(options: Mapping[str, str]) -> str:
    """Python's strict decoder for the option ``encoding``."""
    return ENCODINGS[options.get("encoding", "utf-8").lower()]


def flag(options: Mapping[str, str], name: str, default: bool) -> bool:
    """What an option says that is true or false, which was looked at when the configuration was read."""
    return options.get(name, str(default)).lower() == "true"


def lines(spark: SparkSession, source: Source, options: Mapping[str, str], whole: bool) -> DataFrame:
    """The lines of CSV files: `LINE`, `FILE`, `START`, and the folders' columns. whole: no file is read in parts."""
    own, chosen = session(spark), file_options(options)
    if whole:
        _read_whole(spark, own, str(source.path), chosen)
    return _placed(own.read.options(**chosen).option("lineSep", "\n").text(str(source.path)), spark)


def texts(spark: SparkSession, source: Source, options: Mapping[str, str], files: bool) -> DataFrame:
    """The lines of JSON files, or their whole texts, with the same columns as `lines`."""
    reader = session(spark).read.options(**file_options(options))
    return _placed(reader.text(str(source.path), wholetext=files), spark)


def session(spark: SparkSession) -> SparkSession:
    """A session of its own in which files are listed, opened and parsed as in a run, whatever the cluster's settings:
    Spark reads times without a zone, say, by the settings of the session in which a reader was made."""
    own = spark.newSession()
    for name, value in {**PINNED, **{name: spark.conf.get(name) for name in SIZES}}.items():
        own.conf.set(name, str(value))
    return own


def file_options(options: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name in LISTING}


def _placed(rows: DataFrame, spark: SparkSession) -> DataFrame:
    folders = [_named(rows, name) for name in rows.columns if name != "value"]
    place = [F.col("_metadata.file_path").alias(FILE), F.col("_metadata.file_block_start").alias(START)]
    return moved(rows.select(F.col("value").alias(LINE), *place, *folders), spark)


def _named(rows: DataFrame, name: str) -> Column:
    if name in (LINE, FILE, START):
        raise SourceProblem(f"partition folders are called {name!r}, which is a name of the reader's own: rename them")
    return rows[name]


def _read_whole(spark: SparkSession, own: SparkSession, path: str, chosen: Mapping[str, str]) -> None:
    """Tasks as large as the largest file at least, so that no file is split, and small files share a task."""
    files = own.read.format("binaryFile").options(**chosen).load(path)
    count, total, largest = files.agg(F.count("*"), F.sum("length"), F.max("length")).collect()[0]
    most, opening = (_bytes(spark, name) for name in SIZES)
    share = ((total or 0) + count * opening) // spark.sparkContext.defaultParallelism
    own.conf.set("spark.sql.files.maxPartitionBytes", str(max(largest or 1, min(most, max(opening, share)))))
    own.conf.set("spark.sql.files.minPartitionNum", "1")


def _bytes(spark: SparkSession, name: str) -> int:
    return int(spark._jvm.org.apache.spark.network.util.JavaUtils.byteStringAsBytes(spark.conf.get(name)))  # type: ignore[union-attr]


def moved(rows: DataFrame, spark: SparkSession) -> DataFrame:
    """The same rows in the caller's session; what was set for reading the files goes with them."""
    name = f"lakenym_{uuid.uuid4().hex}"
    rows.createGlobalTempView(name)
    try:
        return spark.table(f"{spark.conf.get('spark.sql.globalTempDatabase')}.{name}")
    finally:
        rows.sparkSession.catalog.dropGlobalTempView(name)
