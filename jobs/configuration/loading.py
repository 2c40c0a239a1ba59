"""``conf/`` read, validated, resolved and held against itself, file by file; each step adds its faults and goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from jobs.configuration import (
    audit_checks,
    bridge_checks,
    config_checks,
    erasure_checks,
    evidence_file,
    grants_checks,
    kept_values,
    key_checks,
    known_elsewhere,
    mondrian_checks,
    monitoring_checks,
    quarantine_checks,
    retention_checks,
    reversal_checks,
    rotation_entry,
    scope_checks,
    subject_access_entry,
    subject_key_checks,
    subject_steps,
    suppress_checks,
    unaccepted,
    vault_checks,
)
from jobs.configuration.audit_entry import Audit
from jobs.configuration.column_path import ColumnPath, ColumnPathError, When
from jobs.configuration.config_checks import Draft, DraftColumn, draft_columns
from jobs.configuration.config_files import AUDIT, CONTROLLER, DOMAINS, GRANTS, KEYS, LINEAGE, POLICY, ConfigFiles
from jobs.configuration.documents import Document, Fault, Loc
from jobs.configuration.entry import Entry
from jobs.configuration.explain import explain
from jobs.configuration.grants_entry import Grants
from jobs.configuration.hierarchy_file import Hierarchies, Rows
from jobs.configuration.lineage_entry import Lineage
from jobs.configuration.models import ColumnEntry, Domain, KeyEntry, Policy, TableConfig, TableEntry
from jobs.configuration.processing_entry import Controller
from jobs.configuration.sound_config import Config, ConfigError
from jobs.configuration.treatments import Resolver, predicate_faults
from jobs.configuration.unaccepted import Unaccepted

E = TypeVar("E", bound=Entry)


class Loader:
    """One call of `load`. Every step adds to ``faults`` and goes on."""

    def __init__(self, conf_dir: Path, environ: Mapping[str, str], instead: Mapping[str, Document]) -> None:
        self.faults: list[Fault] = []
        self.files = ConfigFiles(conf_dir, environ, self.faults)
        self.instead = instead

    def load(self) -> Config:
        if not self.files.folder.is_dir():
            raise ConfigError([Fault(str(self.files.folder), 0, "", "expected a folder with the configuration")])
        self.files.look_for_misplaced()
        policy = self._policy()
        evidence = evidence_file.read(self.files.folder, policy is not None and policy.evidence)
        lineage = self._alone(LINEAGE, Lineage, secret=(("to",), ("token",)))
        controller = self._alone(CONTROLLER, Controller)
        keys, key_names = self._keys()
        self.faults += key_checks.check(keys)
        resolver = Resolver(self.faults, Hierarchies(self.files.folder, self.faults), key_names)
        resolver.subject_keys = {name: entry.subject_keys for name, entry in keys.items()}
        domains = self._domains(resolver)
        not_yet = unaccepted.of(self.files.folder, set(self.files.catalog_files()) - self.instead.keys())
        drafts = [self._draft(document, resolver) for document in self._catalog(not_yet)]
        self.faults += config_checks.check(drafts, policy)
        self.faults += quarantine_checks.check(drafts, keys, key_names, domains)
        self.faults += suppress_checks.check(drafts)
        self.faults += mondrian_checks.check(drafts)
        ladders = [mondrian_checks.files(draft, resolver.hierarchies) for draft in drafts]
        self.faults += known_elsewhere.check(drafts)
        self.faults += monitoring_checks.check(drafts, policy, key_names)
        self.faults += scope_checks.check(drafts)
        self.faults += kept_values.check(drafts)
        self.faults += retention_checks.check(drafts)
        named = {draft.entry.table for draft in drafts if draft.entry is not None}
        if evidence is not None:
            evidence.tell(named, self.faults)
        self.faults += reversal_checks.check(policy, key_names, named, domains)
        self.faults += rotation_entry.check(None if policy is None else policy.rotation, key_names)
        access = None if policy is None else policy.subject_access
        self.faults += subject_access_entry.check(access, key_names, named, domains)
        self.faults += vault_checks.check(drafts, domains)
        self.faults += subject_key_checks.check(drafts, resolver.subject_keys, domains)
        audit = self._audit(drafts, keys, key_names, domains)
        self.faults += bridge_checks.check(policy, drafts, domains, keys, key_names, audit)
        grants = self._grants(drafts, policy)
        self.faults += erasure_checks.check(policy, drafts, keys, key_names, domains, audit)
        if self.faults:
            raise ConfigError(self.files.report())
        assert policy is not None
        read = {table.name: table for table in map(_table, drafts, ladders)}
        tables = known_elsewhere.filled(evidence_file.held(read, evidence, self.files.written))
        lines = {file: self.files.lines.get(file, {}) for file in (POLICY, DOMAINS, KEYS, GRANTS)}
        return Config(
            tables, domains, keys, policy, self.files.written, lines, lineage, controller, audit, grants,
            tuple(sorted(not_yet.values(), key=lambda draft: draft.file)), evidence,
        )  # fmt: skip

    def _catalog(self, not_yet: Mapping[str, Unaccepted]) -> list[Document]:
        for file, document in self.instead.items():
            self.files.written[file] = document.written
        return [*self.files.catalog({*not_yet, *self.instead}), *self.instead.values()]

    def _validate(self, model: type[E], document: Document, at: Loc, data: Any) -> E | None:
        try:
            return model.model_validate(data, by_alias=True, by_name=False)
        except ValidationError as error:
            self.faults += explain(error, document, at, model)
            return None

    def _policy(self) -> Policy | None:
        if not (self.files.folder / POLICY).exists():
            self.faults.append(Fault(POLICY, 0, "", "required, and missing: it says what each class allows"))
            return None
        document = self.files.read(POLICY)
        return None if document is None else self._validate(Policy, document, (), document.data)

    def _alone(self, file: str, model: type[E], secret: tuple[Loc, ...] = ()) -> E | None:
        """A file that is one entry, and may be left out."""
        if not (self.files.folder / file).exists():
            return None
        document = self.files.read(file, secret)
        return None if document is None else self._validate(model, document, (), document.data)

    def _keys(self) -> tuple[dict[str, KeyEntry], set[str] | None]:
        document = self.files.read_names(KEYS, secret=((),))
        if document is None:
            return {}, None
        entries = {name: self._validate(KeyEntry, document, (name,), value) for name, value in document.data.items()}
        return {name: entry for name, entry in entries.items() if entry is not None}, set(entries)

    def _audit(
        self,
        drafts: Sequence[Draft],
        keys: Mapping[str, KeyEntry],
        key_names: set[str] | None,
        domains: Mapping[str, Domain],
    ) -> Audit | None:
        if not (self.files.folder / AUDIT).exists():
            return None
        document = self.files.read(AUDIT)
        audit = None if document is None else self._validate(Audit, document, (), document.data)
        if document is not None and audit is not None:
            self.faults += audit_checks.check(document, audit, drafts, keys, key_names, domains)
        return audit

    def _grants(self, drafts: Sequence[Draft], policy: Policy | None) -> Grants | None:
        if not (self.files.folder / GRANTS).exists():
            return None
        document = self.files.read(GRANTS)
        grants = None if document is None else self._validate(Grants, document, (), document.data)
        if document is not None and grants is not None:
            self.faults += grants_checks.check(document, grants, drafts, policy)
        return grants

    def _domains(self, resolver: Resolver) -> dict[str, Domain]:
        document = self.files.read_names(DOMAINS)
        if document is None:
            return {}
        found = {name: resolver.domain(document, name, value) for name, value in document.data.items()}
        resolver.domains = found
        return {
            name: Domain(name, treatment, document.line((name,)))
            for name, treatment in found.items()
            if treatment is not None
        }

    def _draft(self, document: Document, resolver: Resolver) -> Draft:
        entry = self._validate(TableEntry, document, (), document.data)
        subject = document.data.get("subject")
        path = self._path(document, ("subject",), subject) if isinstance(subject, str) else None
        self.faults += predicate_faults(document, ("rows",))
        return Draft(document, entry, path, self._columns(document, resolver))

    def _columns(self, document: Document, resolver: Resolver) -> dict[str, DraftColumn]:
        columns: dict[str, DraftColumn] = {}
        written = document.data.get("columns")
        for key, value in written.items() if isinstance(written, dict) else ():
            loc = ("columns", key)
            path = self._path(document, loc, key)
            entry = self._validate(ColumnEntry, document, loc, value)
            decided = resolver.decisions(document, loc, value)
            for column in () if path is None else draft_columns(document, path, loc, entry, decided):
                first = columns.setdefault(str(column.path), column)
                if first is not column:
                    line = document.line(first.loc)
                    self.faults.append(document.fault(loc, f"is the column of line {line} in another notation"))
        return columns

    def _path(self, document: Document, loc: Loc, text: str) -> ColumnPath | None:
        try:
            path = ColumnPath.parse(text)
            if any(isinstance(step, When) for step in path.steps):
                raise ColumnPathError("the cases of a column are written under its 'when'")
            return path
        except ColumnPathError as error:
            self.faults.append(document.fault(loc, f"not a column path: {error}"))
            return None


def _table(draft: Draft, ladders: Mapping[str, Rows]) -> TableConfig:
    entry = draft.entry
    assert entry is not None
    decisions = subject_steps.filled(draft.subject, draft.decisions())
    return TableConfig(
        name=entry.table,
        owner=entry.owner,
        source=entry.source,
        target=entry.target,
        subject=draft.subject,
        rows=entry.rows,
        decisions=decisions,
        file=draft.document.file,
        line=draft.document.line(("table",)),
        review_by=entry.review_by,
        retention=None if entry.retention is None else entry.retention.span,
        kept=entry.retention if entry.retention is not None and entry.retention.is_enforced else None,
        execution=entry.execution,
        on_refused=entry.on_refused,
        quarantine=entry.quarantine,
        risk=entry.risk,
        suppress=entry.suppress,
        mondrian=entry.mondrian,
        ladders=ladders,
        processing=entry.processing,
        made_for=entry.made_for,
        monitoring=entry.monitoring,
    )
