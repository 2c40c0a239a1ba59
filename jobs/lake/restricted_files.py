"""A file of clear values: one, in a new folder that its owner alone can enter, there under its name when it is whole.

The folder has the marker of a run, by which `jobs.lake.restricted.remove` takes it away, and a file that says whose it
is, for what and until when. Hadoop, Spark and pandas pass over both names.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from jobs.lake import restricted
from jobs.lake.java import hadoop_path, java_class
from privacy_udfs.errors import UnexpectedFailure

ABOUT = "_lakenym_reversal.json"
WRITING = "_writing"
"""The folder in which the file is made."""


def create(
    spark: SparkSession, place: str, name: str, lines: DataFrame, about: Mapping[str, str], run_id: str, expected: int
) -> None:
    """Write lines as the file ``name`` of a new folder. lines: a text column, in one partition. about: whose it is.
    expected: how many lines there are to be; with others nothing stays. After an error as little is left as can be."""
    try:
        restricted.closed(spark, place, run_id)
        _write_text(spark, place, ABOUT, json.dumps({"run": run_id, **about}, indent=1) + "\n")
        _written(spark, place, name, lines, expected)
    except BaseException:
        with contextlib.suppress(Py4JError, PySparkException):
            restricted.undo(spark, place, run_id)
        raise


def _written(spark: SparkSession, place: str, name: str, lines: DataFrame, expected: int) -> None:
    seen, folder = Observation(), hadoop_path(spark, place, WRITING)
    observed = lines.observe(seen, F.count(F.lit(1)).alias("lines"))
    whole = observed.write.option("maxRecordsPerFile", 0)  # the application may ask for smaller files
    whole.option("compression", "none").text(str(folder.toString()))
    found = int(seen.get["lines"])
    if found != expected:
        raise UnexpectedFailure(f"{expected} lines were to be written, and {found} were")
    files = folder.getFileSystem(restricted.hadoop_conf(spark))
    parts = [each.getPath() for each in files.listStatus(folder) if each.getPath().getName().startswith("part-")]
    if not parts and not expected:
        _write_text(spark, place, f"{WRITING}/part-0", "")
        parts = [hadoop_path(spark, place, f"{WRITING}/part-0")]
    if len(parts) != 1:
        raise UnexpectedFailure(f"one file was to be written, and there are {len(parts)}")
    whole = hadoop_path(spark, place, name)
    files.setPermission(parts[0], _owner_alone(spark))
    if not files.rename(parts[0], whole):
        raise UnexpectedFailure("what was written could not be given its name")
    files.delete(folder, True)
    files.delete(hadoop_path(spark, place, f".{name}.crc"), False)  # who edits the file could not read it by Hadoop


def _write_text(spark: SparkSession, place: str, name: str, text: str) -> None:
    where = hadoop_path(spark, place, name)
    sink = where.getFileSystem(restricted.hadoop_conf(spark)).create(where, False)
    try:
        sink.write(bytearray(text.encode()))
    finally:
        sink.close()


def _owner_alone(spark: SparkSession) -> Any:
    return java_class(spark._jvm, "org.apache.hadoop.fs.permission.FsPermission").valueOf("-rw-------")
