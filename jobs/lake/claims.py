"""Whose turn it is to make a version of a table in S3, where Delta keeps commits of one driver apart, and not of two.

Before its commit a driver makes a small object that is called like the version, under S3's own condition that there is
none of that name yet: of two drivers one gets it, and the other looks again. Once the version is there the object goes.
A driver that died in between is waited for, and then the next number of the name counts.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.lake import delta_commit
from jobs.lake.delta_commit import Changed, Transaction
from jobs.lake.java import hadoop_path, java_class

FOLDER = "{}_claims"
"""Beside the table's own: Delta makes no table in a folder in which something lies."""
CONDITION = "fs.option.create.conditional.overwrite"
"""Of Hadoop's S3A, from 3.4.2 on."""
UNKNOWN = re.compile("IllegalArgumentException|UnsupportedOperationException")
STORE = "spark.delta.logStore.{}.impl"
PATIENCE = 600.0
"""Seconds for which a driver that claimed a version is waited for."""
MOST = 100


def is_needed(spark: SparkSession, location: str) -> bool:
    """Whether two drivers could both be told that they made one version, as far as the settings tell."""
    scheme = location.partition(":")[0]
    return scheme in ("s3a", "s3") and not spark.conf.get(STORE.format(scheme), "")


def claim(begun: Transaction, version: int) -> str | None:
    """Claim a version; the name of the claim, None where this Hadoop has no such condition. Raises `Changed` where
    another driver has it."""
    who = str(uuid.uuid4())
    for attempt in range(MOST):
        name = f"{version:020}-{attempt:04}"
        path, files = _of(begun, name)
        try:
            _create(files, path, who)
            return name
        except Py4JError as error:
            if UNKNOWN.search(str(error)):
                return None
        told, age = _told(begun.spark, files, path)
        if told == who:  # S3 took it, and was asked again
            return name
        if age < PATIENCE:
            break
    raise Changed


def release(begun: Transaction, version: int, name: str | None) -> None:
    """Take a claim away if the version is there by now, by whomever; else it stands, since its commit may be on its
    way."""
    if name is None:
        return
    try:
        if delta_commit.commit_digest(begun.spark, begun.log, version) is not None:
            path, files = _of(begun, name)
            files.delete(path, False)
    except Py4JError:  # one that is left is of no account once the version is there
        return


def _create(files: Any, path: Any, who: str) -> None:
    stream = files.createFile(path).overwrite(False).must(CONDITION, True).build()
    try:
        stream.write(bytearray(who.encode()))
    finally:
        stream.close()


def _told(spark: SparkSession, files: Any, path: Any) -> tuple[str, float]:
    """Whose claim it is, and for how many seconds; one that is just gone is of nobody, and new."""
    try:
        age = time.time() - int(files.getFileStatus(path).getModificationTime()) / 1000
        stream = files.open(path)
        try:
            return bytes(java_class(spark._jvm, "org.apache.commons.io.IOUtils").toByteArray(stream)).decode(), age
        finally:
            stream.close()
    except Py4JError:
        return "", 0.0


def _of(begun: Transaction, name: str) -> tuple[Any, Any]:
    path = hadoop_path(begun.spark, FOLDER.format(begun.location.rstrip("/")), name)
    return path, path.getFileSystem(begun.log.newDeltaHadoopConf())
