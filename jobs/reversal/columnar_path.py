"""Turning back file by file in whole Arrow arrays, as the columnar path treats; where it does not fit, it says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.columnar import arrow_types, conditions, counting, file_systems, fitting, stored_schema, writing
from jobs.columnar.chosen_reader import ChosenReader
from jobs.columnar.conditions import Among, Condition, Way
from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_reader import ParquetReader
from jobs.columnar.parts import Part
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Fitting
from jobs.configuration.column_path import ColumnPath
from jobs.lake import source_files
from jobs.lake.bare_types import leaves
from jobs.lake.column_mapping import name_in_files
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


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The rows that are asked for, as tasks read them. files: those that may hold some. names: of the columns that
    something is asked of."""

    spark: SparkSession
    files: SourceFiles
    condition: Condition
    access: Access
    schema: T.StructType
    names: frozenset[str]

    def count(self) -> int | None:
        """How many they are; None where that is for Spark to say. Raises `NotColumnar`."""
        names = {way[0] for way in conditions.columns(self.condition)}
        read = [field for field in self.files.stored.fields if field.name in names]
        return counting.count(self.spark, self._parts(), self._reader(read), self.access) if read else None

    def fitted(self, selection: Selection) -> Fitting:
        """What the tasks need that turn them back. Raises `NotColumnar`."""
        trees = tuple(fitting.tree_of(*tree) for tree in selection.trees(self.schema))
        wanted = [field for field in self.files.stored.fields if field.name in self.names]
        codec = str(self.spark.conf.get("spark.sql.parquet.compression.codec")).lower()
        return Fitting(self._parts(), self._reader(wanted), self.access, _schema(wanted), trees, (), codec)

    def _parts(self) -> list[Part]:
        return fitting.parts_of(self.spark, self.files, whole=False)

    def _reader(self, wanted: Sequence[T.StructField]) -> ChosenReader:
        """Of these columns, and those of the condition."""
        names = {field.name for field in wanted} | {way[0] for way in conditions.columns(self.condition)}
        both = [field for field in self.files.stored.fields if field.name in names]
        return ChosenReader(ParquetReader(stored_schema.of(both)), _schema(both), self.condition)


def chosen(
    spark: SparkSession, treated: Treated, rows: DataFrame, asked: Asked, selection: Selection, place: str
) -> Chosen:
    """The rows as the columnar path reads them. rows: the same for Spark. place: where the new table will be. Raises
    `NotColumnar`."""
    whole = treated.rows()
    files = source_files.of(whole)
    if files is None:
        raise NotColumnar("Spark does not say which files hold the treated table")
    fitting.check_parquet(files)
    condition = _condition(whole, asked)
    if not {way[0] for way in conditions.columns(condition)} <= {*files.stored.names, *files.folders}:
        raise NotColumnar("the condition has the name of a column in another case")
    if _may_be_left_out(files, condition):
        files = dataclasses.replace(files, files=_with_rows(files, rows))
    access = file_systems.access(spark, fitting.one_of_each_store([place, *(file.uri for file in files.files)]))
    access = dataclasses.replace(access, umask=access.umask | OWNER_ALONE)
    names = frozenset(field.name for field, _, _ in selection.trees(whole.schema))
    if not names & set(files.stored.names):
        raise NotColumnar("all that is asked for stands in names of folders")
    found = Chosen(spark, files, condition, access, whole.schema, names)
    found.fitted(selection)
    return found


def written(
    spark: SparkSession, fits: Fitting, output: T.StructType, run_id: str
) -> Callable[[Place], Sequence[AddedFile]]:
    """Writes the files of the new table, whose columns get neither statistics nor dictionaries."""
    paths = [path for path, _ in leaves(output)]
    return lambda place: writing.files(spark, fits, place, paths, run_id).files


def _schema(fields: Sequence[T.StructField]) -> pa.Schema:
    return pa.schema([pa.field(field.name, arrow_types.of_spark(field.dataType, field.name)) for field in fields])


def _condition(rows: DataFrame, asked: Asked) -> Condition:
    """What chooses the rows."""
    if asked.rows.where is not None:
        return conditions.understood(predicates.condition(rows, asked.rows.where))
    tokens = asked.rows.tokens
    if sum(len(token.encode()) for token in tokens) > MOST_TOKENS:
        raise NotColumnar(f"the list of tokens has more than {MOST_TOKENS >> 20} MiB")
    return Among(Way(ColumnPath.parse(asked.columns[0]).names, pa.string()), pa.array(tokens, pa.string()))


def _may_be_left_out(files: SourceFiles, condition: Condition) -> bool:
    """Whether folders or statistics can tell that a file holds no chosen row: of columns that neither knows, as those
    of pseudonyms are, nothing can, and to ask Delta costs a small table more than all its rows."""
    if files.measured is None:
        return True
    names = {way[0] for way in conditions.columns(condition)}
    known = {name_in_files(field) for field in files.stored.fields if field.name in names} & files.measured
    return bool(known) or not names.isdisjoint(files.folders)


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
