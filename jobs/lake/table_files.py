"""Every file below the folder of a Delta table, whether its log knows it or not."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import re
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import file_places
from jobs.lake.active_session import active
from jobs.lake.delta_commit import Kept, Transaction
from jobs.lake.java import hadoop_path
from jobs.lake.log_commits import LITERALLY

LOG, CHANGES = "_delta_log", "_change_data"
VECTORS = ".bin"
"""Files of deletion vectors: numbers of rows, and nothing of them."""
DAY = 24 * 3600 * 1000
"""In milliseconds."""
STATUS = re.compile(r"FileStatus\{path=(.*); isDirectory=(true|false);.*? modification_time=(\d+);", re.S)
ACTION = "struct<path: string>"
HIDDEN = re.compile(r"[_.][^=]*")
"""How a folder is called that Delta takes for none of its own; folders of partitions have a ``=``."""
OF_HADOOP = re.compile(r"\..*\.crc")
"""Its own checksum of a file beside it, which goes with the file."""


def now() -> int:
    """Milliseconds, as files have them."""
    return int(time.time() * 1000)


@dataclasses.dataclass(frozen=True)
class File:
    """place: as `file_places.of_log`. name: below the folder that was listed. time: when it was written last, in
    milliseconds."""

    place: str
    name: str
    time: int


@dataclasses.dataclass(frozen=True)
class Known:
    """What a version, and what is left of the log, say of files, by place. current: those of the version. hiding: those
    of them of which a deletion vector hides rows. removed: when files were taken out, in milliseconds, as far as that
    is still told."""

    begun: Transaction
    current: frozenset[str]
    hiding: frozenset[str]
    removed: dict[str, int]

    @functools.cached_property
    def named(self) -> frozenset[str]:
        """All that some commit names, so that they are of no writer who is still at work. Reads the log."""
        spark, location = self.begun.spark, self.begun.location
        actions = spark.read.options(**LITERALLY).schema(f"add {ACTION}, remove {ACTION}, cdc {ACTION}")
        told = actions.json(f"{location.rstrip('/')}/{LOG}")
        paths = told.select(F.coalesce("add.path", "remove.path", "cdc.path").alias("path")).where("path is not null")
        found = {file_places.of_log(location, row["path"]) for row in paths.distinct().collect()}
        return frozenset(found | set(self.removed) | self.current)


@dataclasses.dataclass(frozen=True)
class Stale:
    """One file that is no part of the newest version. since: when it was taken out of the table, or written, in
    milliseconds. due: from when on it may go, as VACUUM would take it. free: from when on it can go at once, without
    harm to a writer at work. is_change: of a change feed. is_read: it was looked into, where that is asked. is_named:
    some commit names it."""

    place: str
    since: int
    due: int
    is_change: bool
    free: int = 0
    is_read: bool = True
    is_named: bool = True


def stale(file: File, known: Known, kept: Kept) -> Stale:
    since = max(known.removed.get(file.place, 0), file.time)
    return Stale(file.place, since, since + kept.files, file.name.startswith(f"{CHANGES}/"))


def of_others(files: Sequence[File], known: Known) -> list[File]:
    """Of all files below a table's folder those that no commit of it names, and that stand in a hidden folder or below
    one with a log of its own: of another table, or of a program that this job knows nothing of."""
    own = {each.name.rpartition(f"/{LOG}/")[0] for each in files if f"/{LOG}/" in each.name}
    found = [each for each in files if _is_in_one_of(each, own)]
    named = known.named if found else frozenset[str]()
    return [each for each in found if each.place not in named]


def _is_in_one_of(file: File, own: Collection[str]) -> bool:
    folders = file.name.split("/")[:-1]
    above = {"/".join(folders[: at + 1]) for at in range(len(folders))}
    is_hidden = any(HIDDEN.fullmatch(each) for each in folders) and folders[0] != CHANGES
    return is_hidden or not above.isdisjoint(own)


def listed(spark: SparkSession, location: str, log: bool = False) -> list[File]:
    """All files below a table's folder, but for those of its log; or those alone. Checksums that Hadoop keeps beside
    files are left out of the first."""
    folder = hadoop_path(spark, f"{location.rstrip('/')}/{LOG}" if log else location)
    files = folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    if not files.exists(folder):
        return []
    start = len(_normal(str(files.makeQualified(folder).toString()))) + 1
    found = [File(place, place[start:], time) for place, time in _walk(spark, files, folder)]
    if log:
        return found
    return [
        each
        for each in found
        if not each.name.startswith(f"{LOG}/") and not OF_HADOOP.fullmatch(each.name.rpartition("/")[2])
    ]


def _walk(spark: SparkSession, files: Any, folder: Any) -> Iterator[tuple[str, int]]:
    """Place and time of each file below a folder. Java is asked for each file once, and not at all for local ones."""
    whole = _normal(str(files.makeQualified(folder).toString()))
    if whole.startswith("file:/"):
        for path, _, names in os.walk(whole.removeprefix("file:")):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                    yield f"file:{path}/{name}", int(os.stat(f"{path}/{name}").st_mtime * 1000)
        return
    left = [folder]
    while left:
        for status in files.listStatus(left.pop()):
            path, is_folder, written = STATUS.findall(str(status.toString()))[0]
            if is_folder == "true":
                left.append(hadoop_path(spark, path))
            else:
                yield _normal(path), int(written)


def _normal(place: str) -> str:
    return file_places.LOCAL.sub("file:/", place)


def known(begun: Transaction) -> Known:
    spark, location = begun.spark, begun.location

    def place(path: str) -> str:
        return file_places.of_log(location, path)

    with active(spark):
        snapshot = begun.txn.snapshot()
        added = DataFrame(snapshot.allFiles().toDF(), spark)
        is_hiding = F.col("deletionVector").isNotNull().alias("hides")
        current = {place(row["path"]): bool(row["hides"]) for row in added.select("path", is_hiding).collect()}
        gone = DataFrame(snapshot.tombstones().toDF(), spark).select("path", "deletionTimestamp").collect()
        removed = {place(row["path"]): int(row["deletionTimestamp"] or 0) for row in gone}
    hiding = frozenset(name for name, hides in current.items() if hides)
    return Known(begun, frozenset(current), hiding, removed)


def rows_in(spark: SparkSession, places: Sequence[str], schema: T.StructType) -> DataFrame:
    """All rows of some Parquet files, those that a deletion vector hides too. schema: by the names in the files; what a
    file lacks is null."""
    return spark.read.schema(schema).option("__globPaths__", "false").parquet(*places)


def deleted(spark: SparkSession, places: Collection[str]) -> list[str]:
    """Delete files, with the checksums that Hadoop keeps beside them, and the folders that are empty then: their names
    may be values. Returns those that are there yet."""
    left: list[str] = []
    folders = set[str]()
    for place in places:
        path = hadoop_path(spark, place)
        store = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        try:
            gone = bool(store.delete(path, False)) or not store.exists(path)
            name = place.rpartition("/")[2]
            store.delete(hadoop_path(spark, path.getParent(), f".{name}.crc"), False)
        except Py4JError:
            gone = False
        left += [] if gone else [place]
        folders.add(place.rpartition("/")[0])
    _tidied(spark, folders)
    return left


def _tidied(spark: SparkSession, folders: Collection[str]) -> None:
    """Folders of partitions, and those above, as far as they are empty; none that holds anything is deleted."""
    for folder in sorted(folders, key=len, reverse=True):
        while "=" in folder.rpartition("/")[2]:
            path = hadoop_path(spark, folder)
            store = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
            try:
                if not store.exists(path) or len(store.listStatus(path)) or not store.delete(path, False):
                    break
            except Py4JError:
                break
            folder = folder.rpartition("/")[0]
