"""Which tables there are below a path of a lake, or in a database of Spark's catalog.

A folder with a Delta log is a table; so is one that holds Parquet, ORC, CSV or JSON files, or folders named
``key=value`` that do. Files right below the path that was asked for are tables of their own, unless Spark wrote them
(``part-...``). Folders and files that begin with ``_`` or ``.`` are not looked at. Names of ``key=value`` folders hold
values: they are never shown.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.console.exit_codes import BadUsage
from jobs.lake import databases

DEEPEST = 12
ENDING = re.compile(
    r"\.(parquet|orc|csv|json|jsonl|ndjson)(?:\.(?:gz|bz2|zst|zstd|lz4|snappy|deflate))?$", re.IGNORECASE
)
FORMATS = {"jsonl": "json", "ndjson": "json"}


@dataclasses.dataclass(frozen=True)
class FoundTable:
    """A table by a name for the catalog. source: None where ``problem`` says why it cannot be read. note: what a
    person should know of its name."""

    name: str
    source: Source | None
    problem: str = ""
    note: str = ""


def of_database(spark: SparkSession, database: str) -> list[FoundTable]:
    """The tables of a database; views are left out, for what they show is found where it is stored."""
    if not databases.exists(spark, database):
        raise BadUsage(f"--database: Spark's catalog has no database {database}")
    names = (f"{database}.{name}" for name in databases.tables(spark, database))
    return [FoundTable(name, Source(table=name)) for name in names]


def below(spark: SparkSession, path: str) -> list[FoundTable]:
    """The tables below ``path``, or the one that is there, in any file system that Spark reads."""
    jvm: Any = spark._jvm
    root = jvm.org.apache.hadoop.fs.Path(path)
    system = root.getFileSystem(spark._jsc.hadoopConfiguration())
    if not system.exists(root):
        raise BadUsage(f"--path: nothing is at {path}")
    if system.getFileStatus(root).isFile():
        raise BadUsage(f"--path: {path} is a file; name the folder that holds it")
    return sorted(_Walk(system, path.rstrip("/")).folder(root, (), 0), key=lambda table: table.name)


@dataclasses.dataclass(frozen=True)
class _Walk:
    system: Any
    root: str

    def folder(self, at: Any, parts: tuple[str, ...], depth: int) -> Iterator[FoundTable]:
        names = {status.getPath().getName(): status for status in self.system.listStatus(at)}
        if "_delta_log" in names:
            yield self._table(parts, "delta")
            return
        shown = {name: status for name, status in names.items() if name[0] not in "_."}
        formats = {name: found for name, status in shown.items() if status.isFile() and (found := _format(name))}
        folders = {name: status for name, status in shown.items() if status.isDirectory()}
        if formats and not parts and not any(name.startswith("part-") for name in formats):
            for name, found in formats.items():
                yield self._table((name,), found)
        elif len(set(formats.values())) > 1:
            listed = ", ".join(sorted(set(formats.values())))
            yield FoundTable(name_of(parts, self.root), None, f"the folder holds files of several formats ({listed})")
            return
        elif formats:
            yield self._table(parts, next(iter(formats.values())))
            return
        if depth < DEEPEST:
            yield from self._folders(folders, parts, depth)

    def _folders(self, folders: dict[str, Any], parts: tuple[str, ...], depth: int) -> Iterator[FoundTable]:
        if folders and all("=" in name for name in folders):
            found = self._format_below(next(iter(folders.values())).getPath(), depth)
            if found is not None:
                yield self._table(parts, found)
            return
        for name, status in folders.items():
            yield from self.folder(status.getPath(), (*parts, name), depth + 1)

    def _format_below(self, at: Any, depth: int) -> str | None:
        statuses = [each for each in self.system.listStatus(at) if each.getPath().getName()[0] not in "_."]
        for status in statuses:
            found = _format(status.getPath().getName()) if status.isFile() else None
            if found is None and status.isDirectory() and depth < DEEPEST:
                found = self._format_below(status.getPath(), depth + 1)
            if found is not None:
                return found
        return None

    def _table(self, parts: tuple[str, ...], found: str) -> FoundTable:
        path = "/".join((self.root, *parts))
        return FoundTable(name_of(parts, self.root), Source.model_validate({"path": path, "format": found}))


def _format(name: str) -> str | None:
    ending = ENDING.search(name)
    if ending is None:
        return None
    word = ending[1].lower()
    return FORMATS.get(word, word)


def name_of(parts: tuple[str, ...], root: str) -> str:
    """A name that the catalog takes: the way to the table, with dots."""
    named = ENDING.sub("", ".".join(parts or (root.rpartition("/")[2],)))
    return re.sub(r"[^\w.\-]", "_", named).lstrip(".-") or "table"
