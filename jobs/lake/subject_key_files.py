"""Files in the folder of a table of keys that are not of its current version; which of them lead to a destroyed key."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import file_places, restricted
from jobs.lake.delta_commit import Transaction
from jobs.lake.java import as_python, hadoop_path
from privacy_udfs.subject_keys import Part, covered

ANEW = "anew-"
"""What folders begin with in which trees stand that were written anew."""
UNFINISHED = 86400.0
"""Seconds after which a file that no version has is no longer that of a run which is about to commit it."""
CHECKSUM = re.compile(r"\..*\.crc")
"""What Hadoop writes beside local files."""
UNREAD = re.compile(r"[_.].*|.*\._COPYING_", re.DOTALL)
"""Names of files that Spark passes over: no job writes rows under such a name, and none tells what they lead to."""


@dataclasses.dataclass(frozen=True)
class Lying:
    """removed: those that the log took out. others: those that no commit ever had, and when each was written."""

    removed: list[str]
    others: dict[str, float]


def listed(spark: SparkSession, location: str) -> dict[str, float]:
    """All files below the table's folder, wherever, with ``.parquet`` in their name, but for those of its log, and when
    each was written."""
    return dict(_files(spark, location))


def _files(spark: SparkSession, location: str) -> Iterator[tuple[str, float]]:
    root = hadoop_path(spark, location)
    found = root.getFileSystem(restricted.hadoop_conf(spark)).listFiles(root, True)
    while found.hasNext():
        each = found.next()
        path = file_places.LOCAL.sub("file:/", str(each.getPath().toString()))  # it encodes nothing
        name = path.rpartition("/")[2].lower()
        if "/_delta_log/" not in path and ".parquet" in name and not CHECKSUM.fullmatch(name):
            yield path, int(each.getModificationTime()) / 1000


def lying(begun: Transaction, there: Mapping[str, float]) -> Lying:
    """there: of `listed`, before the transaction began."""
    spark, location = begun.spark, begun.location
    now = {file_places.of_log(location, file["path"]) for file in as_python(spark._jvm, begun.txn.filterFiles())}
    told = DataFrame(begun.txn.snapshot().tombstones().toDF(), spark).select("path").collect()
    out = {file_places.of_log(location, str(row[0])) for row in told}
    others = {path: since for path, since in there.items() if path not in now}
    return Lying([path for path in others if path in out], {p: since for p, since in others.items() if p not in out})


def doomed(
    spark: SparkSession,
    trees: Mapping[int, Sequence[Part]],
    found: Lying,
    schema: T.StructType,
    read: Callable[[pa.Table], Mapping[int, Sequence[Part]]],
) -> list[str]:
    """Of files that no commit ever had those that were left a day ago, those that cannot be read for their name, and
    those that lead to a key which the table's trees do not lead to any more. Others may be about to commit the rest:
    they lead to no other key. trees: by version of the named key; of a version that has none yet others may be about to
    make one. read: what rows say."""
    aged = [path for path, since in found.others.items()
            if time.time() - since > UNFINISHED or UNREAD.fullmatch(path.rpartition("/")[2])]  # fmt: skip
    young = [path for path in found.others if path not in aged]
    if not young:
        return aged
    rows = _rows_of(spark, young, schema).select(*schema.names, F.col(file_places.FILE).alias("file")).toArrow()
    of_file = dict[str, list[tuple[int, Part]]]()
    for file in rows["file"].unique().to_pylist():
        told = read(rows.filter(pc.equal(rows["file"], file)).select(schema.names))
        of_file[file_places.of_row(file)] = [(key_id, part) for key_id, parts in told.items() for part in parts]
    lost = {file for file, parts in of_file.items()
            if any(key_id in trees and not covered([part], trees[key_id]) for key_id, part in parts)}  # fmt: skip
    return [*aged, *(path for path in young if path in lost)]


def _rows_of(spark: SparkSession, paths: Sequence[str], schema: T.StructType) -> DataFrame:
    """Of files that others may delete at this moment, or be about to write."""
    options = {"ignoreCorruptFiles": "true", "ignoreMissingFiles": "true", "__globPaths__": "false"}
    return spark.read.options(**options).schema(schema).parquet(*paths)


def delete(spark: SparkSession, path: str) -> None:
    """Whatever stands there. What cannot be deleted goes on lying there, which nothing tells."""
    with contextlib.suppress(Py4JError):
        where: Any = hadoop_path(spark, path)
        where.getFileSystem(restricted.hadoop_conf(spark)).delete(where, True)


def deleted(spark: SparkSession, location: str, paths: Sequence[str]) -> int:
    """Delete files; how many of them are there yet, by the table's folder as it is then."""
    for path in paths:
        delete(spark, path)
    return len(set(paths) & set(listed(spark, location))) if paths else 0


def tidy(spark: SparkSession, location: str, gone: Sequence[str]) -> None:
    """Take away the folders of what was written anew in which no file is left."""
    folders = {path.rpartition("/")[0] for path in gone if path.rpartition("/")[0].rpartition("/")[2].startswith(ANEW)}
    full = {path.rpartition("/")[0] for path in listed(spark, location)} if folders else set()
    for folder in folders - full:
        delete(spark, folder)
