"""Which file systems Arrow reaches, and with whose settings: as Spark's, or the path is not columnar."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pyarrow.fs as pafs
from pyspark.sql import SparkSession

from jobs.columnar.unfit import NotColumnar


@dataclasses.dataclass(frozen=True)
class Access:
    """How tasks open files. It can be pickled, and shows no secret."""

    def open(self, uri: str) -> tuple[pafs.FileSystem, str]:
        """The file system of a URI, and the path of the file in it."""
        return pafs.LocalFileSystem(), uri.removeprefix("file:").replace("//", "/", 1)


def access(spark: SparkSession, uris: Iterable[str]) -> Access:
    """Access to places by their URIs. Raises `NotColumnar` where one is of a file system that Arrow does not reach, or
    not by the settings that Spark has for it."""
    for uri in uris:
        scheme = uri.partition(":")[0]
        if scheme != "file":
            raise NotColumnar(f"files of {scheme}: are read by Spark only")
    return Access()
