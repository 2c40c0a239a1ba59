"""A draft on its way to an entry: one answer after the other, each saved before the next is asked.

Nothing is accepted that the loader or the policy would refuse of the column. The file stays a draft until its last
column is accepted and the whole of it is sound beside the others: then the line that makes it a draft goes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from jobs.configuration import config, unaccepted, yaml_edit
from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.documents import Document, Fault, Loc, did_you_mean
from jobs.configuration.entry import UNDECIDED
from jobs.configuration.evidence_file import Seen
from jobs.configuration.finding import Finding, refused
from jobs.configuration.unaccepted import MARK
from jobs.console.exit_codes import Refused
from jobs.drafting import catalog_drafts, draft
from jobs.gates import configuration_gates
from jobs.gates.known import today
from jobs.policy import evidence_rules, stated_kinds, whys
from jobs.starting import seen_types
from jobs.starting.draft_columns import COLUMNS, Column
from jobs.starting.draft_file import DraftFile, stated
from privacy_udfs.techniques import BY_NAME, facts_of

NO_REASON = "the 'why' says nothing: say what the column is for, so that others can judge it"
OTHER = "other"
"""The kind of what the inventory is wrong about."""
MEND_KIND = "mend the class and the treatment, or say in 'evidence_overruled' why the inventory is wrong"
NOT_YET = {"owner": "nobody yet", "target": {"path": "/no/target/yet"}}
NO_COLUMN = {
    "none_yet": {
        "class": "direct_identifier",
        "treatment": next(name for name in BY_NAME if facts_of(name).drops_column),
        "why": "nothing is accepted yet",
    }
}
"""What stands for what nobody has stated yet, where a column is looked at by itself."""


class Draft(DraftFile):
    """One draft and the configuration around it. Every answer is written to the file before the next is asked."""

    def accept(self, path: str, class_: str, treatment: Any, why: str, overruled: str = "") -> list[str]:
        """Decide about a column, and save it. overruled: why the inventory is wrong about it, where the class is less
        than what it saw. Returns what the policy warns of. Raises `Refused`."""
        column = self.column(path)
        if column.by_cases:
            raise Refused(f"{path} is treated by cases: change it in {self.path}, and say why there")
        if not why.strip():
            raise Refused(f"{path}: say why: a reason that another person understands in a year")
        if UNDECIDED in (class_, treatment):
            raise Refused(f"{path}: what class it is of, and what becomes of it, is for you to say")
        is_less = self.is_less_than_its_kind(path, class_)
        if is_less and whys.overrules_nothing(overruled):
            raise Refused(f"{path}: class {class_} is less than its kind, {column.kind}: {MEND_KIND}")
        # else it would go on being called what it is not
        made = self._with(_decided(path, class_, treatment, why, overruled, OTHER if is_less else ""))
        warnings = self._judged(made, column)
        if overruled.strip() and not is_less and self.against(path, class_, treatment) is None:
            raise Refused(f"{path}: the inventory saw no more in it than this class says: nothing is to be overruled")
        self._save(made)
        return warnings

    def is_less_than_its_kind(self, path: str, class_: str) -> bool:
        """Whether a class says less than the kind that the column's draft states."""
        return stated_kinds.outranks(self.column(path).kind, class_)

    def against(self, path: str, class_: str, treatment: Any) -> Seen | None:
        """What the inventory saw in a column, where that is more than this decision says, or something else."""
        conf, _ = self._looked_at(self._part(self._with(_decided(path, class_, treatment, "not asked yet")), path))
        found = None if conf is None else conf.tables[self.table].decisions.get(str(ColumnPath.parse(path)))
        return None if found is None or conf is None else evidence_rules.against(conf.tables[self.table], found)

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
        stop_at(self._findings(conf))
        self._save(text)
        return conf

    def done(self) -> str:
        """What is told once it is finished."""
        return f"accepted; {self.path} is no draft any more"

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
        stop_at(said)
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
        document, lacking = self._expanded(self._whole(text)), self.lacks()

        def part(data: dict[str, Any]) -> dict[str, Any]:
            made = {name: value for name, value in data.items() if name != MARK}
            made |= {name: value for name, value in NOT_YET.items() if name in lacking and not _named(made.get(name))}
            columns = made.get(COLUMNS)
            for name, entry in list(columns.items()) if isinstance(columns, dict) else ():
                if name != path and not unaccepted.is_accepted(entry):
                    made[COLUMNS] = {key: value for key, value in made[COLUMNS].items() if key != name}
            return {**made, COLUMNS: made.get(COLUMNS) or NO_COLUMN}

        return dataclasses.replace(document, data=part(document.data), written=part(document.written))

    def _whole(self, text: str) -> str:
        """The text of the entry that it is, or will be."""
        return text


def _decided(
    path: str, class_: str, treatment: Any, why: str, overruled: str = "", kind: str = ""
) -> yaml_edit.Changes:
    here: Loc = (COLUMNS, path)
    said = {"why": why.strip(), "evidence_overruled": overruled.strip()}
    texts = {name: text.replace("${", "$${") for name, text in said.items() if text}
    return {
        (*here, "class"): (class_, draft.flow(class_)),
        (*here, "treatment"): (treatment, draft.flow(treatment)),
        **({(*here, "kind"): (kind, draft.flow(kind))} if kind else {}),
        **{(*here, name): (text, draft.quoted(text)) for name, text in texts.items()},
    }


def stop_at(found: list[Finding]) -> None:
    against = refused(found)
    if against:
        raise Refused("\n".join(each.message if each.place is None else str(each) for each in against))


def _named(value: Any) -> bool:
    return any(map(stated, value.values())) if isinstance(value, dict) else stated(value)


def _without_header(text: str) -> str:
    for header in (draft.HEADER, catalog_drafts.HEADER):
        text = text.removeprefix(header)
    return text
