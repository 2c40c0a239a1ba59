"""How CSV files are written that somebody just brought along: separator, encoding, and a type for each column.

Guesses are for a draft that a person reads, never for a run. Types are those that change no value: numbers with leading
zeros stay text, and what looks like a code does. What comes back are counts and lengths; values stay where they are.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import re
import zlib
from collections.abc import Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.lake.java import hadoop_path
from jobs.lake.sql import quoted

FIRST_BYTES = 65_536
FIRST_LINES = 50
SEPARATORS = {",": ",", ";": ";", "\t": "\\t", "|": "|"}
"""What may stand between two fields, and how the option is written."""
OTHERWISE = "windows-1252"
"""The encoding of files that are not UTF-8: what spreadsheets of Western Europe write."""
DATES: dict[str, str] = {
    "yyyy-MM-dd": r"^\d{4}-\d{2}-\d{2}$",
    "dd.MM.yyyy": r"^\d{2}\.\d{2}\.\d{4}$",
    "d.M.yyyy": r"^\d{1,2}\.\d{1,2}\.\d{4}$",
    "dd/MM/yyyy": r"^\d{2}/\d{2}/\d{4}$",
    "MM/dd/yyyy": r"^\d{2}/\d{2}/\d{4}$",
    "yyyy/MM/dd": r"^\d{4}/\d{2}/\d{2}$",
}
ISO = "yyyy-MM-dd"
LOOK_ALIKE = {"dd/MM/yyyy": "MM/dd/yyyy", "MM/dd/yyyy": "dd/MM/yyyy"}
WHOLE, FRACTION = r"^(0|-?[1-9][0-9]{0,17})$", r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$"
CODE_LENGTH = 5
"""Whole numbers that all have so many digits or more, one as many as the other, are codes: postal codes, accounts."""
MONEY, DOUBLE_DIGITS = 4, 15
"""Digits after the point up to which numbers are decimals; digits that a double holds exactly."""


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
    return zlib.decompressobj(31).decompress(content, FIRST_BYTES) if content[:2] == b"\x1f\x8b" else content


@dataclasses.dataclass(frozen=True)
class _Seen:
    """Counts of the values of one column that are not null."""

    values: int
    whole: int
    fraction: int
    truth: int
    moment: int
    dates: dict[str, int]
    shortest: int
    longest: int
    scale: int
    digits: int

    def of_dates(self) -> list[str]:
        """The formats that all values have, none that leaves open which part is the month."""
        fitting = [form for form, count in self.dates.items() if count == self.values]
        return [form for form in fitting if LOOK_ALIKE.get(form) not in fitting]

    def is_open(self) -> bool:
        """Whether they are days, and nobody can say which number is the month."""
        return not self.of_dates() and any(count == self.values for count in self.dates.values())

    def type(self, form: str) -> str:
        """form: the one format of dates that the file is read by."""
        if not self.values:
            return "string"
        if self.dates.get(form) == self.values and form in self.of_dates():
            return "date"
        if self.moment == self.values:
            return "timestamp"
        if self.truth == self.values:
            return "boolean"
        if self.whole == self.values:
            return "string" if self.shortest == self.longest >= CODE_LENGTH else "bigint"
        if self.fraction == self.values:
            return self._fractional()
        return "string"

    def _fractional(self) -> str:
        if self.scale <= MONEY:
            return f"decimal({min(38, self.digits + self.scale)},{self.scale})"
        return "double" if self.digits + self.scale <= DOUBLE_DIGITS else "string"


def schema(source: Source, rows: DataFrame, partitions: Sequence[str] = ()) -> Guess:
    """The source with types for its columns, by all of its rows. rows: read as text. partitions: columns that are
    folders, whose types are stated elsewhere."""
    names = [field.name for field in rows.schema.fields if field.name not in partitions]
    seen = _look(rows, names)
    forms = [form for each in seen if each.values for form in each.of_dates()[:1]]
    form = max(forms, key=lambda each: (forms.count(each), each == ISO)) if forms else ISO
    types = [each.type(form) for each in seen]
    declared = ", ".join(f"{quoted(name)} {kind}" for name, kind in zip(names, types, strict=True))
    options = {**source.options, **({"dateFormat": form} if form != ISO and "date" in types else {})}
    notes = [f"{name}: its days can be read with the month first or second, so it stays text"
             for name, each in zip(names, seen, strict=True) if each.values and each.is_open()]  # fmt: skip
    return Guess(source.model_copy(update={"options": options, "schema_": declared}), tuple(notes))


def _look(rows: DataFrame, names: Sequence[str]) -> list[_Seen]:
    texts = [F.col(quoted(name)).cast(T.StringType()).alias(f"c{at}") for at, name in enumerate(names)]
    asked = [_counts(F.col(f"c{at}")) for at in range(len(names))]
    counts = [count.alias(f"{at}_{what}") for at, each in enumerate(asked) for what, count in each.items()]
    found = rows.select(*texts).agg(*counts).first()
    assert found is not None
    return [_seen({what: int(found[f"{at}_{what}"] or 0) for what in each}) for at, each in enumerate(asked)]


def _seen(counts: dict[str, int]) -> _Seen:
    dates = {form: counts.pop(f"date {form}") for form in DATES}
    return _Seen(dates=dates, **counts)


def _counts(value: Column) -> dict[str, Column]:
    def count(condition: Column) -> Column:
        return F.count_if(condition)

    fraction = F.when(value.rlike(FRACTION), F.regexp_replace(value, r"^-?[0-9]+\.?", ""))
    digits = F.when(value.rlike(FRACTION), F.regexp_replace(value, r"^-|\..*$", ""))
    dates = {
        f"date {form}": count(F.when(value.rlike(shape), F.try_to_timestamp(value, F.lit(form))).isNotNull())
        for form, shape in DATES.items()
    }
    return {
        "values": F.count(value),
        "whole": count(value.rlike(WHOLE)),
        "fraction": count(value.rlike(FRACTION)),
        "truth": count(value.isin("true", "false")),
        "moment": count(F.when(value.rlike(MOMENT), value.try_cast("timestamp")).isNotNull()),
        "shortest": F.min(F.length(value)),
        "longest": F.max(F.length(value)),
        "scale": F.max(F.length(fraction)),
        "digits": F.max(F.length(digits)),
        **dates,
    }


_NAMED = re.compile(r"[\w-]+=")


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
