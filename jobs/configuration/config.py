"""Reading ``conf/`` into frozen models: read -> validate -> resolve -> cross-check, and every fault in one report.

`load` needs no Spark. What it gives is sound in itself; whether it fits the tables is for
`jobs.treatment.treatment_plan`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from jobs.configuration import (
    audit_checks,
    bridge_checks,
    config_checks,
    erasure_checks,
    evidence_file,
    grants_checks,
    kept_values,
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
from jobs.configuration.config_files import (
    AUDIT,
    CATALOG,
    CONTROLLER,
    DOMAINS,
    GRANTS,
    KEYS,
    LINEAGE,
    POLICY,
    ConfigFiles,
)
from jobs.configuration.documents import Document, Fault, Loc, canonical_json, did_you_mean
from jobs.configuration.entry import Entry
from jobs.configuration.explain import explain
from jobs.configuration.grants_entry import Grants
from jobs.configuration.hierarchy_file import Hierarchies, Rows
from jobs.configuration.lineage_entry import Lineage
from jobs.configuration.models import (
    ColumnEntry,
    ColumnRule,
    Domain,
    Execution,
    KeyEntry,
    Mode,
    Policy,
    TableConfig,
    TableEntry,
)
from jobs.configuration.processing_entry import Controller
from jobs.configuration.treatments import Resolver, predicate_faults
from jobs.configuration.unaccepted import Unaccepted
from privacy_udfs.errors import BAD_USAGE, LakenymError
from privacy_udfs.scope_labels import domain_of

E = TypeVar("E", bound=Entry)


class ConfigError(LakenymError):
    """The configuration cannot be used. Holds every `Fault` of every file."""

    exit_code: ClassVar[int] = BAD_USAGE

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''} in the configuration"
        super().__init__("\n".join([count, *(f"  {fault}" for fault in faults)]))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)


@dataclasses.dataclass(frozen=True)
class Config:
    """A sound configuration. written: each file's content as it stands, for snapshots. lines: file -> key -> line, of
    the files outside the catalog. lineage: where it goes; None: nowhere. controller: who answers for the processing;
    None: not stated. audit: the log of runs; None where there is none. grants: who sees what; None: not stated.
    drafts: of the catalog, not accepted yet; their tables are none of ``tables``. evidence: what the inventory saw, of
    all tables; None where it never wrote any."""

    tables: Mapping[str, TableConfig]
    domains: Mapping[str, Domain]
    keys: Mapping[str, KeyEntry]
    policy: Policy
    written: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    lines: Mapping[str, Mapping[Loc, int]] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    lineage: Lineage | None = dataclasses.field(default=None, compare=False)
    controller: Controller | None = dataclasses.field(default=None, compare=False)
    audit: Audit | None = None
    grants: Grants | None = dataclasses.field(default=None, compare=False)
    drafts: Sequence[Unaccepted] = dataclasses.field(default=(), compare=False)
    evidence: evidence_file.House | None = dataclasses.field(default=None, repr=False, compare=False)

    @functools.cached_property
    def of_kind(self) -> Mapping[str, Sequence[tuple[str, ColumnRule]]]:
        """Kind -> the columns, or their cases, that are stated to hold it, each by its table and its path."""
        found: dict[str, list[tuple[str, ColumnRule]]] = {}
        for table in self.tables.values():
            for path, rule in table.columns.items():
                if rule.kind is not None:
                    found.setdefault(rule.kind, []).append((f"{table.name}: {path}", rule))
        return found


def executed_by(config: Config, execution: Execution | None) -> Config:
    """The same, with all tables treated in one way; None: each as its entry says."""
    if execution is None:
        return config
    tables = {name: dataclasses.replace(table, execution=execution) for name, table in config.tables.items()}
    return dataclasses.replace(config, tables=tables)


def in_mode(config: Config, mode: Mode | None) -> Config:
    """The same, with all tables written in one mode; None: each as its target says."""
    if mode is None:
        return config
    tables = {name: dataclasses.replace(table, asked=mode) for name, table in config.tables.items()}
    return dataclasses.replace(config, tables=tables)


def in_partitions(config: Config, where: str | None) -> Config:
    """The same, with a predicate over partition columns that chooses which are written; None: nobody chose."""
    tables = {name: dataclasses.replace(table, where=where) for name, table in config.tables.items()}
    return dataclasses.replace(config, tables=tables)


def load(
    conf_dir: Path, environ: Mapping[str, str] = os.environ, instead: Mapping[str, Document] = MappingProxyType({})
) -> Config:
    """The configuration in ``conf_dir``. Raises `ConfigError`; no message of it shows what comes from ``environ``.
    instead: file -> what it is to hold, as if it were accepted: for drafts that somebody is at."""
    with _collection_paused():
        return _Loader(Path(conf_dir), environ, instead).load()


@contextlib.contextmanager
def _collection_paused() -> Iterator[None]:
    """Nearly all that loading makes is kept: looking for garbage meanwhile took a quarter of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def chosen(config: Config, names: Sequence[str] | None) -> list[str]:
    """The tables that were asked for, each once; None asks for all. Raises `ConfigError` if one is unknown."""
    unknown = [name for name in names or () if name not in config.tables]
    faults = [Fault(CATALOG, 0, name, no_table(config, name)) for name in unknown]
    if not config.tables and not faults:
        faults = [Fault(CATALOG, 0, "", no_tables(config))]
    if faults:
        raise ConfigError(faults)
    return list(dict.fromkeys(config.tables if names is None else names))


