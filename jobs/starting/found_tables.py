"""The tables at paths that somebody names: files, folders of a table or of tables; and how a CSV is to be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.models import Source
from jobs.console.exit_codes import BadUsage
from jobs.detection import discovery, header_row, names_as_data, shared_keys
from jobs.detection.discovery import ENDING, FORMATS, FoundTable
from jobs.detection.look import look, to_draft
from jobs.detection.names_as_data import NamesAreData
from jobs.detection.shared_keys import Looked
from jobs.drafting import lake_tables
from jobs.drafting.accepted import Entry
from jobs.lake import read
from jobs.lake.java import hadoop_path
from jobs.lake.text_sources import csv_dialect, csv_guess, json_guess
from jobs.spark_app import failures
from jobs.starting.reading import CURE, NOTHING_SAID, Reading

MOST_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Scanned:
    """A table, how it is to be read, and what its columns are. notes: what a person should know of the reading."""

    table: FoundTable
    source: Source
    looked: Looked
    notes: tuple[str, ...]

    def within(self, bytes_left: int) -> Scanned:
        """Itself; with no more to compare with other tables than there is room for."""
        if shared_keys.held(self.looked) <= bytes_left:
            return self
        notes = (*self.notes, "not compared with the other tables, of which there are too many for one look")
        return dataclasses.replace(self, looked=shared_keys.without(self.looked), notes=notes)


def absolute(path: str) -> str:
    """A path that means the same wherever a job runs: one of this machine from its root; a URI as it is."""
    return path if "://" in path else str(Path(path).expanduser().absolute())


def at(spark: SparkSession, paths: Sequence[str], known: Mapping[str, Entry]) -> list[FoundTable]:
    """The raw tables there, each under a name of its own. Raises `BadUsage`."""
    found: list[FoundTable] = []
    for path in paths:
        whole = absolute(path)
        found += failures.translated(path, lambda whole=whole: _at(spark, whole, known))  # type: ignore[misc]
    return lake_tables.each_once(found, known)


def _at(spark: SparkSession, path: str, known: Mapping[str, Entry]) -> list[FoundTable]:
    at = hadoop_path(spark, path)
    files: Any = at.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    if not files.exists(at):
        raise BadUsage(f"nothing is at {path}")
    if not files.getFileStatus(at).isFile():
        return list(lake_tables.raw_only(spark, discovery.below(spark, path), known))
    name = str(at.getName())
    ending = ENDING.search(name)
    if ending is None:
        raise BadUsage(f"{path} is no file of parquet, orc, csv or json by its name: name such a file, or a folder")
    word = ending[1].lower()
    source = Source.model_validate({"path": path, "format": FORMATS.get(word, word)})
    return [FoundTable(discovery.name_of((name,), ""), source)]


def scanned(
    spark: SparkSession,
    table: FoundTable,
    sample: int,
    regions: tuple[str, ...],
    salt: bytes,
    reading: Reading = NOTHING_SAID,
) -> Scanned:
    """Look at a table. salt: see `look.look`. reading: how it is read, as far as somebody says. Raises `RunFailed`
    where it cannot be read, or where its columns' names are values."""
    source = table.source
    if source is None:
        raise failures.RunFailed(f"{table.name}: {table.problem}")

    def step() -> Scanned:
        guess = _as_written(spark, reading.of(source))

        def rows() -> DataFrame:
            found = read.rows_of(spark, guess.source).rows
            names_as_data.check(guess.source, found.schema)
            return found

        notes = (*([table.note] if table.note else []), *guess.notes)
        return Scanned(table, guess.source, to_draft(look(table.name, rows, sample, regions, salt)), notes)

    try:
        return failures.translated(table.name, step)
    except NamesAreData as error:
        cure = f"; {CURE}" if source.format == "csv" else ""
        raise failures.RunFailed(f"{table.name}: {error}{cure}") from None


def _as_written(spark: SparkSession, source: Source) -> csv_dialect.Guess:
    if source.format == "json":
        return json_guess.dialect(spark, source)
    return _with_types(spark, source) if source.format == "csv" else csv_dialect.Guess(source)


def _with_types(spark: SparkSession, source: Source) -> csv_dialect.Guess:
    written = csv_dialect.dialect(spark, source)
    found = read.rows_of(spark, written.source)
    names_as_data.check(written.source, found.rows.schema)
    folders = csv_dialect.partition_columns(spark, source)
    header_row.check_rows(written.source, found.rows, folders)
    typed = csv_guess.schema(written.source, found.rows, folders)
    return csv_dialect.Guess(typed.source, (*written.notes, *typed.notes))


def alike(tables: Iterable[Scanned]) -> Iterator[str]:
    """What a person should know of files that may be parts of one table: by their folder and their columns."""
    together: dict[tuple[str, frozenset[str]], list[str]] = {}
    for each in tables:
        folder, _, file = str(each.source.path or "").rpartition("/")
        if ENDING.search(file):
            columns = frozenset(str(found.path) for found in each.looked.columns)
            together.setdefault((folder, columns), []).append(each.table.name)
    for (folder, _), names in together.items():
        if len(names) > 1:
            listed = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
            told = f"{listed}: files of {folder} with the same columns, each drafted as a table of its own"
            yield f"{told}; if they are parts of one table, put them into a folder of their own below the one you name"
