"""The files of a version of a Delta table as its log lists them, and as they stand there: sums that tell any change."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.lake import gained, small_log, source_files
from jobs.lake.address import Address
from jobs.lake.java import hadoop_path, java_class
from jobs.lake.problems import SourceProblem

DELETED = ("storageType", "pathOrInlineDv", "offset")
"""What names a deletion vector of a file: which of its rows are gone."""


@dataclasses.dataclass(frozen=True, order=True)
class File:
    """path: as the log has it. size: bytes. deleted: the name of its deletion vector, empty where it has none."""

    path: str
    size: int
    deleted: str = ""


def of(spark: SparkSession, location: str, version: int) -> list[File]:
    """All files of a version, sorted. Raises `SourceProblem` where the log no longer tells."""
    try:
        index = gained.index_of(Address(path=location).read(spark, {"versionAsOf": str(version)}))
        if index is not None:
            return sorted(map(_file, _told(spark, index.getSnapshot())))
    except (PySparkException, Py4JError):
        pass
    raise SourceProblem(f"the log of {location} does not tell the files of version {version}")


def _told(spark: SparkSession, snapshot: Any) -> Iterable[Mapping[str, Any]]:
    small = small_log.replayed(spark, snapshot)
    if small is not None:
        return small.told
    columns = ["path", "size", *(f"deletionVector.{name}" for name in DELETED)]
    rows = DataFrame(snapshot.allFiles().toDF(), spark).select(*columns).toLocalIterator()
    return (
        {"path": row[0], "size": row[1], "deletionVector": dict(zip(DELETED, row[2:], strict=True))} for row in rows
    )


def _file(told: Mapping[str, Any]) -> File:
    vector = told.get("deletionVector") or {}
    named = [vector.get(name) for name in DELETED]
    return File(told["path"], int(told["size"]), "" if named[0] is None else ":".join(map(str, named)))


def digest(files: Sequence[File]) -> str:
    """SHA-256, hex, over a line for each file in the order of paths: JSON ``["path",size,"deleted"]``, Unicode as it
    is, no spaces, and a line feed."""
    found = hashlib.sha256()
    for file in files:
        line = json.dumps([file.path, file.size, file.deleted], ensure_ascii=False, separators=(",", ":"))
        found.update(f"{line}\n".encode())
    return found.hexdigest()


def added(spark: SparkSession, location: str, version: int) -> list[File] | None:
    """The files that a commit added, sorted; None where it is no longer there."""
    told = small_log.of_versions(spark, location, range(version, version + 1))
    if told is None:
        return None
    return sorted(_file(action["add"]) for action in told[version] if "add" in action)


def contents(spark: SparkSession, location: str, files: Sequence[File]) -> str:
    """SHA-256, hex, over a line for each file: as `digest`, of ``["path","sha256"]``, with the hash of what it holds.
    Raises `Unreadable`."""
    found = hashlib.sha256()
    for file in files:
        line = json.dumps([file.path, _content(spark, location, file)], ensure_ascii=False, separators=(",", ":"))
        found.update(f"{line}\n".encode())
    return found.hexdigest()


class Unreadable(Exception):
    """A file is not there, or cannot be read."""


def _content(spark: SparkSession, location: str, file: File) -> str:
    try:
        path, store = _place(spark, location, file)
        stream = store.open(path)
        try:
            return str(java_class(spark._jvm, "org.apache.commons.codec.digest.DigestUtils").sha256Hex(stream))
        finally:
            stream.close()
    except Py4JError:
        raise Unreadable from None


def size_now(spark: SparkSession, location: str, file: File) -> int | None:
    """The size of the file as it stands there; None where it is not there."""
    try:
        path, store = _place(spark, location, file)
        return int(store.getFileStatus(path).getLen())
    except Py4JError:
        return None


def _place(spark: SparkSession, location: str, file: File) -> tuple[Any, Any]:
    path = hadoop_path(spark, source_files.absolute(location.rstrip("/"), file.path))
    return path, path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
