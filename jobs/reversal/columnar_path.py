"""Turning back file by file in whole Arrow arrays, as the columnar path treats; where it does not fit, it says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.columnar import arrow_types, conditions, file_systems, fitting, stored_schema, writing
from jobs.columnar.chosen_reader import ChosenReader
from jobs.columnar.conditions import Among, Condition, Way
from jobs.columnar.parquet_reader import ParquetReader
from jobs.columnar.reading import Reader
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Fitting
from jobs.configuration.column_path import ColumnPath
from jobs.lake import source_files
from jobs.lake.bare_types import leaves
from jobs.lake.delta_commit import AddedFile, Place
from jobs.lake.source_files import SourceFiles
from jobs.reversal.asked import Asked
from jobs.reversal.selection import Selection
from jobs.reversal.treated import Treated
from jobs.treatment import predicates

MOST_TOKENS = 1 << 24
"""Bytes of a list of tokens that travel to each task."""
OWNER_ALONE = 0o077
"""What is taken away from the rights of files of clear values, in a folder that nobody else enters."""


def fitted(
    spark: SparkSession, treated: Treated, chosen: DataFrame, asked: Asked, selection: Selection, place: str
) -> Fitting:
    """What tasks need that turn back the chosen rows. place: where the new table will be. Raises `NotColumnar`."""
    rows = treated.rows()
    files = source_files.of(rows)
    if files is None:
        raise NotColumnar("Spark does not say which files hold the treated table")
    fitting.check_parquet(files)
    condition = _condition(rows, asked)
    files = dataclasses.replace(files, files=_with_rows(files, chosen))
    access = file_systems.access(spark, fitting.one_of_each_store([place, *(file.uri for file in files.files)]))
    trees = tuple(fitting.tree_of(*tree) for tree in selection.trees(rows.schema))
    names = {tree.name for tree in trees}
    wanted = [field for field in files.stored.fields if field.name in names]
    if not wanted:
        raise NotColumnar("all that is asked for stands in names of folders")
    read = _schema(wanted)
    reader, cut = _reader(files, wanted, condition), fitting.parts_of(spark, files, whole=False)
    codec = str(spark.conf.get("spark.sql.parquet.compression.codec")).lower()
    access = dataclasses.replace(access, umask=access.umask | OWNER_ALONE)
    return Fitting(cut, reader, access, read, trees, (), codec)


def written(
    spark: SparkSession, fits: Fitting, output: T.StructType, run_id: str
) -> Callable[[Place], Sequence[AddedFile]]:
    """Writes the files of the new table, whose columns get neither statistics nor dictionaries."""
    paths = [path for path, _ in leaves(output)]
    return lambda place: writing.files(spark, fits, place, paths, run_id).files


def _schema(fields: Sequence[T.StructField]) -> pa.Schema:
    return pa.schema([pa.field(field.name, arrow_types.of_spark(field.dataType, field.name)) for field in fields])


def _reader(files: SourceFiles, wanted: Sequence[T.StructField], condition: Condition | None) -> Reader:
    if condition is None:
        return ParquetReader(stored_schema.of(wanted))
    names = {field.name for field in wanted} | {way[0] for way in conditions.columns(condition)}
    if not names <= {*files.stored.names, *files.folders}:
        raise NotColumnar("the condition has the name of a column in another case")
    both = [field for field in files.stored.fields if field.name in names]
    return ChosenReader(ParquetReader(stored_schema.of(both)), _schema(both), condition)


def _condition(rows: DataFrame, asked: Asked) -> Condition | None:
    """What chooses the rows; None where it is all of them."""
    if asked.rows.where is not None:
        return conditions.understood(predicates.condition(rows, asked.rows.where))
    tokens = asked.rows.tokens
    if sum(map(len, tokens)) > MOST_TOKENS:
        raise NotColumnar(f"the list of tokens has more than {MOST_TOKENS >> 20} MiB")
    return Among(Way(ColumnPath.parse(asked.columns[0]).names, pa.string()), pa.array(tokens, pa.string()))


def _with_rows(files: SourceFiles, chosen: DataFrame) -> tuple[source_files.File, ...]:
    """The files that may hold rows of a condition, as Delta finds them by folders and statistics."""
    found = {_plain(uri) for uri in chosen.inputFiles()}
    kept = tuple(file for file in files.files if _plain(file.uri) in found)
    if len(kept) != len(found):
        raise NotColumnar("Spark calls the files of the treated table by other names")
    return kept


def _plain(uri: str) -> str:
    scheme, _, rest = unquote(uri).partition(":")
    return f"{scheme}:/{rest.lstrip('/')}"
