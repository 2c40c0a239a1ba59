"""A draft on its way to an entry: one answer after the other, each saved before the next is asked.

Nothing is accepted that the loader or the policy would refuse of the column. The file stays a draft until its last
column is accepted and the whole of it is sound beside the others: then the line that makes it a draft goes.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.configuration import config, unaccepted, variables, yaml_edit, yaml_reader
from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.config_files import CATALOG, SECRET_IN_TABLES
from jobs.configuration.documents import Document, Fault, Loc, did_you_mean, one_of
from jobs.configuration.entry import UNDECIDED
from jobs.configuration.finding import Finding, refused
from jobs.configuration.unaccepted import MARK
from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage, Refused
from jobs.drafting import catalog_drafts, draft
from jobs.gates import configuration_gates
from jobs.gates.known import today
from jobs.policy import whys
from jobs.starting import draft_columns, seen_types
from jobs.starting.draft_columns import COLUMNS, Column
from privacy_udfs.techniques import BY_NAME, facts_of

NO_REASON = "the 'why' says nothing: say what the column is for, so that others can judge it"
NOT_YET = {"owner": "nobody yet", "target": {"path": "/no/target/yet"}}
NO_COLUMN = {
    "none_yet": {
        "class": "direct_identifier",
        "treatment": next(name for name in BY_NAME if facts_of(name).drops_column),
        "why": "nothing is accepted yet",
    }
}
"""What stands for what nobody has stated yet, where a column is looked at by itself."""


class Draft:
    """One draft and the configuration around it. Every answer is written to the file before the next is asked."""

    def __init__(self, folder: Path, table: str, environ: Mapping[str, str] = os.environ) -> None:
        self.folder, self.table, self.environ = folder, table, environ
        self.around = config.load(folder, environ)
        found = next((each for each in self.around.drafts if each.table == table), None)
        if found is None:
            raise BadUsage(_no_draft(self.around, folder, table))
        if found.problem:
            raise ConfigError([Fault(found.file, 0, "", found.in_words())])
        self.file, self.path = found.file, folder / found.file
        self.text = self._read()

    def _read(self) -> str:
        return self.path.read_bytes().decode("utf-8-sig")

    def columns(self) -> list[Column]:
        """In the order of the file."""
        return list(draft_columns.of(self._document(), self.text))

    def column(self, path: str) -> Column:
        """Raises `BadUsage` with a hint where there is none."""
        columns = {column.path: column for column in self.columns()}
        if path not in columns:
            raise BadUsage(f"{self.file} has no column {path}{did_you_mean(path, columns)}")
        return columns[path]

    def lacks(self) -> list[str]:
        """What of the table itself is not stated yet: ``owner``, ``target``."""
        data = self._document().written
        target = data.get("target")
        place = (target.get("path") or target.get("table")) if isinstance(target, dict) else None
        return [name for name, value in (("owner", data.get("owner")), ("target", place)) if not _stated(value)]

    # -- answers

    def accept(self, path: str, class_: str, treatment: Any, why: str) -> list[str]:
        """Decide about a column, and save it. Returns what the policy warns of. Raises `Refused`."""
        column = self.column(path)
        if column.by_cases:
            raise Refused(f"{path} is treated by cases: change it in {self.path}, and say why there")
        if not why.strip():
            raise Refused(f"{path}: say why: a reason that another person understands in a year")
        if UNDECIDED in (class_, treatment):
            raise Refused(f"{path}: what class it is of, and what becomes of it, is for you to say")
        here: Loc = (COLUMNS, path)
        text = why.strip().replace("${", "$${")
        changes = {
            (*here, "class"): (class_, draft.flow(class_)),
            (*here, "treatment"): (treatment, draft.flow(treatment)),
            (*here, "why"): (text, draft.quoted(text)),
        }
        made = self._with(changes)
        warnings = self._judged(made, column)
        self._save(made)
        return warnings

    def state(self, what: str, value: str) -> None:
        """State ``owner``, ``target`` (a path) or ``subject``, and save it."""
        has_more = what == "target" and isinstance(self._document().written.get(what), dict)
        loc, given = ((what, "path") if has_more else (what,)), {"path": value} if what == "target" else value
        given = value if has_more else given
        if what == "subject":
            self._has(value)
        if what == "owner":  # a name; a path may begin with a variable
            given = value.replace("${", "$${")
        made = self._with({loc: (given, draft.flow(given))})
        _, found = self._looked_at(self._part(made))
        faults = [each for each in found if each.key.split(".")[0] == what]
        if faults and what != "subject":
            raise Refused("\n".join(f"{each.key}: {each.message}" for each in faults))
        self._save(made)

    def _has(self, path: str) -> None:
        columns = [column.path for column in self.columns()]
        try:
            known = {str(ColumnPath.parse(each)) for each in columns}
            found = str(ColumnPath.parse(path)) in known
        except ColumnPathError as error:
            raise Refused(f"subject: {error}") from None
        if not found:
            raise Refused(f"subject: {self.file} has no column {path}{did_you_mean(path, columns)}")

    def finish(self) -> Config:
        """Make an entry of it: all of it is held against the rest of the configuration. Raises `Refused`,
        `ConfigError`; then it stays a draft."""
        left = [column.path for column in self.columns() if not column.accepted]
        if left or self.lacks():
            raise Refused(f"{self.table}: not accepted yet: {', '.join([*self.lacks(), *left])}")
        text = _without_header(self._with({}, (MARK,)))
        conf = config.load(self.folder, self.environ, {self.file: self._read_with_variables(text)})
        _stop_at(self._findings(conf))
        self._save(text)
        return conf

    # -- what an answer is held against

    def _judged(self, text: str, column: Column) -> list[str]:
        """What is to be said of a column as the text has it, warnings only. Raises `Refused`."""
        part = self._part(text, column.path)
        place = part.key((COLUMNS, column.path))
        conf, found = self._looked_at(part)
        faults = [each for each in found if f"{each.key}.".startswith((f"{place}.", f"{place}["))]
        if faults:
            raise Refused("\n".join(f"{each.key.removeprefix(f'{COLUMNS}.')}: {each.message}" for each in faults))
        if conf is None:
            return []  # of the table as a whole: told when it is finished
        of_type = seen_types.problem(conf.tables[self.table], column.path, column.type)
        if of_type:
            raise Refused(f"{column.path}: {of_type}")
        lines = {line for loc, line in part.lines.items() if loc[:2] == (COLUMNS, column.path)}
        said = [each for each in self._findings(conf) if each.place is not None and each.place.line in lines]
        _stop_at(said)
        rules = [(name, rule) for name, rule in conf.tables[self.table].columns.items() if rule.line in lines]
        empty = any(whys.lacks(name, rule) for name, rule in rules)
        return [each.message for each in said] + [NO_REASON] * empty

    def _findings(self, conf: Config) -> list[Finding]:
        """What the gates of the configuration say of the file."""
        found = configuration_gates.all_findings(conf, today())
        return [each for each in found if each.place is not None and each.place.file == self.file]

    def _looked_at(self, part: Document) -> tuple[Config | None, list[Fault]]:
        """The configuration with it, or its own faults."""
        try:
            return config.load(self.folder, self.environ, {self.file: part}), []
        except ConfigError as error:
            return None, [fault for fault in error.faults if fault.file == self.file]

    def _part(self, text: str, path: str | None = None) -> Document:
        """The draft as if it were accepted, with those of its columns only that are, and ``path``."""
        document, lacking = self._expanded(text), self.lacks()

        def part(data: dict[str, Any]) -> dict[str, Any]:
            made = {name: value for name, value in data.items() if name != MARK}
            made |= {name: value for name, value in NOT_YET.items() if name in lacking and not _named(made.get(name))}
            columns = made.get(COLUMNS)
            for name, entry in list(columns.items()) if isinstance(columns, dict) else ():
                if name != path and not unaccepted.is_accepted(entry):
                    made[COLUMNS] = {key: value for key, value in made[COLUMNS].items() if key != name}
            return {**made, COLUMNS: made.get(COLUMNS) or NO_COLUMN}

        return dataclasses.replace(document, data=part(document.data), written=part(document.written))

    # -- the file

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
        if self._read() != self.text:
            raise Refused(f"{self.path} was changed meanwhile, and is left as it is: begin again")
        whole_files.replace(self.path, text)
        self.text = text


def _stop_at(found: list[Finding]) -> None:
    against = refused(found)
    if against:
        raise Refused("\n".join(each.message if each.place is None else str(each) for each in against))


def _no_draft(conf: Config, folder: Path, table: str) -> str:
    if table in conf.tables:
        return f"{folder}/{conf.tables[table].file} is accepted already; change it in an editor"
    names = [each.table for each in conf.drafts]
    told = f"; drafts are there of {one_of(names)}" if names else ": no draft is in it"
    return f"{folder}/{CATALOG} has no draft of {table}{did_you_mean(table, names) or told}"


def _stated(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _named(value: Any) -> bool:
    return any(map(_stated, value.values())) if isinstance(value, dict) else _stated(value)


def _without_header(text: str) -> str:
    for header in (draft.HEADER, catalog_drafts.HEADER):
        text = text.removeprefix(header)
    return text
