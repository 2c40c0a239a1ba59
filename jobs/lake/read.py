"""A source's rows, as the catalog says where they are. The version of a Delta source is pinned.

Whatever of it can be known before a row is read is looked at here, and told as a `SourceProblem`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration import reader_options
from jobs.configuration.models import Source
from jobs.lake import leaves, partition_folders, source_errors, source_schema
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.leaves import Leaf
from jobs.lake.problems import SourceProblem
from jobs.lake.text_sources import csv_files, text_files

GUESSED = ("CSVFileFormat", "JsonFileFormat", "TextFileFormat", "XmlFileFormat")
"""Readers of Spark's that guess where a file is not as it should be, and move values between columns."""


PLACES = ("lakenym file", "lakenym line")
"""Columns of `SourceRows.places`: the file of a row, and the line on which it begins, counted from 1."""


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


def rows_of(spark: SparkSession, source: Source) -> SourceRows:
    """The source's rows, lazily; a Delta source is pinned to one version. Raises `SourceProblem`."""
    for name, message in reader_options.faults(source.kind, source.options):
        raise SourceProblem(f"{source.describe()}: options.{name}: {message}")
    with source_errors.told(spark, source):
        rows, version = _read(spark, source)
        under = leaves.of(rows)
        if source.table is not None and any(leaf.reader in GUESSED for leaf in under):
            why = (
                "it is read from files of text, by a reader that guesses: state their 'path' and 'format' (csv or json)"
            )
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