def no_table(config: Config, name: str) -> str:
    """What to say of a name that is no table's; of a draft's, what it is."""
    draft = next((draft for draft in config.drafts if draft.table == name), None)
    return f"no such table{did_you_mean(name, config.tables)}" if draft is None else draft.in_words()


def no_tables(config: Config) -> str:
    """What to say where there are none."""
    return "holds no tables" if not config.drafts else f"holds no accepted table, and {_drafts(len(config.drafts))}"


def _drafts(count: int) -> str:
    return "one draft" if count == 1 else f"{count:,} drafts"


def snapshot(config: Config, table: str) -> str:
    """Everything that decides about a table, as canonical JSON: equal text for equal decisions.

    Variables stay unexpanded, so that nothing of the environment enters. Rows of hierarchies enter by hash. Tables
    whose values are looked for in its texts enter too.
    """
    others = known_elsewhere.tables_behind(config.tables, table)
    entries = [config.tables[name] for name in (table, *others)]
    treatments = [each for entry in entries for rule in entry.columns.values() for each in rule.treatment.each]
    domains = {domain_of(treatment.domain) for treatment in treatments} & config.domains.keys()
    quarantines = {entry.quarantine.key for entry in entries if entry.quarantine is not None}
    keys = ({treatment.key for treatment in treatments} | quarantines) & config.keys.keys()
    elsewhere = {name: _written(config, name) for name in others}
    return canonical_json(
        {
            **_written(config, table),
            "domains": {name: config.written[DOMAINS][name] for name in domains},
            "keys": {name: config.written[KEYS][name] for name in keys},
            "policy": config.written[POLICY],
            **({"elsewhere": elsewhere} if elsewhere else {}),
        }
    )


def _written(config: Config, table: str) -> dict[str, Any]:
    ladders = _ladders(config, table)
    return {
        "table": config.written[config.tables[table].file],
        "hierarchies": {path: sha256(rows) for path, rows in hierarchies(config, table).items()},
        **({"ladders": {path: sha256(rows) for path, rows in ladders.items()}} if ladders else {}),
    }


def _ladders(config: Config, table: str) -> dict[str, str]:
    """Column -> the rows of its ladder in ``mondrian`` as canonical JSON, where that is a file."""
    return {path: canonical_json(rows) for path, rows in config.tables[table].ladders.items()}


def snapshot_sha256(config: Config, table: str) -> str:
    """The SHA-256 of `snapshot`, in hex."""
    return sha256(snapshot(config, table))


def hierarchies(config: Config, table: str) -> dict[str, str]:
    """Column -> the rows of its hierarchy as canonical JSON."""
    techniques = {path: rule.treatment.technique for path, rule in config.tables[table].columns.items()}
    levels = {path: getattr(technique, "levels", None) for path, technique in techniques.items()}
    return {path: canonical_json(rows) for path, rows in levels.items() if rows is not None}


def hierarchy_rows(config: Config, table: str) -> list[str]:
    """The rows of each hierarchy, and of each ladder, whose hash `snapshot` holds, as canonical JSON."""
    names = (table, *known_elsewhere.tables_behind(config.tables, table))
    return [rows for name in names for kind in (hierarchies, _ladders) for rows in kind(config, name).values()]


def sha256(text: str) -> str:
    """Of the text's UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class _Loader:
    """One call of `load`. Every step adds to ``faults`` and goes on."""

    def __init__(self, conf_dir: Path, environ: Mapping[str, str], instead: Mapping[str, Document]) -> None:
        self.faults: list[Fault] = []
        self.files = ConfigFiles(conf_dir, environ, self.faults)
        self.instead = instead

    def load(self) -> Config:
        if not self.files.folder.is_dir():
            raise ConfigError([Fault(str(self.files.folder), 0, "", "expected a folder with the configuration")])
        self.files.look_for_misplaced()
        evidence = evidence_file.read(self.files.folder)
        policy = self._policy()
        lineage = self._alone(LINEAGE, Lineage, secret=(("to",), ("token",)))
        controller = self._alone(CONTROLLER, Controller)
        keys, key_names = self._keys()
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
        self.faults += monitoring_checks.check(drafts)
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
