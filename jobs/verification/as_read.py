"""The source as the runs that made a table read it: at the version that the newest one names; where runs replaced
partitions, each partition at the version of the run that wrote it last; a folder of files up to where the run stopped.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.lake import partition_runs, position, read
from jobs.lake.chosen import KEPT_AS_NULL
from jobs.lake.columns import column
from jobs.lake.history import APPENDS
from jobs.lake.log_commits import Commit
from jobs.lake.position import FolderPosition
from jobs.lake.problems import SourceProblem
from jobs.lake.read import SourceRows
from jobs.verification.standing import Standing

VERSION = "lakenym source version"
MOST_VERSIONS = 50
TRAVELS = ("versionAsOf", "timestampAsOf")


class NotAsRead(SourceProblem):
    """A source that can be read, but no longer as the run read it."""


@dataclasses.dataclass(frozen=True)
class AsRead:
    """rows: of the source. is_same: whether it is known that the runs read the very same. why: where it is not, and is
    known to be so."""

    rows: SourceRows
    is_same: bool
    why: str = ""


def source_of(table: Standing) -> AsRead:
    """The source as the table's runs read it, else, where that version is gone, as it is now. Raises
    `SourceProblem`."""
    try:
        return _at_the_time(table)
    except SourceProblem as error:
        if table.source_version is None and not isinstance(error, NotAsRead):
            raise
        return as_it_is_now(table, str(error).partition("\n")[0])


def as_it_is_now(table: Standing, why: str) -> AsRead:
    """The source without a version of it. Raises `SourceProblem`."""
    return AsRead(read.rows_of(table.spark, _entry_source(table)), is_same=False, why=f"not as the run read it: {why}")


def _at_the_time(table: Standing) -> AsRead:
    source = _entry_source(table)
    if table.mode == "partitions":
        return AsRead(_by_partitions(table, source), is_same=True)
    stopped = None if table.last is None else position.from_json(table.last.run.get("source_position"))
    if isinstance(stopped, FolderPosition):
        rows = read.rows_of(table.spark, source, grows=True, end=stopped)
        now = rows.position
        same = isinstance(now, FolderPosition) and dataclasses.replace(now, read_as=stopped.read_as) == stopped
        return AsRead(rows, same)
    rows = read.rows_of(table.spark, _pinned(source, table.source_version))
    return AsRead(rows, rows.version is not None)


def _entry_source(table: Standing) -> Source:
    assert table.entry is not None
    return table.entry.source


def _pinned(source: Source, version: int | None) -> Source:
    if version is None:
        return source
    options = {name: value for name, value in source.options.items() if name not in TRAVELS}
    return source.model_copy(update={"options": {**options, "versionAsOf": str(version)}})


# -- partitions -------------------------------------------------------------------------------------------------------


def _by_partitions(table: Standing, source: Source) -> SourceRows:
    """Each partition at the version of the source that the run read that wrote it last."""
    base, runs = _runs(table)
    fields = partition_fields(table)
    asked = {at: _version(commit) for at, commit in runs.items()}
    if len(set(asked.values())) > MOST_VERSIONS:
        raise NotAsRead(f"its partitions are of more than {MOST_VERSIONS} versions of the source")
    written = partition_runs.newest(table.spark, str(table.state.location), fields, sorted(runs), table.state.version)
    by_run = F.create_map(*(F.lit(each) for pair in asked.items() for each in pair))
    written = written.withColumn(VERSION, by_run[F.col(f"`{partition_runs.NEWEST}`")]).localCheckpoint()
    versions = {row[VERSION] for row in written.select(f"`{VERSION}`").distinct().collect()}
    first = read.rows_of(table.spark, _pinned(source, _version(base)))
    parts = [_joined(first.rows, written, fields, "left_anti")]
    for version in sorted(versions):
        rows = read.rows_of(table.spark, _pinned(source, version)).rows
        if rows.schema != first.rows.schema:
            raise NotAsRead("its columns were others when other partitions of it were read")
        parts.append(_joined(rows, written.where(F.col(f"`{VERSION}`") == version), fields, "left_semi"))
    rows = functools.reduce(DataFrame.unionAll, parts)
    return dataclasses.replace(first, rows=rows, version=table.source_version, count=None)


def _runs(table: Standing) -> tuple[Commit, Mapping[int, Commit]]:
    """The newest run that wrote all rows, and those after it, by version. Raises `NotAsRead`."""
    history = table.state.history
    ours = [commit for commit in history.commits if commit.version in history.ours]
    at = max((n for n, commit in enumerate(ours) if commit.operation != APPENDS), default=None)
    if at is None:
        raise NotAsRead("the log has no run any more that wrote all rows")
    later = ours[at + 1 :]
    if ours[at].run.get("mode") == "partitions" or any(commit.run.get("mode") != "partitions" for commit in later):
        raise NotAsRead("runs of several modes wrote it")
    return ours[at], {commit.version: commit for commit in later}


def _version(commit: Commit) -> int:
    version = commit.run.get("source_version")
    if not isinstance(version, int):
        raise NotAsRead("partitions were written at different times, and the source has no versions")
    return version


def partition_fields(table: Standing) -> list[T.StructField]:
    """The columns by which the table is partitioned."""
    assert table.entry is not None
    return [table.rows.schema[name] for name in table.entry.target.partition_by]


def partition_columns(fields: Sequence[T.StructField]) -> list[Column]:
    """As Delta keeps them: the name of the folder for null is null."""
    text = (T.StringType, T.CharType, T.VarcharType)
    return [
        F.when(~column(field.name).isin(*KEPT_AS_NULL), column(field.name)).alias(field.name)
        if isinstance(field.dataType, text)
        else column(field.name)
        for field in fields
    ]


def _joined(rows: DataFrame, written: DataFrame, fields: Sequence[T.StructField], how: str) -> DataFrame:
    known = written.toDF(*(f"lakenym {at}" for at in range(len(written.columns))))
    pairs = zip(partition_columns(fields), known.columns, strict=False)
    same = [mine.eqNullSafe(F.col(f"`{its}`")) for mine, its in pairs]
    return rows.join(F.broadcast(known), functools.reduce(operator.and_, same), how)
