"""A look at a table as a commit will make it, while no reader sees it yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame

from jobs.lake import source_files
from jobs.lake.delta_commit.files import rows_of_files
from jobs.lake.delta_commit.scala import DELTA, java, java_class, none, some
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.java import as_python, hadoop_path
from privacy_udfs.errors import UnexpectedFailure

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
        begun.asks(rows_of(begun, [*added(told), *([] if replaces_all else _staying(begun, told))]))
    except BaseException:
        take_away(begun, told)
        raise


def rows_of(begun: Transaction, files: list[File]) -> DataFrame:
    """The rows of files, as readers will have them: by the metadata that the commit states."""
    jvm, log, txn = java(begun.spark), begun.log, begun.txn
    made = java_class(jvm, f"{DELTA}.DummySnapshot")
    snapshot = made(log.logPath(), log, txn.metadata(), none(jvm), some(jvm, txn.protocol()))
    return rows_of_files(begun.spark, log, snapshot, files)


def added(told: list[File]) -> Iterator[File]:
    """Of actions those that add a file."""
    return (action for action in told if is_added(action))


def is_added(action: File) -> bool:
    return "modificationTime" in action


def _staying(begun: Transaction, told: list[File]) -> Iterator[File]:
    """The files that the table has, and that no action removes."""
    if begun.version < 0:
        return
    begun.txn.readWholeTable()
    removed = {action["path"] for action in told if "deletionTimestamp" in action}
    for file in as_python(java(begun.spark), begun.txn.filterFiles()):
        if file["path"] not in removed:
            yield file


def take_away(begun: Transaction, told: list[File]) -> None:
    """What was written and will not be committed. What cannot be deleted is no part of the table: VACUUM takes it."""
    stays = {action["path"] for action in told if "deletionTimestamp" in action}
    for action in told:
        if "path" in action and action["path"] not in stays:
            with contextlib.suppress(Exception):
                _delete(begun, action)


def delete(begun: Transaction, files: list[File]) -> None:
    """Files that will not be committed, and must not stay. Raises `UnexpectedFailure`."""
    try:
        gone = all(_delete(begun, file) for file in files)
    except Py4JError:
        gone = False
    if not gone:
        raise UnexpectedFailure(
            "files that hold rows which are left out cannot be deleted from the target's folder; nothing was committed"
        )


def _delete(begun: Transaction, file: File) -> bool:
    """Whether the file is gone. With it goes the folder of a partition that has no other, since its name is a value."""
    root = begun.location.rstrip("/")
    place = hadoop_path(begun.spark, source_files.absolute(root, file["path"]))
    store = place.getFileSystem(begun.log.newDeltaHadoopConf())
    if not store.delete(place, False) and store.exists(place):
        return False
    with contextlib.suppress(Py4JError):  # where there are no folders, or another file came
        for _ in range(str(file["path"]).count("/")):
            place = place.getParent()
            if place.depth() <= hadoop_path(begun.spark, root).depth() or list(store.listStatus(place)):
                break
            store.delete(place, False)
    return True
