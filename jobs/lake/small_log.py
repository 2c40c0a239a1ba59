"""A small Delta log read on the driver, where a job of Spark's would cost more than all the rest of a small table.

Every doubt gives None: then Spark reads the log, as it does a large one, and says what is wrong with it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.lake import log_replay
from jobs.lake.java import DELTA, as_python, hadoop_path, java_class

Action = Mapping[str, Any]
COMMIT = re.compile(r"/_delta_log/(\d{20})\.json; isDirectory=false; length=(\d+);")
"""Of a commit's file, as Hadoop writes what it lists; checkpoints and compacted commits have other names."""
BYTES = 4 * log_replay.BYTES
"""Of all commits at most."""


def commits(spark: SparkSession, location: str, last: int) -> dict[int, list[Action]] | None:
    """What the commits say that the log still has, up to a version, the oldest first. location: of the table."""
    try:
        folder = hadoop_path(spark, f"{location}/_delta_log")
        files = folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        sizes = {version: size for version, size in _sizes(spark, folder).items() if version <= last}
        if not sizes or sorted(sizes) != [*range(min(sizes), last + 1)] or sum(sizes.values()) > BYTES:
            return None
        return {version: _actions(_content(spark, files, folder, version)) for version in sorted(sizes)}
    except (Py4JError, PySparkException, ValueError):
        return None


def of_versions(spark: SparkSession, location: str, versions: range) -> dict[int, list[Action]] | None:
    """What some commits say, by version. location: of the table."""
    try:
        folder = hadoop_path(spark, f"{location}/_delta_log")
        files = folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        paths = [hadoop_path(spark, folder, f"{version:020}.json") for version in versions]
        if sum(int(files.getFileStatus(path).getLen()) for path in paths) > BYTES:
            return None
        return {version: _actions(_content(spark, files, folder, version)) for version in versions}
    except (Py4JError, PySparkException, ValueError):
        return None


def _content(spark: SparkSession, files: Any, folder: Any, version: int) -> bytes:
    stream = files.open(hadoop_path(spark, folder, f"{version:020}.json"))
    try:
        return bytes(java_class(spark._jvm, "org.apache.commons.io.IOUtils").toByteArray(stream))
    finally:
        stream.close()


def _actions(content: bytes) -> list[Action]:
    found = [json.loads(line) for line in content.decode().split("\n") if line.strip()]
    if not all(isinstance(action, dict) for action in found):
        raise ValueError("an action is an object")
    return found


@dataclasses.dataclass(frozen=True)
class Replayed:
    """What stands in a version. files, domains: as Delta's own lists. told: the files as the log has them."""

    files: Any
    domains: Any
    told: Sequence[Action]


def replayed(spark: SparkSession, snapshot: Any, existing: Any = None) -> Replayed | None:
    """The files of a version and its domain metadata.

    Delta's own replay makes them of all commits, as its tasks do; only that these first spell paths alike, so that none
    may be spelled in more than one way. existing: what the catalog says of the table.
    """
    version = int(snapshot.version())
    if not log_replay.is_small(log_replay.size(snapshot), version) or not _are_short(spark, snapshot, version):
        return None
    try:
        jvm = spark._jvm
        nothing = java_class(jvm, "scala.Option").apply(None)
        made = java_class(jvm, f"{DELTA}.actions.InMemoryLogReplay")(nothing, nothing)
        table = java_class(jvm, "scala.Option").apply(existing)
        changes = snapshot.deltaLog().getChanges(0, version, table, True)
        for at in range(version + 1):
            commit = changes.next()
            if int(commit._1()) != at:
                return None
            made.append(at, commit._2().iterator())
        told = as_python(jvm, made.checkpoint().toSeq())
        if not all(_is_plain(action["path"]) for action in told if "path" in action):
            return None
        files = made.allFiles()
        return Replayed(files, made.getDomainMetadatas().toSeq(), as_python(jvm, files))
    except (Py4JError, PySparkException, ValueError, TypeError):
        return None


def _are_short(spark: SparkSession, snapshot: Any, version: int) -> bool:
    """Whether all commits together are, also those before the last checkpoint, which nobody has to read for a version.
    They may be large: a checkpoint leaves out files that are gone."""
    try:
        if int(snapshot.logSegment().deltas().size()) == version + 1:
            return True
        sizes = _sizes(spark, snapshot.deltaLog().logPath())
        wanted = [sizes[at] for at in range(version + 1)]
        return sum(wanted) < log_replay.BYTES
    except (Py4JError, PySparkException, KeyError):
        return False


def _sizes(spark: SparkSession, folder: Any) -> dict[int, int]:
    """Of the commits that a log has, the bytes. folder: of the log, as Hadoop has it."""
    files = folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    listed = "\n".join(str(status.toString()) for status in files.listStatus(folder))
    return {int(version): int(size) for version, size in COMMIT.findall(listed)}


def _is_plain(path: str) -> bool:
    """Whether a path lies below the table's folder and can be spelled in no other way."""
    parts = path.split("/")
    return ":" not in path and not any(part in ("", ".", "..") for part in parts)
