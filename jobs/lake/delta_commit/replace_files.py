"""The commit that puts rows in the place of some files of a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pyspark.sql import DataFrame

from jobs.lake.active_session import active
from jobs.lake.delta_commit import before_commit, partitions
from jobs.lake.delta_commit.append_rows import added, committed
from jobs.lake.delta_commit.files import Files, measure_removed
from jobs.lake.delta_commit.marks import APPLICATION, BESIDE, Written, check_place, marked
from jobs.lake.delta_commit.scala import java, seq
from jobs.lake.delta_commit.transaction import Transaction

UNTOLD = "not told, since it may hold values"
"""What the table's history says in the place of a predicate."""


def whoever() -> bool:
    """Others may be at work beside it."""
    return False


def replace_files(
    begun: Transaction,
    removed: Sequence[Any],
    rows: DataFrame,
    run_metadata: Callable[[int, int], str],
    files: Files | None = None,
    where: str | None = None,
    alone: Callable[[], bool] = whoever,
) -> Written:
    """Write the rows, and commit them together with the removal of files. Arguments and errors as of `replace`.

    removed: Delta's ``AddFile`` objects of the transaction's version. rows: of the table's own schema; its record,
    properties and columns stay. The files count as read, so that a commit by which others changed or removed one of
    them is a conflict. What else counts as read, so that what others add to it is one too, is for the caller to say
    before: by `partitions.files_where`, or ``filterFiles()`` or ``readWholeTable()`` of the transaction.

    where: a predicate over partition columns, that all files which are added must lie in. Given one, a run of ours that
    replaced other partitions in between is none, unless one of the two must be ``alone``, which is known when the rows
    are; without it any run of ours is. Raises `UnexpectedFailure` where a file lies elsewhere.
    """

    def application() -> str:
        return APPLICATION if where is None or alone() else BESIDE

    with marked(begun.spark, begun.version, application()), active(begun.spark):
        check_place(begun, application())
        begun.txn.trackFilesRead(seq(java(begun.spark), removed))
        actions, tags = added(begun, rows, files, application)
        if where is not None:
            partitions.check_inside(begun, actions, where)
        measure_removed(begun, [int(file.size()) for file in removed])
        actions = actions.appendedAll(removals(begun, removed))
        before_commit.look(begun, actions)
        before_commit.state(begun)
        check_place(begun, application())
        return committed(begun, actions, tags, "Overwrite", run_metadata, UNTOLD)


def removals(begun: Transaction, files: Sequence[Any]) -> Any:
    """The actions that take files out of the table."""
    now = int(time.time() * 1000)
    return seq(java(begun.spark), [file.removeWithTimestamp(now, True) for file in files])
