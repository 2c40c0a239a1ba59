"""One Delta commit that puts treated rows in the place of those that changed, exactly as the target was inspected, or
nothing.

Files that hold such a row are written anew: with the rows of theirs that did not change, as they are, and without the
others. Delta's own MERGE would do the same, in a transaction that begins when it runs, so that what others committed
since the look would be changed unseen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.lake import delta_commit, file_places, grow, replace
from jobs.lake.active_session import active
from jobs.lake.changed import ENABLED
from jobs.lake.java import as_python
from jobs.lake.problems import CannotGrow
from jobs.lake.replace import Commit
from jobs.lake.state import TargetState
from privacy_udfs.errors import UnexpectedFailure

WATCHED = {
    ENABLED: "a change data feed, whose readers would take every row of a file that is written anew for a changed one",
    "delta.enableRowTracking": "row tracking, and rows that are copied into other files would get other ids",
}
"""Properties by which others follow the single rows of a table."""


@dataclasses.dataclass(frozen=True)
class Touched:
    """Files of the target that are to go. files: Delta's ``AddFile`` objects. rows: what they hold."""

    files: Sequence[Any]
    rows: DataFrame


def check(treated: DataFrame, state: TargetState, partition_by: tuple[str, ...]) -> None:
    """Raise `CannotGrow` where single rows of the target cannot be replaced. treated: of which the schema counts."""
    grow.check_made_alike(treated, state, partition_by)
    for name, why in WATCHED.items():
        if state.properties.get(name, "").lower() == "true":
            raise CannotGrow(f"{state.name} has {why}: switch {name} off, or use --mode full")


def rows_of(spark: SparkSession, state: TargetState) -> DataFrame:
    """The rows of the version that was inspected."""
    return state.address.read(spark, {"versionAsOf": str(state.version)})


def touched(spark: SparkSession, state: TargetState, places: Collection[str]) -> Touched:
    """The files at some places, as `file_places.FILE` has them. The whole table counts as read from here on, since a
    file that others add could hold any row."""
    begun = state.transaction
    assert begun is not None, "rows are changed in a transaction"
    with active(spark):
        begun.txn.readWholeTable()
        found = begun.txn.filterFiles()
        told = as_python(spark._jvm, found)
        wanted = set(map(file_places.of_row, places))
        at = [at for at, file in enumerate(told) if file_places.of_log(begun.location, file["path"]) in wanted]
        if len(at) != len(wanted):
            raise UnexpectedFailure("files of the target's rows are not those that its log has")
        rows = delta_commit.rows_of_files(spark, begun.log, begun.txn.snapshot(), [told[each] for each in at])
    return Touched([found.apply(each) for each in at], rows)


def change(spark: SparkSession, rows: DataFrame, state: TargetState, removed: Sequence[Any], expected: int) -> Commit:
    """Put rows in the place of files in one commit, if the target is still as inspected; else raise `CommitConflict`.

    expected: how many rows there are to be. The session holds the run's user metadata, as for `replace.replace`.
    """
    begun = state.transaction
    assert begun is not None, "rows are changed in a transaction"

    def run_metadata(written: int, files: int) -> str:
        if written != expected:
            raise UnexpectedFailure(f"{expected} rows were to be written, and {written} were")
        return replace.run_metadata(spark, replace.nobody_knows, written, files)

    with replace.conflicts_told(state):
        made = delta_commit.replace_files(begun, removed, rows, run_metadata)
    return Commit(made.version, made.rows, made.files)
