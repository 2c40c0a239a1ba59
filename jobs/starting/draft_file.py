"""The file of a draft: its columns, what it lacks, and how it is written.

Nothing is judged here (`jobs.starting.acceptance`). Each change is of one value; every other line stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.configuration import config, variables, yaml_edit, yaml_reader
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.config_files import CATALOG, SECRET_IN_TABLES
from jobs.configuration.documents import Document, Fault, did_you_mean, one_of
from jobs.console import next_step, whole_files
from jobs.console.exit_codes import BadUsage, Refused
from jobs.starting import draft_columns
from jobs.starting.draft_columns import Column


class DraftFile:
    """One draft and the configuration around it."""

    def __init__(
        self, folder: Path, table: str, environ: Mapping[str, str] = os.environ, around: Config | None = None
    ) -> None:
        self.folder, self.table, self.environ = folder, table, environ
        self.around = config.load(folder, environ) if around is None else around
        self.path = folder
        self.file = self._found()
        self.text = self._read()

    def _found(self) -> str:
        """The file of the entry that it is of, or will be."""
        found = next((each for each in self.around.drafts if each.table == self.table), None)
        if found is None:
            raise BadUsage(_no_draft(self.around, self.folder, self.table))
        if found.problem:
            raise ConfigError([Fault(found.file, 0, "", found.in_words())])
        self.path = self.folder / found.file
        return found.file

    def _read(self) -> str:
        return self.path.read_bytes().decode("utf-8-sig")

    def columns(self) -> list[Column]:
        """In the order of the file."""
        return list(draft_columns.of(self._document(), self.text))

    def column(self, path: str) -> Column:
        """Raises `BadUsage` with a hint where there is none."""
        columns = {column.path: column for column in self.columns()}
        if path not in columns:
            raise BadUsage(f"{CATALOG}/{self.path.name} has no column {path}{did_you_mean(path, columns)}")
        return columns[path]

    def lacks(self) -> list[str]:
        """What of the table itself is not stated yet: ``owner``, ``target``."""
        data = self._document().written
        target = data.get("target")
        place = (target.get("path") or target.get("table")) if isinstance(target, dict) else None
        return [name for name, value in (("owner", data.get("owner")), ("target", place)) if not stated(value)]

    def _document(self) -> Document:
        return self._expanded(self.text)

    def _expanded(self, text: str, faults: list[Fault] | None = None) -> Document:
        """faults: where variables that are not set are told; None: they are told when the draft is finished."""
        wrong: list[Fault] = []
        document = yaml_reader.parse(text, self.file, wrong, SECRET_IN_TABLES)
        if document is None or wrong:
            raise ConfigError(wrong)
        return variables.expand(document, self.environ, [] if faults is None else faults)

    def _read_with_variables(self, text: str) -> Document:
        faults: list[Fault] = []
        document = self._expanded(text, faults)
        if faults:
            raise ConfigError(faults)
        return document

    def _with(self, changes: yaml_edit.Changes, without: tuple[str, ...] = ()) -> str:
        try:
            return yaml_edit.with_values(self.text, changes, without)
        except yaml_edit.CannotEdit as error:
            raise Refused(f"{self.path}: {error}") from None

    def _save(self, text: str) -> None:
        self._check_as_it_was()
        whole_files.replace(self.path, self._written(text))
        self.text = text

    def _check_as_it_was(self) -> None:
        if self._read() != self.text:
            raise Refused(f"{self.path} was changed meanwhile, and is left as it is: begin again")

    def _written(self, text: str) -> str:
        """The text as it stands in the file."""
        return text


def _no_draft(conf: Config, folder: Path, table: str) -> str:
    if table in conf.tables:
        file = f"{folder}/{conf.tables[table].file}"
        command = next_step.command("inventory", "--table", table, "--output", folder / CATALOG)
        of_csv = "state them in source.schema, then " if conf.tables[table].source.schema_ else ""
        return f"{file} is accepted already; change it in an editor (for new columns: {of_csv}{command})"
    names = [each.table for each in conf.drafts]
    told = f"; drafts are there of {one_of(names)}" if names else ": no draft is in it"
    return f"{folder}/{CATALOG} has no draft of {table}{did_you_mean(table, names) or told}"


def stated(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
