"""Drafts in the catalog: files that say ``draft: true``, which no job reads as decisions before a person accepted them.

A draft blocks its own table alone. Whoever loads the configuration gets the others, and one line for each draft. The
mark is a key of its own, so that filling in what a draft leaves blank does not make decisions of it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.configuration import yaml_reader
from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config_files import CATALOG
from jobs.configuration.documents import Document, Fault
from jobs.configuration.entry import UNDECIDED

MARK = "draft"
_MARKED = re.compile(r"""^["']?draft["']?[ \t]*:[ \t]*true[ \t]*(#.*)?$""", re.IGNORECASE | re.MULTILINE)
"""The mark in a file that cannot be read as YAML."""


@dataclasses.dataclass(frozen=True)
class Unaccepted:
    """A draft. file: relative to the folder of the configuration. accepted: of so many columns a class and a treatment
    are decided, and it is said why. problem: what keeps it from being read at all."""

    file: str
    table: str
    columns: int = 0
    accepted: int = 0
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.in_words()}"

    def in_words(self) -> str:
        """One line, with what to do."""
        if self.problem:
            return f"a draft that cannot be read, so no job works on its table: {self.problem}"
        told = f"{self.accepted:,} of {self.columns:,} columns accepted"
        return f"a draft, {told}: no job works on its table yet; jobs/accept.py --table {self.table} goes on"

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Additions(Unaccepted):
    """Columns that were drafted for an entry that is there; those that it decides by now are not counted."""

    def in_words(self) -> str:
        if not self.columns:
            return self.problem or f"all of its columns are decided: jobs/accept.py --table {self.table} clears it away"
        told = f"{self.accepted:,} of {self.columns:,} new columns accepted"
        return f"a draft, {told}: no run decides about them yet; jobs/accept.py --table {self.table} goes on"


def additions_of(entry: str) -> str:
    """The file of what is drafted for an entry, beside the entry's own."""
    return f"{entry}.draft"


def additions(folder: Path, decided: Mapping[str, tuple[str, Container[str]]]) -> list[Additions]:
    """What is drafted for entries. decided: by table its file and the columns that it decides, in their normal form."""
    found = ((table, file, of_entry, folder / additions_of(file)) for table, (file, of_entry) in decided.items())
    of_entries = [_of_entry(path, table, file, of_entry) for table, file, of_entry, path in found if path.exists()]
    return [*of_entries, *_of_none(folder, {each.file for each in of_entries})]


def _of_none(folder: Path, known: Container[str]) -> Iterator[Additions]:
    for path in sorted((folder / CATALOG).glob(f"[!.]*{additions_of('.yaml')}")):
        file = path.relative_to(folder).as_posix()
        if file not in known:
            entry = file.removesuffix(additions_of(""))
            told = f"columns for {entry}, which is no accepted entry: restore or accept that, or remove this file"
            yield Additions(file, _name(entry), problem=told)


def read_additions(path: Path, file: str, table: str) -> Document | Fault:
    """The columns in what is drafted for an entry, by name; or what keeps it from being read, with what to do."""
    faults: list[Fault] = []
    document = yaml_reader.read(path, file, faults)
    anew = f"mend that, or remove the file and let jobs/inventory.py --table {table} --output write it anew"
    if document is None or faults:
        first = min(faults)
        return dataclasses.replace(first, message=f"{first.message}: {anew}")
    lines = enumerate(path.read_bytes().decode("utf-8-sig").splitlines(), 1)
    flush = next((at for at, line in lines if line.strip() and line[0] not in " #"), None)
    if flush is not None:
        told = "its columns stand two blanks in, as below 'columns:' of the entry, and without that line"
        return Fault(file, flush, "", f"{told}: {anew}")
    return document


def _of_entry(path: Path, table: str, entry: str, decided: Container[str]) -> Additions:
    file = additions_of(entry)
    document = read_additions(path, file, table)
    if isinstance(document, Fault):
        where = f"line {document.line}: " if document.line else ""
        key = f"{document.key}: " if document.key else ""
        return Additions(file, table, problem=f"a draft that cannot be read: {where}{key}{document.message}")
    left = [entry for name, entry in document.data.items() if _normal(name) not in decided]
    return Additions(file, table, len(left), sum(map(is_accepted, left)))


def _normal(path: str) -> str:
    try:
        return str(ColumnPath.parse(path))
    except ColumnPathError:
        return path


def of(folder: Path, names: Iterable[str]) -> dict[str, Unaccepted]:
    """The drafts among the files of the catalog, by file. names: relative to ``folder``, that of the configuration."""
    found = ((name, _of_file(folder / name, name)) for name in names)
    return {name: draft for name, draft in found if draft is not None}


def _of_file(path: Path, file: str) -> Unaccepted | None:
    try:
        content = path.read_bytes()
        if MARK.encode() not in content:
            return None
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None  # told by who reads the file
    faults: list[Fault] = []
    document = yaml_reader.parse(text, file, faults)
    if document is not None and document.data.get(MARK) is True:
        return _counted(document)
    if not faults or not _MARKED.search(text.replace("\r\n", "\n")):
        return None
    first = min(faults)
    where = f"line {first.line}: " if first.line else ""
    return Unaccepted(file, _name(file), problem=f"{where}{first.message}")


def _counted(document: Document) -> Unaccepted:
    columns = document.data.get("columns")
    entries = list(columns.values()) if isinstance(columns, dict) else []
    return Unaccepted(document.file, _name(document.file), len(entries), sum(map(is_accepted, entries)))


def _name(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".yaml")


def is_accepted(entry: Any) -> bool:
    """Whether somebody decided about a column, and said why: its class, its treatment or cases, none left open."""
    if not isinstance(entry, dict) or entry.get("class") in (None, UNDECIDED):
        return False
    why, treatment = entry.get("why"), entry.get("treatment", entry.get("when"))
    return isinstance(why, str) and bool(why.strip()) and treatment not in (None, UNDECIDED)
