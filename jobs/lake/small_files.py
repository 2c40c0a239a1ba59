"""Small files in a folder of any file system, by Hadoop: written once, never changed, read whole."""

from __future__ import annotations

import re
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.lake import storage_jars
from jobs.lake.java import hadoop_path, java_class, kind_of

LONGEST = 1 << 20
NOT_THERE = re.compile("FileNotFoundException")


class CannotStore(Exception):
    """A file cannot be written or read. Says which, and what kind of error it was."""


def _why(error: Py4JError) -> str:
    return f": {storage_jars.told(error) or kind_of(error)}"


def names(spark: SparkSession, folder: str) -> list[str]:
    """The files of a folder, sorted; none where there is no folder. Raises `CannotStore`."""
    try:
        path, files = _of(spark, folder)
        return sorted(str(status.getPath().getName()) for status in files.listStatus(path) if status.isFile())
    except Py4JError as error:
        if NOT_THERE.search(kind_of(error)):
            return []
        raise CannotStore(f"{folder} cannot be listed{_why(error)}") from None


def read(spark: SparkSession, folder: str, name: str) -> str:
    """A file's text. Raises `CannotStore`, for one that is longer than a megabyte too."""
    try:
        path, files = _of(spark, folder, name)
        if int(files.getFileStatus(path).getLen()) > LONGEST:
            raise CannotStore(f"{name} in {folder} is longer than a file of its kind can be")
        stream = files.open(path)
        try:
            content = java_class(spark._jvm, "org.apache.commons.io.IOUtils").toByteArray(stream)
        finally:
            stream.close()
        return bytes(content).decode(errors="replace")
    except Py4JError as error:
        raise CannotStore(f"{name} in {folder} cannot be read{_why(error)}") from None


def create(spark: SparkSession, folder: str, name: str, text: str) -> None:
    """Write a new file; one that is there with the same text is left as it is. Raises `CannotStore`."""
    try:
        path, files = _of(spark, folder, name)
        if not files.exists(path):
            stream = files.create(path, False)
            try:
                stream.write(bytearray(text.encode()))
            finally:
                stream.close()
            return
    except Py4JError as error:
        raise CannotStore(f"{name} cannot be written to {folder}{_why(error)}") from None
    if read(spark, folder, name) != text:
        raise CannotStore(f"{name} in {folder} is there already, and says something else")


def remove(spark: SparkSession, folder: str, name: str) -> None:
    """Take a file away, if it is there. Raises `CannotStore`."""
    try:
        path, files = _of(spark, folder, name)
        files.delete(path, False)
    except Py4JError as error:
        raise CannotStore(f"{name} in {folder} cannot be taken away ({kind_of(error)})") from None


def _of(spark: SparkSession, *names: str) -> tuple[Any, Any]:
    """A path and its file system."""
    path = hadoop_path(spark, *names)
    return path, path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
