"""A source's rows, as the catalog says where they are. The version of a Delta source is pinned.

Whatever of it can be known before a row is read is looked at here, and told as a `SourceProblem`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
from collections.abc import Callable, Mapping
from typing import Protocol

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession

from jobs.configuration import reader_options
from jobs.configuration.models import Source
from jobs.lake import changed, folder_files, gained, leaves, partition_folders, source_errors, source_schema
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.changed import Feed
from jobs.lake.chosen import Chosen
from jobs.lake.leaves import Leaf
from jobs.lake.log_commits import Commit
from jobs.lake.position import DeltaPosition, FolderPosition, Position, read_as
from jobs.lake.problems import HEALS, CannotGrow, SourceProblem
from jobs.lake.text_sources import csv_files, text_files

GUESSED = ("CSVFileFormat", "JsonFileFormat", "TextFileFormat", "XmlFileFormat")
"""Readers of Spark's that guess where a file is not as it should be, and move values between columns."""


PLACES = ("lakenym file", "lakenym line")
"""Columns of `SourceRows.places`: the file of a row, and the line on which it begins, counted from 1."""


class Past(Protocol):
    """Rows of a source that are left out, since they are past their time."""

    @property
    def said(self) -> Mapping[str, str | int]:
        """What the commit of a run says of them: by which column and day, and how many, where that may be told."""

    @property
    def rows(self) -> DataFrame:
        """What they are left out of."""

    @property
    def way(self) -> tuple[str, ...]:
        """The names that lead to the column by which rows age."""

    @property
    def first(self) -> datetime.date | datetime.datetime:
        """The earliest date, or time, that is none of theirs; a row without one is none of them."""

    def is_within(self) -> Column:
        """Of each row of the source whether it is none of them."""

    def covers(self, commit: Commit) -> bool:
        """Whether every row that a commit took away, as past its time, is one of them."""


@dataclasses.dataclass(frozen=True)
class SourceRows:
    rows: DataFrame
    version: int | None
    """The Delta version that is read, None for other formats and for views."""
    partitions: tuple[str, ...] = ()
    """Columns whose values stand in paths."""
    is_treated: bool = False
    """Whether it, or anything under it, carries the record of a treatment."""
    places: Callable[[], DataFrame] | None = None
    """The same rows, read again with `PLACES`, where files tell more of a row than Spark does."""
    names_from_data: bool = False
    """Whether the columns' names are read out of the files' text, where they may be values (a CSV without a header)."""
    log_sizes: tuple[int | None, ...] = ()
    """Of the Delta tables that are read, as `log_replay.size`."""
    position: Position | None = None
    """Where a run that reads it will have stopped; None where that cannot be said, or nobody asked."""
    gained: bool = False
    """Whether the rows are those that it gained since a position."""
    count: int | None = None
    """How many rows these are, where that was told beforehand."""
    chosen: Chosen | None = None
    """How these were chosen, where they are the rows of some partitions."""
    feed: Feed | None = None
    """What changed in it since a position; then the rows are those that were inserted, or updated as they are now."""
    newest: Position | None = None
    """Where the source stood, if these rows end before: a batch was to have no more files."""
    past: Past | None = None
    """Of a table whose rows are kept for a time, those that are past it, which these are without."""


def rows_of(spark: SparkSession, source: Source, grows: bool = False, end: Position | None = None) -> SourceRows:
    """The source's rows, lazily; a Delta source is pinned to one version. Raises `SourceProblem`.

    grows: whether later runs may go on from here; then a folder is held to the files that are there now. end: where
    it stood when somebody looked, behind which nothing is read.
    """
    for name, message in reader_options.faults(source.kind, source.options):
        raise SourceProblem(f"{source.describe()}: options.{name}: {message}")
    with source_errors.told(spark, source):
        position: Position | None = None
        held = source
        if grows and _is_folder(source):
            held, position = folder_files.settled(spark, source, end if isinstance(end, FolderPosition) else None)
        elif isinstance(end, DeltaPosition):
            held = _at(source, end.version)
        rows, version = _read(spark, held)
        if isinstance(position, FolderPosition):
            position = dataclasses.replace(position, read_as=read_as(source, rows.schema.jsonValue()))
        elif version is not None:
            position = gained.position(rows, source)
        return dataclasses.replace(_told(spark, held, rows, version), position=position)


