"""Tables of clear values: in a new folder that its owner alone can enter, with no statistics of values, in one commit.

They are made once and never written again; `remove` takes all of one away.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JError
from pydantic import ValidationError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.models import Target
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import places, replace, state, storage_jars
from jobs.lake.address import Address
from jobs.lake.delta_commit import Files
from jobs.lake.java import hadoop_path, java_class
from jobs.lake.replace import USER_METADATA
from jobs.lake.state import TargetState

MARK = "lakenym.reversal."
"""What properties of such a table begin with."""
RUN = f"{MARK}run"
MARKER = "_lakenym_reversal_run"
"""A file in such a folder that says whose it is, also where no table came of it. Delta passes over its name."""
UNSEEN = {"delta.dataSkippingNumIndexedCols": "0"}
"""Delta's log would hold the least and greatest values."""
OWNER_ALONE = "rwx------"


def looked(spark: SparkSession, path: str, apart_from: str) -> TargetState:
    """A place where such a table can be made. apart_from: the place of the treated table. Raises `Refused` where
    anything stands there, `SourceProblem` where it lies in another table."""
    try:
        target = Target(path=path)
    except ValidationError:
        raise BadUsage("--output: expected one place, a path without patterns") from None
    where = hadoop_path(spark, path)
    if where.getFileSystem(hadoop_conf(spark)).exists(where):
        raise Refused(f"{path} is there already: nothing is written over, choose a new place")
    found = state.inspect(spark, target)
    if found.version >= 0 or found.location is None:
        raise Refused(f"{path} is a table already: nothing is written over, choose a new place")
    if found.transaction is None:
        raise Refused(f"{path}: Delta's own transaction is out of reach here, and with it one commit")
    if not places.are_apart(spark, found.location, apart_from):
        raise Refused(f"{path} is the treated table, or one lies in the other: keep it apart")
    return found


def create(
    spark: SparkSession,
    stands: TargetState,
    rows: DataFrame,
    properties: Mapping[str, str],
    run_id: str,
    expected: int,
    files: Files | None = None,
) -> int:
    """Write the rows as a new table; returns the number of them. properties: behind `MARK`. expected: how many rows
    there are to be; with others nothing is committed. files: who writes them, where it is not Spark. After an error as
    little is left as can be: see `is_gone`."""
    location = str(stands.location)
    spark.conf.set(USER_METADATA, json.dumps({"run_id": run_id}))
    told = {**UNSEEN, RUN: run_id, **{f"{MARK}{name}": value for name, value in properties.items()}}
    comment = "Values in clear, turned back by jobs/reidentify.py; see the properties lakenym.reversal."
    try:
        closed(spark, location, run_id)
        target = Target(path=stands.address.path)
        made = replace.replace(spark, rows, target, stands, told, comment, run_id, files, lambda: expected)
    except BaseException:
        with contextlib.suppress(Py4JError, PySparkException):
            undo(spark, location, run_id)
        raise
    return made.rows


def renewed(spark: SparkSession, stands: TargetState) -> TargetState:
    """The place with a transaction that nothing was done in yet; raises where it has changed since it was looked at."""
    return replace.renewed(spark, stands, Target(path=stands.address.path))


def location(spark: SparkSession, path: str) -> str:
    """The place as a URI, as `looked` finds it."""
    where = hadoop_path(spark, path)
    return str(where.getFileSystem(hadoop_conf(spark)).makeQualified(where).toString())


def check_reached(spark: SparkSession, place: str) -> None:
    """Raise `NoStorage` where Spark has no file system for such a place."""
    try:
        hadoop_path(spark, place).getFileSystem(hadoop_conf(spark))
    except Py4JError as error:
        told = storage_jars.told(error)
        if told is not None:
            raise storage_jars.NoStorage(f"{place}: {told}") from None


def is_gone(spark: SparkSession, place: str) -> bool:
    """Whether nothing is at a place; False also where that cannot be seen."""
    try:
        where = hadoop_path(spark, place)
        return not where.getFileSystem(hadoop_conf(spark)).exists(where)
    except (Py4JError, PySparkException, OSError):
        return False


def run_of(spark: SparkSession, place: str) -> str | None:
    """The run that left what is there: by the table's own property, or by the marker where it is no table. None where
    neither tells."""
    address = Address(path=place)
    if address.exists(spark):
        return address.properties(spark).get(RUN)
    where = hadoop_path(spark, place, MARKER)
    try:
        file = where.getFileSystem(hadoop_conf(spark)).open(where)
        try:
            return str(file.readUTF())
        finally:
            file.close()
    except Py4JError:
        return None


def remove(spark: SparkSession, place: str, run_id: str) -> bool:
    """Take away what a run left there, also where it was killed half-way; False where nothing is there. Raises
    `Refused` where it is another run's, or nobody can tell whose."""
    where = hadoop_path(spark, place)
    if not where.getFileSystem(hadoop_conf(spark)).exists(where):
        return False
    if run_of(spark, place) != run_id:
        raise Refused(f"{place} is not what run {run_id} left there: nothing was removed")
    _delete(spark, place)
    return True


def closed(spark: SparkSession, place: str, run_id: str) -> None:
    """Make the folder, for its owner alone, where the store knows owners, and mark it; before any value is in it."""
    files = make_folder(spark, place)
    file = files.create(hadoop_path(spark, place, MARKER), False)
    try:
        file.writeUTF(run_id)
    finally:
        file.close()


def make_folder(spark: SparkSession, place: str) -> Any:
    """Make a folder for its owner alone, where the store knows owners. Returns its file system."""
    where = hadoop_path(spark, place)
    files = where.getFileSystem(hadoop_conf(spark))
    mode = java_class(spark._jvm, "org.apache.hadoop.fs.permission.FsPermission").valueOf(f"d{OWNER_ALONE}")
    files.mkdirs(where, mode)
    files.setPermission(where, mode)
    return files


def undo(spark: SparkSession, place: str, run_id: str) -> None:
    """Take away what a run that fails has made there, and nothing of another run or program that was faster: not its
    table, and not the files of one in the making."""
    if Address(path=place).exists(spark):
        return
    if run_of(spark, place) == run_id:
        _delete(spark, place)
        return
    where = hadoop_path(spark, place)
    where.getFileSystem(hadoop_conf(spark)).delete(where, False)  # an empty folder; of others it is refused


def _delete(spark: SparkSession, place: str) -> None:
    """The marker goes last: what is left of half a deletion still says whose it is."""
    where = hadoop_path(spark, place)
    files = where.getFileSystem(hadoop_conf(spark))
    for each in files.listStatus(where) if files.exists(where) else ():
        if each.getPath().getName() != MARKER:
            files.delete(each.getPath(), True)
    files.delete(where, True)


def hadoop_conf(spark: SparkSession) -> Any:
    """Of this session."""
    return spark._jsparkSession.sessionState().newHadoopConf()
