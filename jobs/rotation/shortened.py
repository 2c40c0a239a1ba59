"""Whether a table that is treated anew from its source would lose rows: by what its history says of how they came in,
and by what the source tells of those that it had then."""

from __future__ import annotations

import dataclasses

from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.gates.known import Prepared
from jobs.lake import folder_files, gained, position, read
from jobs.lake.history import REQUEUE, ROTATION, History
from jobs.lake.log_commits import Commit
from jobs.lake.position import DeltaPosition, FolderPosition, Position, read_as
from jobs.lake.problems import HEALS, CannotGrow, SourceProblem
from jobs.lake.read import SourceRows
from jobs.record.record_reader import rows_of
from jobs.rotation.scope import Table

MIRRORS = ("full", "changes")
"""Modes of entries whose tables are to lose what their source loses."""
FLAG = "--accept-shorter-source"
NOT_TOLD = "its history does not tell any more, for all of its rows, where in the source they were"


@dataclasses.dataclass(frozen=True)
class Came:
    """How a table's rows came in. mirrors: all were the source's at one time, and nothing was added to them since.
    at: a place in the source where it had all of them; None where nobody knows. in_parts: whether some were replaced
    in the place of others since that place."""

    mirrors: bool = False
    at: Position | None = None
    in_parts: bool = True


def check(spark: SparkSession, table: Table, run: Prepared, accepted: bool) -> None:
    """Raise `SourceProblem` where rows that were treated may be in the source no more. accepted: somebody took the
    responsibility for that."""
    came = of(table.stands.history)
    if accepted or (came.mirrors and table.entry.mode in MIRRORS):
        return
    why = _why_not(spark, table, run, came)
    if why is not None:
        raise SourceProblem(
            f"{table.stands.name} would lose rows that its source has no more, or nobody can tell that it would not: "
            f"{why}. Move it from itself where that can be (--mode table, --mode layer), or put the rows back into the "
            f"source; with {FLAG} the table loses them"
        )


def _why_not(spark: SparkSession, table: Table, run: Prepared, came: Came) -> str | None:
    if rows_of(table.stands.properties) != table.entry.rows:
        return "other rows of the source would be read by now (rows)"
    if came.at is None:
        return NOT_TOLD
    try:
        _check_grown(spark, table.entry.source, run.source, came.at)
    except CannotGrow as error:
        return str(error).removesuffix(f": {HEALS}")
    return None


def _check_grown(spark: SparkSession, source: Source, now: SourceRows, at: Position) -> None:
    """Raise `CannotGrow` where a source that is read as ``now`` says may lack rows that it had then."""
    if isinstance(at, DeltaPosition) and now.version is not None:
        held = source.model_copy(update={"options": {"versionAsOf": str(now.version)}})
        gained.check_grown(read.rows_of(spark, held).rows, at)
    elif isinstance(at, FolderPosition) and read_as(source, now.rows.schema.jsonValue()) == at.read_as:
        folder_files.since(spark, source, at)
    else:
        raise CannotGrow(f"it is no longer what was read then, or is read otherwise: {HEALS}")


def of(history: History) -> Came:
    """By all commits that the log still has."""
    came, until = Came(), dict[str, Came]()
    for commit in history.commits:
        if commit.operation == "RESTORE":
            came = until.get(commit.parameters.get("version") or "", Came())
        elif commit.version in history.ours:
            came = _after(came, commit)
        until[str(commit.version)] = came
    return came


def _after(came: Came, commit: Commit) -> Came:
    mode, at = commit.run.get("mode"), position.from_json(commit.run.get("source_position"))
    if mode == "full":
        return Came(True, at, in_parts=False)
    if mode in (REQUEUE, ROTATION):
        return came
    if mode == "partitions":
        return dataclasses.replace(came, mirrors=False, in_parts=True)
    if mode in ("incremental", "changes"):  # such a run has seen for itself that what was treated before is there
        mirrors = came.mirrors and mode == "changes"
        return dataclasses.replace(came, mirrors=mirrors, at=came.at if came.in_parts else at)
    return Came()