def is_still_at(spark: SparkSession, source: Source, stopped: Position) -> bool:
    """Whether a source is as it was where a run stopped in it, by a look that costs little: at the version of a Delta
    table, at the list of a folder's files. Raises `SourceProblem`."""
    with source_errors.told(spark, source):
        if isinstance(stopped, FolderPosition):
            now = folder_files.settled(spark, source)[1]
            return dataclasses.replace(now, read_as=stopped.read_as) == stopped
        return gained.position(_read(spark, source)[0], source) == stopped


def gained_by(
    spark: SparkSession, source: Source, now: SourceRows, stopped: Position, most_files: int | None = None
) -> SourceRows:
    """Of a source that was read as ``now`` says the rows that it gained since a run stopped. Raises `CannotGrow`.

    most_files: as `jobs.lake.batch.Batch` says.
    """
    with source_errors.told(spark, source):
        try:
            return _gained_by(spark, source, now, stopped, most_files)
        except CannotGrow as error:
            raise CannotGrow(f"{source.describe()}: {error}") from None


def _gained_by(
    spark: SparkSession, source: Source, now: SourceRows, stopped: Position, most_files: int | None
) -> SourceRows:
    _check_read_alike(now, stopped)
    if isinstance(stopped, DeltaPosition) and isinstance(now.position, DeltaPosition):
        new = gained.since(_read(spark, _at(source, now.position.version))[0], stopped, most_files)
        end: Position = dataclasses.replace(now.position, version=new.version, commit=new.commit)
        found = dataclasses.replace(_told(spark, source, new.rows, new.version), count=new.count)
    elif isinstance(stopped, FolderPosition) and isinstance(now.position, FolderPosition):
        end = _folder_end(spark, source, now.position, stopped, most_files)
        files = folder_files.since(spark, folder_files.until(source, end), stopped)
        found = _told(spark, files, _of_new_files(spark, files, now), None)
    else:
        raise CannotGrow(f"it is no longer what the last run read, a Delta table or a folder of files: {HEALS}")
    newest = now.position if end != now.position else None
    return dataclasses.replace(found, position=end, gained=True, newest=newest)


def _at(source: Source, version: int) -> Source:
    """A Delta source, held to a version."""
    return source.model_copy(update={"options": {"versionAsOf": str(version)}})


def _folder_end(
    spark: SparkSession, source: Source, now: FolderPosition, stopped: FolderPosition, most_files: int | None
) -> FolderPosition:
    if most_files is None:
        return now
    sooner = folder_files.next_files(spark, folder_files.until(source, now), stopped, most_files)
    return now if sooner is None else dataclasses.replace(sooner, read_as=now.read_as)


def _check_read_alike(now: SourceRows, stopped: Position) -> None:
    if now.position is not None and now.position.read_as != stopped.read_as:
        told = "its columns, or how they are read, are not as they were in the last run"
        raise CannotGrow(f"{told}: {HEALS}, or with --retreat, either of which treats all rows anew in one commit")


def changed_in(spark: SparkSession, source: Source, now: SourceRows, stopped: Position) -> SourceRows:
    """Of a Delta source that was read as ``now`` says what changed in it since a run stopped. Raises `CannotGrow`."""
    with source_errors.told(spark, source):
        try:
            _check_read_alike(now, stopped)
            if not (isinstance(stopped, DeltaPosition) and isinstance(now.position, DeltaPosition)):
                raise CannotGrow(f"it was no Delta table in the last run, or is none now: {HEALS}")
            rows = _read(spark, _at(source, now.position.version))[0]
            feed = changed.feed(rows, Address.of(source), stopped)
        except CannotGrow as error:
            raise CannotGrow(f"{source.describe()}: {error}") from None
        if feed is None:
            return dataclasses.replace(now, count=0)
        return dataclasses.replace(now, rows=feed.rows_after(), places=None, count=None, feed=feed)


