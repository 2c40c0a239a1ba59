"""The beginning of a table's files of text, unpacked: enough to see how they are written. Values stay here."""

from __future__ import annotations

import bz2
import zlib
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.lake.java import hadoop_path

FIRST_BYTES = 65_536


def of(spark: SparkSession, path: str) -> bytes:
    """Of the first file, as names go, that is at ``path`` or below; nothing where there is none."""
    jvm: Any = spark._jvm
    files = hadoop_path(spark, path).getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    at = hadoop_path(spark, path)
    while files.getFileStatus(at).isDirectory():
        listed = sorted(files.listStatus(at), key=lambda status: str(status.getPath().getName()))
        shown = [each.getPath() for each in listed if each.getPath().getName()[0] not in "_."]
        if not shown:
            return b""
        at = shown[0]
    stream = files.open(at)
    try:
        content = bytes(stream.readNBytes(FIRST_BYTES))
    except (Py4JError, TypeError):
        content = bytes(jvm.org.apache.commons.io.IOUtils.toByteArray(stream, FIRST_BYTES))
    finally:
        stream.close()
    return _unpacked(content)


def _unpacked(content: bytes) -> bytes:
    """The beginning of what was compressed, as far as it is here."""
    if content[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(content, FIRST_BYTES)
    return bz2.BZ2Decompressor().decompress(content, FIRST_BYTES) if content[:3] == b"BZh" else content
