"""Drafted columns of a table that has an entry already, in ``catalog/<entry>.yaml.draft``: accepted as a draft's are.

Answers are saved in that file, which no job reads. With the last one its lines go under ``columns:`` of the entry, with
what the inventory says above each, and the file goes. The entry is as it was until then.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from jobs.configuration import config, unaccepted, yaml_edit, yaml_reader
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.config_files import SECRET_IN_TABLES
from jobs.configuration.documents import Fault
from jobs.console import whole_files
from jobs.console.exit_codes import Refused
from jobs.drafting import accepted, draft
from jobs.starting.acceptance import Draft, stop_at
from jobs.starting.draft_columns import COLUMNS, Column

_HOLDER = re.compile(rf"^{COLUMNS}:\n", re.MULTILINE)
MOVE = "move its lines under 'columns:' there by hand"


def opened(folder: Path, table: str, environ: Mapping[str, str] = os.environ) -> Draft:
    """The draft of a table, or what is drafted for its entry. Raises `BadUsage` where there is neither."""
    around = config.load(folder, environ)
    entry = around.tables.get(table)
    if entry is not None and (folder / unaccepted.additions_of(entry.file)).exists():
        return Additions(folder, table, environ, around)
    return Draft(folder, table, environ, around)


class Additions(Draft):
    """Columns that an entry does not decide yet. Those that it decides by now are passed over."""

    def _found(self) -> str:
        entry = self.around.tables[self.table]
        self.entry_path = self.folder / entry.file
        self.draft_file = unaccepted.additions_of(entry.file)
        self.path = self.folder / self.draft_file
        found = unaccepted.read_additions(self.path, self.draft_file, self.table)
        if isinstance(found, Fault):
            raise ConfigError([found])
        self.entry_text = _text(self.entry_path)
        self.entry = accepted.entries(self.folder, self.environ)[self.table]
        return entry.file

    def _read(self) -> str:
        """The file with the line that makes what it holds columns, as in an entry: after the comments on all of it."""
        head, rest = _parted(_text(self.path))
        return f"{head}{COLUMNS}:\n{rest}"

    def _written(self, text: str) -> str:
        return _HOLDER.sub("", text, count=1)

    def columns(self) -> list[Column]:
        return [each for each in super().columns() if not self.entry.decides(ColumnPath.parse(each.path))]

    def lacks(self) -> list[str]:
        return []

    def state(self, what: str, value: str) -> None:
        raise Refused(f"{what}: {self.file} is accepted already; change it in an editor")

    def _whole(self, text: str) -> str:
        return self._joined(text, [each.path for each in self.columns()])

    def _joined(self, text: str, paths: list[str]) -> str:
        """The entry's text with these columns of the draft."""
        blocks = {path: block for path, block in _blocks(text) if path in paths}
        if blocks.keys() != set(paths):
            raise Refused(f"{self.path}: its columns do not stand one below the other: {MOVE}")
        return _with_columns(self.entry_text, blocks, self._document_of(text), self.path)

    def finish(self) -> Config:
        columns = self.columns()
        left = [column.path for column in columns if not column.accepted]
        if left:
            raise Refused(f"{self.table}: not accepted yet: {', '.join(left)}")
        text = self._joined(self.text, [column.path for column in columns])
        try:
            conf = config.load(self.folder, self.environ, {self.file: self._read_with_variables(text)})
        except ConfigError as error:
            raise ConfigError([self._where_it_stands(fault) for fault in error.faults]) from None
        stop_at(self._findings(conf))
        if _text(self.entry_path) != self.entry_text:
            raise Refused(f"{self.entry_path} was changed meanwhile, and is left as it is: begin again")
        self._check_as_it_was()
        whole_files.replace(self.entry_path, text)
        self.path.unlink()
        return conf

    def _where_it_stands(self, fault: Fault) -> Fault:
        """A fault of a column that is still in the draft, by the draft's name and line."""
        document = self._document()
        for column in self.columns() if fault.file == self.file else ():
            place = document.key((COLUMNS, column.path))
            if f"{fault.key}.".startswith((f"{place}.", f"{place}[")):  # less the line that `_read` puts in
                return dataclasses.replace(fault, file=self.draft_file, line=document.line((COLUMNS, column.path)) - 1)
        return fault

    def done(self) -> str:
        return f"accepted; the columns stand in {self.entry_path}, and {self.path.name} is gone"

    def _document_of(self, text: str) -> dict[str, Any]:
        found = self._expanded(text).written.get(COLUMNS)
        return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


def _parted(text: str) -> tuple[str, str]:
    """The comments at the beginning that are of all of it, and the rest."""
    lines = text.splitlines(keepends=True)
    at = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:at]), "".join(lines[at:])


def _columns_of(text: str) -> Any:
    """The node under ``columns``; None where there is none."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    return next((value for key, value in root.value if key.value == COLUMNS), None)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each column with the lines that are its own: the comments above it too."""
    holder = _columns_of(text)
    if not isinstance(holder, yaml.MappingNode) or holder.flow_style:
        return
    found = _HOLDER.search(text)
    start = 0 if found is None else found.end()
    for key, value in holder.value:
        line = text.find("\n", yaml_edit.end_of(text, value))
        end = len(text) if line < 0 else line + 1
        yield key.value, text[start:end]
        start = end


def _with_columns(entry: str, blocks: Mapping[str, str], columns: Mapping[str, Any], path: Path) -> str:
    """An entry's text with more columns at the end of those that it has. Raises `Refused` where it is written so that
    a person has to."""
    try:
        holder = _columns_of(entry)
        if holder is None or holder.flow_style:
            made = _within_braces(entry, {name: columns[name] for name in blocks})
        else:
            made = _below(entry, holder, blocks.values())
    except yaml_edit.CannotEdit as error:
        raise Refused(f"{path}: {error}: {MOVE}") from None
    faults: list[Fault] = []
    before, after = (yaml_reader.parse(text, "", faults, SECRET_IN_TABLES) for text in (entry, made))
    if before is None or after is None or faults:
        raise Refused(f"{path}: its lines do not go into the entry as they are: {MOVE}")
    meant = {**before.data, COLUMNS: {**before.data[COLUMNS], **{name: columns[name] for name in blocks}}}
    if after.data != meant:
        raise Refused(f"{path}: its lines do not go into the entry as they are: {MOVE}")
    return made


def _within_braces(entry: str, columns: Mapping[str, Any]) -> str:
    for name, value in columns.items():
        written = draft.flow(value)
        entry = yaml_edit.with_values(entry, {(COLUMNS, name): (value, written)})
    return entry


def _below(entry: str, holder: Any, blocks: Any) -> str:
    last = entry.find("\n", yaml_edit.end_of(entry, holder))
    at = len(entry) if last < 0 else last + 1
    head = entry[:at] if entry[:at].endswith("\n") else f"{entry[:at]}\n"
    lines = [line for block in blocks for line in block.splitlines()]
    return head + "".join(f"{_indented(line, holder.start_mark.column)}\n" for line in lines) + entry[at:]


def _indented(line: str, column: int) -> str:
    """A line of a draft, whose columns are two in, as the entry has its own."""
    if not line.strip():
        return ""
    own = len(line) - len(line.lstrip())
    return " " * max(0, own - 2 + column) + line.lstrip()
