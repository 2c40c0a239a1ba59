"""Who is asked for: a domain, and ids of it, in clear or as the pseudonyms of a table. No id is ever told."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import Source
from jobs.console import file_errors
from jobs.console.exit_codes import BadUsage
from jobs.lake import read
from jobs.lake.address import Address
from jobs.lake.columns import column
from privacy_udfs.errors import LakenymError
from privacy_udfs.kernels.text import TAKES, accepts, canonical
from privacy_udfs.technique import plain

LONGEST_FILE = 1 << 28
MOST = 1_000_000
"""Ids of one search. More are asked for in parts."""


@dataclasses.dataclass(frozen=True)
class HeldIn:
    """The column whose pseudonyms are given: a table of the catalog and a leaf path of it."""

    table: str
    path: str


@dataclasses.dataclass(frozen=True)
class Asked:
    """ids: distinct, without nulls: text, or binary where they are no text. As a source holds them; with ``held_in`` as
    a treated table does. Neither `repr` nor any message shows them."""

    domain: str
    ids: pa.Array = dataclasses.field(repr=False, compare=False)
    held_in: HeldIn | None = None

    def __post_init__(self) -> None:
        if not accepts(self.ids.type):
            raise BadUsage(f"ids of type {self.ids.type} are none of a domain: {TAKES}")
        found = _as_text(canonical(self.ids)).unique().drop_null()
        if not len(found):
            raise BadUsage("no id is given: one a line")
        if len(found) > MOST:
            raise BadUsage(f"more than {MOST:,} ids are given: ask for them in parts")
        object.__setattr__(self, "ids", found)


def _as_text(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:  # canonical bytes of all but binary values are text
        return values


def held_in(told: str | None) -> HeldIn | None:
    """What ``--held-in`` says. Raises `BadUsage`, or `LakenymError` of a path that is none."""
    if told is None:
        return None
    table, sign, path = told.partition(":")
    if not sign or not path:
        raise BadUsage("--held-in: expected TABLE:COLUMN, such as crm.customers:customer_id")
    return HeldIn(table, str(ColumnPath.parse(path)))


def of_file(domain: str, path: Path, held_in: HeldIn | None = None) -> Asked:
    """Ids of a file, UTF-8: one a line, or, where its name ends in ``.csv``, one column with a line of its name. Blank
    lines are passed over. Raises `BadUsage`."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        text = content.decode("utf-8-sig")
        ids = _cells(text) if path.suffix.lower() == ".csv" else [line.rstrip("\r") for line in text.split("\n")]
    except (OSError, ValueError, csv.Error) as error:
        raise BadUsage(f"the file of ids {path} cannot be read as text: {file_errors.why(error)}") from None
    if len(content) > LONGEST_FILE:
        raise BadUsage(f"the file of ids {path} has more than {LONGEST_FILE} bytes: ask for them in parts")
    return Asked(domain, pa.array([each for each in ids if each], pa.string()), held_in)


def _cells(text: str) -> list[str]:
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    if any(len(row) != 1 for row in rows):
        raise BadUsage("the CSV of ids has more than one column: give it the one of the ids")
    return [row[0] for row in rows[1:]]


def of_table(spark: SparkSession, domain: str, place: str, name: str, held_in: HeldIn | None = None) -> Asked:
    """Ids of a column of a table. place: a table's name, or the path of a Delta table or of Parquet files. Raises
    `BadUsage`."""
    try:
        address = Address.named(place)
        rows = read.rows_of(spark, _source(spark, address)).rows
        found = rows.select(column(name).alias("id")).where("id IS NOT NULL").distinct().limit(MOST + 1).toArrow()
    except PySparkException as error:  # its text may hold anything
        raise BadUsage(f"the ids cannot be read from column {name} of {place}: {error.getCondition()}") from None
    return Asked(domain, plain(found["id"]), held_in)


def _source(spark: SparkSession, address: Address) -> Source:
    if address.path is None:
        return Source(table=address.table)
    return Source(path=address.path, format="delta" if address.exists(spark) else "parquet")


def check_domain(conf: Config, domain: str) -> None:
    """Raise `BadUsage` where domains.yaml has no such domain."""
    if domain not in conf.domains:
        raise BadUsage(f"domains.yaml has no domain {domain}{did_you_mean(domain, conf.domains)}")


class CannotSearch(LakenymError):
    """Why a column cannot be searched for what was asked: told as a gap, never passed over."""
