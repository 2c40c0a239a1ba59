"""How CSV files are written that somebody just brought along: separator, encoding, folders with values in their names.

By the first lines of one file. Guesses are for a draft that a person reads, never for a run; values stay here.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import re

from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake.java import hadoop_path
from jobs.lake.text_sources import first_bytes
from jobs.lake.text_sources.first_bytes import FIRST_BYTES

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
    """The source with the options by which its first lines make a table; those that it states stay."""
    text, encoding = _beginning(spark, str(source.path))
    options = dict(source.options)
    if encoding is not None:
        options.setdefault("encoding", encoding)
    separator = _separator(text)
    if separator != ",":
        options.setdefault("sep", SEPARATORS[separator])
    guessed = encoding is not None and "encoding" not in source.options
    notes = (f"its bytes are no UTF-8, so it is read as {encoding}: see whether accents are right",) if guessed else ()
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
    content = first_bytes.of(spark, path)
    try:
        text, encoding = codecs.getincrementaldecoder("utf-8-sig")().decode(content), None
    except UnicodeDecodeError:
        text, encoding = content.decode("cp1252", "replace"), OTHERWISE
    return (text.rpartition("\n")[0] or text) if len(content) >= FIRST_BYTES else text, encoding


def partition_columns(spark: SparkSession, source: Source) -> list[str]:
    """The names that folders have on the way to the files: ``day`` of ``day=2026-11-30``; none of a pattern."""
    if set(str(source.path)) & set("*?[{"):
        return []
    at, found = hadoop_path(spark, str(source.path)), list[str]()
    files = at.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    while files.getFileStatus(at).isDirectory():
        inner = [each.getPath() for each in files.listStatus(at) if _NAMED.match(each.getPath().getName())]
        if not inner:
            break
        at = inner[0]
        found.append(str(at.getName()).partition("=")[0])
    return found
