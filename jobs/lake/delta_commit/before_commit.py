"""A look at a table as a commit will make it, while no reader sees it yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame

from jobs.lake import source_files
from jobs.lake.delta_commit.files import rows_of_files
from jobs.lake.delta_commit.scala import DELTA, java, java_class, none, some
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.java import as_python, hadoop_path

File = Mapping[str, Any]


def look(begun: Transaction, actions: Any, replaces_all: bool = False) -> None:
    """Show the rows that the table will have to whom the transaction is to ask, if anyone. What that raises ends the
    commit, and the files that it would have added are taken away.

    actions: all that are to be committed. replaces_all: whether no file stays. Where others stay, the whole table
    counts as read: the answer is about all of it, so what others change meanwhile is a conflict.
    """
    if begun.asks is None:
        return
    told = as_python(java(begun.spark), actions)
    try:
        begun.asks(_rows(begun, [*_added(told), *([] if replaces_all else _staying(begun, told))]))
    except BaseException:
        _take_away(begun, told)
        raise


def _rows(begun: Transaction, files: list[File]) -> DataFrame:
    """As readers will have them: by the metadata that the commit states."""
    jvm, log, txn = java(begun.spark), begun.log, begun.txn
    made = java_class(jvm, f"{DELTA}.DummySnapshot")
    snapshot = made(log.logPath(), log, txn.metadata(), none(jvm), some(jvm, txn.protocol()))
    return rows_of_files(begun.spark, log, snapshot, files)


def _added(told: list[File]) -> Iterator[File]:
    return (action for action in told if "modificationTime" in action)


def _staying(begun: Transaction, told: list[File]) -> Iterator[File]:
    """The files that the table has, and that no action removes."""
    if begun.version < 0:
        return
    begun.txn.readWholeTable()
    removed = {action["path"] for action in told if "deletionTimestamp" in action}
    for file in as_python(java(begun.spark), begun.txn.filterFiles()):
        if file["path"] not in removed:
            yield file


def _take_away(begun: Transaction, told: list[File]) -> None:
    """What was written and will not be committed. What cannot be deleted is no part of the table: VACUUM takes it."""
    stays = {action["path"] for action in told if "deletionTimestamp" in action}
    for action in told:
        if "path" in action and action["path"] not in stays:
            place = hadoop_path(begun.spark, source_files.absolute(begun.location.rstrip("/"), action["path"]))
            with contextlib.suppress(Exception):
                place.getFileSystem(begun.log.newDeltaHadoopConf()).delete(place, False)