def _of_new_files(spark: SparkSession, source: Source, now: SourceRows) -> DataFrame:
    """The rows of files that are new, to which the source is held, with the columns of all files."""
    if source.format == "json" and source.schema_ is None:
        raise CannotGrow("state 'schema', since the types of JSON that new files alone show may be others")
    if source.format not in ("parquet", "orc"):
        rows = text_files.rows_of(spark, source)
        if rows.columns != now.rows.columns:
            raise CannotGrow(f"its new files have other columns than the others: {HEALS}")
        return rows
    reader = spark.read.format(source.format).options(**source.options).schema(leaves.of(now.rows)[0].schema)
    return reader.load(source.path)


def _is_folder(source: Source) -> bool:
    return source.path is not None and source.format != "delta"


def _told(spark: SparkSession, source: Source, rows: DataFrame, version: int | None) -> SourceRows:
    """What is to know of rows that were read as they are."""
    under = leaves.of(rows)
    if source.table is not None and any(leaf.reader in GUESSED for leaf in under):
        why = "it is read from files of text, by a reader that guesses: state their 'path' and 'format' (csv or json)"
        raise SourceProblem(f"{source.describe()}: {why}")
    partitions = tuple(dict.fromkeys(name for leaf in under for name in leaf.partitions))
    if source.path is not None:
        partition_folders.check(spark, source, rows, under)
        partition_folders.check_names(rows, source, partitions)
    rows = source_schema.cleaned(partition_folders.typed(rows, source))
    is_treated = any(leaf.is_treated for leaf in under)
    places = functools.partial(_placed, spark, source) if source.format == "csv" else None
    sizes = tuple(leaf.log_size for leaf in under if leaf.version is not None)
    return SourceRows(rows, version, partitions, is_treated, places, text_files.names_from_data(source), sizes)


def _placed(spark: SparkSession, source: Source) -> DataFrame:
    with active(spark):
        return partition_folders.typed(csv_files.rows_of(spark, source, PLACES), source)


def _read(spark: SparkSession, source: Source) -> tuple[DataFrame, int | None]:
    if source.format in ("csv", "json"):
        return text_files.rows_of(spark, source), None
    if source.format in ("parquet", "orc"):
        # columns that only some of the files have must be decided too, so all their schemas count
        options = {**source.options, "mergeSchema": "true"}
        return spark.read.format(source.format).options(**options).load(source.path), None
    address = Address.of(source)
    if source.table is None or address.is_delta(spark):
        return _read_delta(spark, source, address)
    return address.read(spark, source.options), None


def _read_delta(spark: SparkSession, source: Source, address: Address) -> tuple[DataFrame, int]:
    """A Delta table at one version, however that is stated."""
    version = _version(spark, source, address)
    rows = address.read(spark, {"versionAsOf": str(version)})
    if [leaf.version for leaf in leaves.of(rows)] != [version]:
        raise SourceProblem(f"{source.describe()}: Delta does not say that it reads version {version}")
    return rows, version


def _version(spark: SparkSession, source: Source, address: Address) -> int:
    if "timestampAsOf" in source.options:
        return _only(leaves.of(address.read(spark, source.options)), source)
    wanted = source.options.get("versionAsOf", "latest")
    if wanted.lower() != "latest":
        return int(wanted)
    with contextlib.suppress(PySparkException, Py4JError):  # the plan tells it, and no job of Spark's is needed
        return _only(leaves.of(address.read(spark)), source)
    return address.version(spark)  # whose errors say best what is not there


def _only(found: list[Leaf], source: Source) -> int:
    if len(found) != 1 or found[0].version is None:
        raise SourceProblem(f"{source.describe()}: Delta does not say which version that is: state versionAsOf")
    return found[0].version
