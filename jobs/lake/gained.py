"""The rows that a Delta table gained since a run stopped in it: those of the files that commits since then added.

Only a source that grew tells that way. A commit since then that changed or deleted rows, a table that was put back
(RESTORE), made anew or copied over, a log or files that were cleaned away: each stops the run, since what was treated
before may no longer be in the source. The log itself is read, commit by commit: neither a number that Delta counts up
nor a stream's checkpoint is believed.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration.models import Source
from jobs.lake import delta_commit, leaves, source_files
from jobs.lake.column_mapping import ID, PHYSICAL_NAME
from jobs.lake.java import hadoop_path
from jobs.lake.log_commits import ERASURE, LITERALLY
from jobs.lake.position import DeltaPosition, read_as
from jobs.lake.problems import HEALS, CannotGrow
from jobs.lake.source_schema import CHAR_TYPE, DEFAULT

DECISIVE = (PHYSICAL_NAME, ID, CHAR_TYPE, DEFAULT)
"""Of a field's metadata."""


class Line(NamedTuple):
    """A line of a commit. adds, removes: whether it is about a file that is added or removed with a change of rows;
    None where it is about none. text: the line, where it is about a file. mode: what a commit says that it is.
    application: whose mark the line is; our own are in erasures alone, in a source."""

    version: int
    operation: str | None
    adds: bool | None
    removes: bool | None
    text: str | None
    mode: str | None = None
    application: str | None = None

    def file(self, what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(str(self.text))[what]
        return found


def position(rows: DataFrame, source: Source) -> DeltaPosition | None:
    """Where a run that reads these rows will have stopped; None where they are no whole version of one Delta table."""
    index = index_of(rows)
    if index is None:
        return None
    snapshot = index.getSnapshot()
    digest = delta_commit.commit_digest(rows.sparkSession, index.deltaLog(), int(snapshot.version()))
    if digest is None:
        return None
    told = json.loads(snapshot.metadata().json())["metaData"]
    columns = [_decisive(json.loads(told["schemaString"])), told["partitionColumns"]]
    return DeltaPosition(told["id"], int(snapshot.version()), digest, read_as(source, columns))


def _decisive(schema: Any) -> Any:
    """Of a schema, as Delta writes it, all that decides what a column holds: comments do not."""
    if isinstance(schema, list):
        return [_decisive(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    metadata = {name: value for name, value in schema.get("metadata", {}).items() if name in DECISIVE}
    below = {name: _decisive(value) for name, value in schema.items() if name not in ("metadata", "nullable")}
    return {**below, "metadata": metadata}


@dataclasses.dataclass(frozen=True)
class Gained:
    """The rows of files that were gained, up to a version. count: how many, None where the log does not say. commit:
    SHA-256 of the version's commit file, hex."""

    rows: DataFrame
    count: int | None
    version: int
    commit: str


def since(rows: DataFrame, stopped: DeltaPosition, most_files: int | None = None) -> Gained:
    """Of the rows of a version of a Delta table those that it gained. Raises `CannotGrow`.

    most_files: as many whole commits as hold no more files are taken, and at least one; None: all.
    """
    spark, index = rows.sparkSession, index_of(rows)
    if index is None:
        raise CannotGrow(f"it is no whole Delta table, so nobody knows what is new in it: {HEALS}")
    snapshot = index.getSnapshot()
    check_same(spark, index.deltaLog(), snapshot, stopped)
    location, last = str(index.path().toString()), int(snapshot.version())
    lines = _lines(spark, location, stopped.version, last)
    _check_grown(lines, stopped.version, last)
    end = last if most_files is None else _end(lines, last, most_files)
    added = {file["path"]: file for line in lines if line.adds and line.version <= end for file in [line.file("add")]}
    compacted = {line.file("remove")["path"] for line in lines if line.removes is False}
    _check_there(spark, location, [path for path in added if path in compacted])
    gained = delta_commit.rows_of_files(spark, index.deltaLog(), snapshot, added.values())
    return Gained(gained, rows_in(added.values()), end, _digest(spark, index.deltaLog(), end))


def check_grown(rows: DataFrame, stopped: DeltaPosition) -> None:
    """Raise `CannotGrow` where a version of a Delta table may lack rows that it had where a run stopped in it."""
    spark, index = rows.sparkSession, index_of(rows)
    if index is None:
        raise CannotGrow(f"it is no whole Delta table, so nobody knows what is new in it: {HEALS}")
    snapshot = index.getSnapshot()
    check_same(spark, index.deltaLog(), snapshot, stopped)
    last = int(snapshot.version())
    _check_grown(_lines(spark, str(index.path().toString()), stopped.version, last), stopped.version, last)


def _end(lines: Sequence[Line], last: int, most_files: int) -> int:
    """The last version whose files are no more than that, together with those before it. Commits without rows do not
    count, so that whatever is taken brings some; a single commit is taken whatever it brings."""
    files = collections.Counter(line.version for line in lines if line.adds and _count(line.file("add")) != 0)
    taken = 0
    for version in sorted(files):
        if taken and taken + files[version] > most_files:
            return version - 1
        taken += files[version]
    return last


def index_of(rows: DataFrame) -> Any:
    """Delta's own index of the files of a whole version of one table; None for any other rows."""
    found = leaves.relations(rows)
    if len(found) != 1 or found[0] is None or not leaves.is_whole(rows):
        return None
    index = found[0].location()
    return index if leaves.is_a(index, "TahoeLogFileIndex") else None


def check_same(spark: SparkSession, log: Any, snapshot: Any, stopped: DeltaPosition) -> None:
    """Raise `CannotGrow` where a version is not one of the table that a run stopped in, or an earlier one."""
    version = int(snapshot.version())
    if str(snapshot.metadata().id()) != stopped.table:
        raise CannotGrow(f"it is another table than the one that the last run read, or was replaced since: {HEALS}")
    if version < stopped.version:
        raise CannotGrow(
            f"it was at version {version} when this run looked, and the last run read version {stopped.version}. If "
            f"another run was at work, run it again; if it was put back or copied over, {HEALS}"
        )
    if _digest(spark, log, stopped.version) != stopped.commit:
        raise CannotGrow(f"its version {stopped.version} is not the one that the last run read: {HEALS}")


def _digest(spark: SparkSession, log: Any, version: int) -> str:
    digest = delta_commit.commit_digest(spark, log, version)
    if digest is None:
        raise CannotGrow(f"its log no longer holds version {version}, which a run read: {HEALS}")
    return digest


def _lines(spark: SparkSession, location: str, after: int, last: int) -> list[Line]:
    """Of the log's commits after a version."""
    if after == last:
        return []
    lines = spark.read.options(**LITERALLY).text(f"{location}/_delta_log")
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint")
    adds, removes = (F.get_json_object("value", f"$.{kind}.dataChange").cast("boolean") for kind in ("add", "remove"))
    told = lines.select(
        version.alias("version"),
        F.get_json_object("value", "$.commitInfo.operation").alias("operation"),
        adds.alias("adds"),
        removes.alias("removes"),
        F.when(adds.isNotNull() | removes.isNotNull(), F.col("value")).alias("text"),
        F.get_json_object(F.get_json_object("value", "$.commitInfo.userMetadata"), "$.mode").alias("mode"),
        F.get_json_object("value", "$.txn.appId").alias("application"),
    )
    return _without_erasures([Line(*row) for row in told.where(F.col("version").between(after + 1, last)).collect()])


def _without_erasures(lines: list[Line]) -> list[Line]:
    """An erasure (`jobs/erase.py`) takes rows of subjects out of a source and of what was made of it: what it wrote
    anew holds nothing new. Not so where it wrote new files anew, with older ones perhaps, or what new ones were
    compacted to: which rows are new then is not known any more."""
    ours = {line.version for line in lines if line.application == delta_commit.APPLICATION}
    erasures = ours & {line.version for line in lines if line.mode == ERASURE and line.operation == "DELETE"}
    if not erasures:
        return lines
    new = _new_paths([line for line in lines if line.version not in erasures])
    return [
        line
        for line in lines
        if line.version not in erasures or (not line.adds and not (line.removes and _path(line, "remove") not in new))
    ]


def _new_paths(lines: Iterable[Line]) -> set[str]:
    """Of files that were gained, and of those that such ones were compacted to (OPTIMIZE)."""
    new: set[str] = set()
    commits = collections.defaultdict[int, list[Line]](list)
    for line in lines:
        commits[line.version].append(line)
    for _, commit in sorted(commits.items()):
        of_new = any(line.removes is not None and _path(line, "remove") in new for line in commit)
        new |= {_path(line, "add") for line in commit if line.adds or (line.adds is False and of_new)}
    return new


def _path(line: Line, what: str) -> str:
    return str(line.file(what)["path"])


def _check_grown(lines: Sequence[Line], after: int, last: int) -> None:
    for line in lines:
        if line.operation == "RESTORE":
            raise CannotGrow(f"its version {line.version} restored an older one (RESTORE): {HEALS}")
        if line.removes:
            told = f"its version {line.version} changed or deleted rows, so it no longer holds all that was treated"
            raise CannotGrow(f"{told}: {HEALS}")
    missing = {*range(after + 1, last + 1)} - {line.version for line in lines}
    if missing:
        raise CannotGrow(f"its log no longer holds version {min(missing)}, which is new: {HEALS}")


def rows_in(added: Iterable[Mapping[str, Any]]) -> int | None:
    """How many rows files hold, None where the log does not say it of one."""
    counts = [_count(file) for file in added]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _count(file: Mapping[str, Any]) -> int | None:
    try:
        count = json.loads(file.get("stats") or "{}").get("numRecords")
    except ValueError:
        return None
    deleted = (file.get("deletionVector") or {}).get("cardinality", 0)
    return None if count is None else int(count) - int(deleted)


def _check_there(spark: SparkSession, location: str, paths: Sequence[str]) -> None:
    """Files that were compacted since (OPTIMIZE) are read as they were added, so they must still be there."""
    for path in paths:
        file = hadoop_path(spark, source_files.absolute(location, path))
        if not file.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()).exists(file):
            raise CannotGrow(f"files that it gained since the last run were compacted and vacuumed away: {HEALS}")
