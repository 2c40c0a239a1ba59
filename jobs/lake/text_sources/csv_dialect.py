"""How CSV files are written that somebody just brought along: separator, encoding, folders with values in their names.

By the first lines of one file. Guesses are for a draft that a person reads, never for a run; values stay here.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import dataclasses
import io
import re
import zlib
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake.java import hadoop_path

FIRST_BYTES = 65_536
FIRST_LINES = 50
SEPARATORS = {",": ",", ";": ";", "\t": "\\t", "|": "|"}
"""What may stand between two fields, and how the option is written."""
OTHERWISE = "windows-1252"
"""The encoding of files that are not UTF-8: what spreadsheets of Western Europe write."""
_NAMED = re.compile(r"[\w-]+=")


@dataclasses.dataclass(frozen=True)
class Guess:
    """source: with options and schema. notes: what a person should know of it."""

    source: Source
    notes: tuple[str, ...] = ()


def dialect(spark: SparkSession, source: Source) -> Guess:
    """The source with the options by which its first lines make a table."""
    text, encoding = _beginning(spark, str(source.path))
    options = dict(source.options)
    if encoding is not None:
        options["encoding"] = encoding
    separator = _separator(text)
    if separator != ",":
        options["sep"] = SEPARATORS[separator]
    notes = (f"its bytes are no UTF-8, so it is read as {encoding}: see whether accents are right",) if encoding else ()
    return Guess(source.model_copy(update={"options": options}), notes)


def _separator(text: str) -> str:
    """The sign that cuts the first lines into as many fields each, and most."""
    lines = io.StringIO(text).readlines()[: FIRST_LINES + 1]
    sample = "".join(lines[:FIRST_LINES])
    best, most = ",", 1
    for sign in SEPARATORS:
        try:
            counts = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=sign, strict=True) if row]
        except csv.Error:
            continue
        if counts and len(set(counts)) == 1 and counts[0] > most:
            best, most = sign, counts[0]
    return best


def _beginning(spark: SparkSession, path: str) -> tuple[str, str | None]:
    """The first whole lines of one file, and the encoding if it is not UTF-8."""
    content = _first_bytes(spark, path)
    try:
        text, encoding = codecs.getincrementaldecoder("utf-8-sig")().decode(content), None
    except UnicodeDecodeError:
        text, encoding = content.decode("cp1252", "replace"), OTHERWISE
    return (text.rpartition("\n")[0] or text) if len(content) >= FIRST_BYTES else text, encoding


def _first_bytes(spark: SparkSession, path: str) -> bytes:
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


def partition_columns(spark: SparkSession, source: Source) -> list[str]:
    """The names that folders have on the way to the files: ``day`` of ``day=2026-11-30``."""
    at, found = hadoop_path(spark, str(source.path)), list[str]()
    files = at.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    while files.getFileStatus(at).isDirectory():
        inner = [each.getPath() for each in files.listStatus(at) if _NAMED.match(each.getPath().getName())]
        if not inner:
            break
        at = inner[0]
        found.append(str(at.getName()).partition("=")[0])
    return found
