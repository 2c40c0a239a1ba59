"""A look at a table as a commit will make it, while no reader sees it yet; and what is stated of it after that look."""

from __future__ import annotations

import contextlib
import json
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
    """Show the rows that the table will have to whom the transaction is to ask, if anyone, and then ask whoever is
    asked last. What that raises ends the commit, and the files that it would have added are taken away.

    actions: all that are to be committed. replaces_all: whether no file stays. Where others stay, the whole table
    counts as read: the answer is about all of it, so what others change meanwhile is a conflict.
    """
    if begun.asks is None and begun.at_last is None:
        return
    told = as_python(java(begun.spark), actions)
    try:
        if begun.asks is not None:
            begun.asks(rows_of(begun, [*added(told), *([] if replaces_all else _staying(begun, told))]))
        if begun.at_last is not None:
            begun.at_last()
    except BaseException:
        take_away(begun, told)
        raise


def state(begun: Transaction) -> None:
    """Put the properties to the commit that are known only now. Delta's own door to metadata is shut once rows are
    written, though these change nothing of how they are."""
    stated = {} if begun.states is None else begun.states()
    if not stated:
        return
    told = json.loads(begun.txn.metadata().json())["metaData"]
    after = {name: value for name, value in {**told["configuration"], **stated}.items() if value is not None}
    if after == told["configuration"]:
        return
    jvm = java(begun.spark)
    made = java_class(jvm, f"{DELTA}.actions.Action").fromJson(
        json.dumps({"metaData": {**told, "configuration": after}})
    )
    getattr(begun.txn, "newMetadata_$eq")(some(jvm, made))


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
    written = [action for action in told if "path" in action and action["path"] not in stays]
    for action in written:
        with contextlib.suppress(Exception):
            _delete(begun, action)
    _tidy(begun, written)


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
    _tidy(begun, files)


def _delete(begun: Transaction, file: File) -> bool:
    """Whether the file is gone."""
    place = _place(begun, file["path"])
    store = place.getFileSystem(begun.log.newDeltaHadoopConf())
    return bool(store.delete(place, False)) or not store.exists(place)


def _tidy(begun: Transaction, files: list[File]) -> None:
    """Take away the folders of partitions in which no file is left, since their names are values."""
    parts = [str(file["path"]).split("/")[:-1] for file in files]
    folders = {"/".join(each[:depth]) for each in parts for depth in range(1, len(each) + 1)}
    for folder in sorted(folders, key=lambda folder: folder.count("/"), reverse=True):
        with contextlib.suppress(Py4JError):  # where there are no folders, or one has other files
            place = _place(begun, folder)
            store = place.getFileSystem(begun.log.newDeltaHadoopConf())
            if not len(store.listStatus(place)):
                store.delete(place, False)


def _place(begun: Transaction, path: str) -> Any:
    """Below the table's folder, of a path as its log has it."""
    return hadoop_path(begun.spark, source_files.absolute(begun.location.rstrip("/"), path))
