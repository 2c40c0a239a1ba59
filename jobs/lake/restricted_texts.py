"""Several files of text in a new folder that its owner alone can enter. The last one is there when all are whole.

The folder has the marker of a run, by which `jobs.lake.restricted.remove` takes it away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.lake import restricted
from jobs.lake.java import hadoop_path, java_class
from privacy_udfs.errors import UnexpectedFailure

AT_ONCE = 1 << 20
WRITING = "_writing"


def create(spark: SparkSession, place: str, files: Mapping[str, Iterable[str]], run_id: str) -> None:
    """Write files, by their names, in order. After an error as little is left as can be: see `restricted.is_gone`."""
    try:
        restricted.closed(spark, place, run_id)
        for name, lines in files.items():
            _written(spark, place, name, lines)
    except BaseException:
        with contextlib.suppress(Py4JError, PySparkException):
            restricted.undo(spark, place, run_id)
        raise


def _written(spark: SparkSession, place: str, name: str, lines: Iterable[str]) -> None:
    """Under another name first, so that who sees the file sees all of it."""
    half, whole = hadoop_path(spark, place, WRITING), hadoop_path(spark, place, name)
    files = half.getFileSystem(restricted.hadoop_conf(spark))
    sink = files.create(half, False)
    try:
        files.setPermission(half, _owner_alone(spark))
        for content in _portions(lines):
            sink.write(bytearray(content))
    finally:
        sink.close()
    if not files.rename(half, whole):
        raise UnexpectedFailure("what was written could not be given its name")


def _portions(lines: Iterable[str]) -> Iterable[bytes]:
    portion = bytearray()
    for line in lines:
        portion += line.encode() + b"\n"
        if len(portion) >= AT_ONCE:
            yield bytes(portion)
            portion.clear()
    if portion:
        yield bytes(portion)


def _owner_alone(spark: SparkSession) -> object:
    return java_class(spark._jvm, "org.apache.hadoop.fs.permission.FsPermission").valueOf("-rw-------")
