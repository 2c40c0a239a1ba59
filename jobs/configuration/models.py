"""What the configuration says, as frozen models. `config.load` makes them from files; nothing else need.

`Source`, `Target`, `KeyEntry` and `Policy` are read as they stand. `TableEntry` and `ColumnEntry` are the text of a
catalog file; `TableConfig` and `ColumnRule` are what it means once paths, domains and techniques are resolved.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jobs.configuration import reader_options, target_properties
from jobs.configuration.column_path import ColumnPath, When
from jobs.configuration.documents import one_of
from jobs.configuration.entry import (
    TABLE_PATTERN,
    Class,
    DecidedClass,
    Entry,
    KeyId,
    Name,
    Names,
    NotBlank,
    Predicate,
    Retention,
    Uri,
)
from jobs.configuration.erasure_entry import Erasure
from jobs.configuration.hierarchy_file import Rows
from jobs.configuration.kinds import KindName
from jobs.configuration.limits_entry import Limits
from jobs.configuration.made_for import MadeFor
from jobs.configuration.monitoring_bounds import PolicyMonitoring, TableMonitoring
from jobs.configuration.policy_entries import (
    Approved,
    ClassPolicy,
    Deprecation,
    KeyAge,
    ProfileException,
    Profiles,
    Snapshots,
    Thresholds,
)
from jobs.configuration.processing_entry import Processing
from jobs.configuration.retention_entry import RetentionRule, StatedRetention
from jobs.configuration.reversal_entry import Reversal
from jobs.configuration.risk_bounds import MEASURES_OF, Mondrian, PolicyRisk, RiskBounds, Suppress
from jobs.configuration.rotation_entry import Rotation
from jobs.configuration.subject_access_entry import SubjectAccess
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.configuration.uris import TablePath, without_user
from jobs.configuration.vault_entry import VaultEntry
from privacy_udfs.parameters import IsoDate
from privacy_udfs.scope_labels import PERSON
from privacy_udfs.technique import Technique

MOST_CASES = 100
_PATTERN, _VARIABLE = re.compile(r"[*?\[\]{}]"), re.compile(r"\$\{[^{}]*\}")

Accepted = Literal["accepted"]
Execution = Literal["auto", "columnar", "spark"]
"""How a table is treated: file by file in whole Arrow arrays, by Spark's rows, or the first wherever it fits."""
Mode = Literal["full", "incremental", "partitions", "changes", "stream"]
"""What a run writes: all rows of the source anew, those that the source gained since the run before, those of
partitions that whoever runs it chooses, or what changed since the run before: rows inserted, updated and deleted; as a
stream those that the source gained, again and again."""
ADDING: tuple[Mode, ...] = ("incremental", "stream")
"""Modes whose runs add what the source gained."""
OnRefused = Literal["stop", "quarantine"]
"""What becomes of a row with a value that its technique cannot treat: the run stops, or the row is set aside."""
RowOrder = Literal["auto", "shuffled", "source"]
"""In what order the rows of a target stand in its files: at random, as they came from the source, or at random where
direct identifiers were treated, so that the order does not tell whose row it is."""
PartitionType = Literal["string", "tinyint", "smallint", "int", "bigint", "date", "timestamp"]


class Source(Entry):
    """Where a table is read from: files at a path in a format, or a table by name."""

    path: TablePath | None = None
    """A folder or a file, or a pattern such as ``raw/*.csv``; may hold variables, ``${LAKE}``. With ``format``."""
    format: Literal["delta", "parquet", "csv", "json", "orc"] | None = None
    """What the files at ``path`` are."""
    table: NotBlank | None = None
    """A table by its name in the metastore, in place of ``path`` and ``format``."""
    options: dict[str, str] = Field(default={})
    """Of the reader, such as ``header`` and ``sep`` of CSV: docs/sources.md. Others than those there are refused."""
    schema_: Annotated[NotBlank | None, Field(alias="schema")] = None
    """Columns and types of CSV and JSON as DDL: ``id STRING, born DATE, amount DECIMAL(10,2)``. What does not fit its
    type stops the run."""
    partitions: dict[NotBlank, PartitionType] = Field(default={})
    """The types of columns that are folders (``cust=7``); they are text where none is stated."""
    personal_paths: Accepted | None = None
    """Consent to a source whose paths hold values of personal columns."""
    treated_again: Accepted | None = None
    """Consent to a source that is itself treated."""

    @field_validator("options")
    @classmethod
    def _in_one_spelling(cls, options: dict[str, str], given: ValidationInfo) -> dict[str, str]:
        return reader_options.normalized(given.data.get("format") or reader_options.TABLE, options)

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected either 'path' and 'format', or 'table'")
        if (self.path is None) != (self.format is None):
            raise ValueError("expected 'format' with 'path', and without it none")
        if self.schema_ is not None and self.format not in ("csv", "json"):
            raise ValueError("expected 'schema' for csv and json only; other sources have their own")
        if self.partitions and self.format in (None, "delta"):
            raise ValueError("expected 'partitions' for files only; a Delta table or one by name has its own types")
        return self

    @property
    def kind(self) -> str:
        """Its format, or `reader_options.TABLE`."""
        return self.format or reader_options.TABLE

    def describe(self) -> str:
        """For logs: format and place, without what a URI may hold before its host."""
        return self.table or f"{self.format}:{without_user(str(self.path))}"


class _Written(Entry):
    """Where rows are written: a Delta table by path or by name."""

    path: TablePath | None = None
    """The folder of the Delta table; may hold variables. This or ``table``."""
    table: NotBlank | None = None
    """The table's name in the metastore. This or ``path``."""

    @field_validator("path")
    @classmethod
    def _is_one_place(cls, path: str | None) -> str | None:
        if path is not None and _PATTERN.search(_VARIABLE.sub("", path)):
            raise ValueError("expected one place, got a path with one of *?[]{}, which readers take for a pattern")
        return path

    @model_validator(mode="after")
    def _is_path_or_name(self) -> _Written:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected exactly one of 'path' and 'table'")
        return self


class Target(_Written):
    """Where a treated table is written: a Delta table by path or by name."""

    partition_by: Names = ()
    """Columns of the treated table by which its files lie in folders. Values of them are names of folders."""
    cluster_by: Names = ()
    """Columns by which Delta clusters the files; not with ``partition_by``."""
    properties: dict[str, str] = Field(default={})
    """Delta table properties. Those that would break a promise are refused, with the reason."""
    mode: Mode = "full"
    """What a run writes: all rows anew, those that the source gained (once, or as a stream), what changed, or
    partitions that whoever runs it chooses: docs/growing_tables.md."""
    key: Names = ()
    """The columns that tell rows apart, for ``mode: changes``."""
    row_order: RowOrder = "auto"
    """The order of rows in files: at random, as they came, or (``auto``) at random where direct identifiers are
    treated."""

    @field_validator("properties")
    @classmethod
    def _breaks_no_promise(cls, properties: dict[str, str]) -> dict[str, str]:
        reasons = {name: target_properties.refusal(name, value) for name, value in properties.items()}
        refused = [f"{name!r} is refused: {reason}" for name, reason in reasons.items() if reason is not None]
        if refused:
            raise ValueError("; ".join(refused))
        return properties

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        if self.partition_by and self.cluster_by:
            raise ValueError("expected 'partition_by' or 'cluster_by', not both")
        if self.mode == "changes" and not self.key:
            raise ValueError("expected 'key' with mode: changes: the columns that tell the rows of the table apart")
        return self


class Quarantine(_Written):
    """Where refused rows of a table stand, encrypted under a key that serves nothing else: a Delta table by path, or by
    name, which several tables may share."""

    key: Name
    """A name of keys.yaml; the key serves nothing else."""
    at_most: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.01
    """The share of a run's rows, and of all rows of the table, that may be set aside; with more the run stops. Some
    few are always let be."""


class CaseEntry(Entry):
    """One case of a column's ``when``, as written: which rows, and what is done to the column in them."""

    rows: Predicate
    """Which rows: a Spark SQL condition over the source's columns. Exactly one case must be true for each row."""
    treatment: Any
    """What is done to the column in these rows."""


# that there are at least two is told by `Resolver`: pydantic would count those without a fault only
Cases = Annotated[tuple[CaseEntry, ...], Field(strict=False, max_length=MOST_CASES, json_schema_extra={"minItems": 2})]


class ColumnEntry(Entry):
    """The decision about one column, as written: one treatment, or cases of which each row falls under exactly one."""

    class_: Annotated[DecidedClass, Field(alias="class")]
    """What the column is; policy.yaml says which techniques that allows."""
    treatment: Any = None
    """What is done to it: one of the [treatments](#treatments)."""
    when: Cases | None = None
    """In place of ``treatment``: two or more cases, by row: docs/governance.md."""
    why: NotBlank
    """Why so, in a sentence for whoever asks later. It stands in the record."""
    kind: KindName | None = None
    """What the column holds, for the profiles of the policy: docs/profiles.md."""
    evidence_overruled: NotBlank | None = None
    """Why the inventory is wrong about the column, where it saw more in it than the class says."""
    review_by: IsoDate | None = None
    """When the decision is to be looked at again, ``YYYY-MM-DD``."""
    retention: Retention | None = None
    """How long values are kept, in words: ``90 days``, ``7 years``. Nothing is done by it."""
    statistics: bool | None = None
    """Whether its least and greatest values are kept beside the rows, for readers to skip files by: docs/statistics.md.
    Left out: as its class has it."""


class TableEntry(Entry):
    """A catalog file, as written; its columns are each read as a `ColumnEntry`, so that a fault in one hides none."""

    table: Annotated[str, Field(pattern=TABLE_PATTERN)]
    """The name of the treated table, by which jobs and people call it. The file has the same name."""
    draft: bool = False
    """Not accepted yet: no job treats the table before this line is gone; ``jobs/accept.py`` takes it out."""
    owner: NotBlank
    """Who answers for it: a person, a team, an address."""
    source: Source
    """Where rows come from."""
    target: Target
    """Where treated rows go."""
    subject: str | None = None
    """The column that tells whose row it is: techniques that go by person, risk, erasure and subject access need it."""
    rows: Predicate | None = None
    """Which rows of the source are treated at all: docs/governance.md. Left out: all."""
    review_by: IsoDate | None = None
    """When all of it is to be looked at again, ``YYYY-MM-DD``."""
    retention: StatedRetention | None = None
    """How long rows, and old versions, are kept: docs/retention.md."""
    execution: Execution = "auto"
    """How: file by file in whole Arrow arrays, by Spark's rows, or (``auto``) the first wherever it fits."""
    on_refused: OnRefused = "stop"
    """What becomes of a row with a value that its technique cannot treat: the run stops, or the row is set aside."""
    quarantine: Quarantine | None = None
    """Where such rows are set aside, encrypted: docs/refused_values.md."""
    risk: RiskBounds = RiskBounds()
    """What the rows are held to before they are committed: docs/risk.md. Left out: as the policy has it."""
    suppress: Suppress | None = None
    """Keeps rows in small classes out of the table."""
    mondrian: Mondrian | None = None
    """Gives all rows the values of boxes that enough people share."""
    processing: Processing = Processing()
    """For the record of processing: docs/records.md."""
    made_for: MadeFor | None = None
    """One recipient or purpose that all of the table is made for: docs/scopes.md."""
    monitoring: TableMonitoring = TableMonitoring()
    """From where on a change is told of: docs/monitoring.md."""
    columns: Annotated[dict[str, Any], Field(min_length=1)]
    """The decision for every leaf column, by its path: ``a``, ``a.b``, ``a[]``, ``a{key}``, ``a{value}``."""

    @model_validator(mode="after")
    def _has_a_quarantine(self) -> TableEntry:
        if self.on_refused == "quarantine" and self.quarantine is None:
            raise ValueError("expected 'quarantine', a place and a key for the rows that 'on_refused' sets aside")
        return self


class ReversalKey(Entry):
    """Where the way back opens a named keyset: a copy of it, or the same place, and the key that encrypts it there."""

    keyset: Uri
    kek: Uri | None = None


class KeyEntry(Entry):
    """Where a named keyset is. kek: the key that encrypts it. deliver: who resolves it. created: when each version was
    made, by its id, which Tink's keysets do not say. reversal: where it is opened to turn values back; nowhere if left
    out. subject_keys: where a key for each subject stands, for ``key_per: subject``."""

    keyset: Uri
    kek: Uri | None = None
    deliver: Literal["executor", "driver"] = "executor"
    created: dict[KeyId, IsoDate] = Field(default={})
    reversal: ReversalKey | None = None
    subject_keys: SubjectKeysEntry | None = None

    @property
    def places(self) -> tuple[tuple[str, str | None], ...]:
        """Each keyset's address and that of its key-encryption key."""
        back = () if self.reversal is None else ((self.reversal.keyset, self.reversal.kek),)
        return ((self.keyset, self.kek), *back)


class Policy(Entry):
    """Which techniques each class allows, and what must hold besides. A class that is not named allows none.

    thresholds: for reports. risk: what the rows of a run are held to. monitoring: from where on a change of a treated
    table is told. require: what each column must state, or its table for it;
    of each domain of scope ``person``, ``why`` (``scope``). review_grace_days: how long after
    ``review_by`` a table is still treated, with a warning; for ever if left out. profile: the laws and standards whose
    rules hold besides (`jobs.policy.profiles`). profile_exceptions: what of them someone takes the responsibility for.
    reversal: who may have values turned back (`jobs/reidentify.py`); nobody if left out.
    subject_access: who may be given all that is held of one person (`jobs/subject.py`); nobody if left out.
    rotation: which keys' columns may be re-encrypted from the treated tables (`jobs/rotate_keys.py`); none if left out.
    limits: how much may be treated under a key in an hour and a day, by the audit log; as much as anyone likes if left
    out. erasure: by which key the erased are told, and the list that keeps them out of later runs; none if left out.
    """

    version: NotBlank
    classes: dict[Class, ClassPolicy]
    thresholds: Thresholds = Thresholds()
    risk: PolicyRisk = PolicyRisk()
    monitoring: PolicyMonitoring = PolicyMonitoring()
    require: Annotated[tuple[Literal["review_by", "retention", "scope"], ...], Field(strict=False)] = ()
    review_grace_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    approved: Approved = Approved()
    deprecated: Annotated[tuple[Deprecation, ...], Field(strict=False)] = ()
    snapshots: Snapshots | None = None
    keys: KeyAge | None = None
    profile: Profiles = ()
    profile_exceptions: Annotated[tuple[ProfileException, ...], Field(strict=False)] = ()
    reversal: Reversal | None = None
    rotation: Rotation | None = None
    subject_access: SubjectAccess | None = None
    limits: Limits | None = None
    erasure: Erasure | None = None

    @field_validator("classes")
    @classmethod
    def _measured_by_their_columns(cls, classes: dict[Class, ClassPolicy]) -> dict[Class, ClassPolicy]:
        for name, stated in classes.items():
            known = MEASURES_OF.get(name, ())
            other = [measure for measure in stated.risk.stated() if measure not in known]
            if other:
                wanted = f"{one_of(known)} only" if known else "none: nothing is measured by such columns"
                raise ValueError(
                    f"{name}: risk: {other[0]}: expected {wanted}; 'risk' beside 'classes' is for all tables"
                )
        return classes

    def allows(self, class_: str) -> tuple[str, ...]:
        """The names of the techniques for columns of a class."""
        found = {str(name): policy.techniques for name, policy in self.classes.items()}
        return found.get(class_, ())


@dataclasses.dataclass(frozen=True)
class Treatment:
    """A technique applied to a column. key: a name of keys.yaml. domain: None for the column's own.

    parts: of a technique that treats what stands within texts, the treatments of the domains whose pseudonyms it gives.
    scope: of its domain, one of `privacy_udfs.scope_labels.SCOPES`; ``domain`` is its label there.
    vault: where the results of a technique with a vault stand.
    """

    technique: Technique
    key: str | None = None
    domain: str | None = None
    parts: tuple[Treatment, ...] = ()
    scope: str = PERSON
    vault: VaultEntry | None = None

    @property
    def each(self) -> tuple[Treatment, ...]:
        """Itself and its parts: all that may name a key or a domain."""
        return (self, *self.parts)


@dataclasses.dataclass(frozen=True)
class Domain:
    """A named set of values that must share pseudonyms, and the one treatment that they share."""

    name: str
    treatment: Treatment
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class ColumnRule:
    """What is done to one leaf column, or to one case of it. line: where it stands in the table's file.

    rows: of a case, the predicate that says which rows fall under it; None: all rows. kind: of
    `jobs.configuration.kinds.KINDS`; None: not stated.
    """

    class_: str
    treatment: Treatment
    why: str
    line: int = dataclasses.field(default=0, compare=False)
    review_by: datetime.date | None = None
    retention: str | None = None
    rows: str | None = None
    kind: str | None = None
    statistics: bool | None = None
    evidence_overruled: str | None = None


@dataclasses.dataclass(frozen=True)
class ColumnDecision:
    """The decision about one leaf column: one rule for all rows, or one for each case."""

    path: ColumnPath
    cases: tuple[ColumnRule, ...]

    @property
    def named(self) -> dict[ColumnPath, ColumnRule]:
        """Each case by what it is called: the column itself, or ``a{when 2}``."""
        by_rows = any(rule.rows is not None for rule in self.cases)
        return {self.path.child(When(at)) if by_rows else self.path: rule for at, rule in enumerate(self.cases, 1)}


@dataclasses.dataclass(frozen=True)
class TableConfig:
    """One table. decisions: by the normal form of columns' paths. file: relative to the folder of the configuration.
    rows: the predicate of the rows that are read; None: all. asked: the mode that whoever runs it asks for; None: as
    the target says. where: with mode ``partitions``, the predicate over partition columns that chooses them. ladders:
    of those of ``mondrian`` that are files, the rows, by the column. retention: how long rows are kept, in words; kept:
    the same, and more, as far as it is carried out.
    """

    name: str
    owner: str
    source: Source
    target: Target
    subject: ColumnPath | None
    decisions: Mapping[str, ColumnDecision]
    file: str = dataclasses.field(default="", compare=False)
    line: int = dataclasses.field(default=0, compare=False)
    review_by: datetime.date | None = None
    retention: str | None = None
    rows: str | None = None
    execution: Execution = "auto"
    asked: Mode | None = None
    where: str | None = dataclasses.field(default=None, repr=False)
    on_refused: OnRefused = "stop"
    quarantine: Quarantine | None = None
    risk: RiskBounds = dataclasses.field(default_factory=RiskBounds)
    suppress: Suppress | None = None
    mondrian: Mondrian | None = None
    ladders: Mapping[str, Rows] = dataclasses.field(default_factory=dict, repr=False)
    processing: Processing = dataclasses.field(default_factory=Processing)
    made_for: MadeFor | None = None
    monitoring: TableMonitoring = dataclasses.field(default_factory=TableMonitoring)
    kept: RetentionRule | None = None
    evidence: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    """By column what the inventory saw in it (`jobs.configuration.evidence_file.Seen`)."""

    @property
    def mode(self) -> Mode:
        return self.asked or self.target.mode

    @property
    def grows(self) -> bool:
        """Whether later runs may write only what the source gained, so that this one must say where it stopped: so the
        target says, or whoever runs it chooses a mode."""
        return self.mode != "partitions" and (self.asked is not None or self.target.mode != "full")

    @property
    def reads_some(self) -> bool:
        """Whether rows of the source are left out: those that ``rows`` is not true for, or that are past their time."""
        return self.rows is not None or (self.kept is not None and self.kept.by is not None)

    @property
    def is_shuffled(self) -> bool:
        """Whether the rows are written in a random order."""
        if self.target.row_order != "auto":
            return self.target.row_order == "shuffled"
        return any(
            rule.class_ == "direct_identifier" and not rule.treatment.technique.keeps_values
            for rule in self.columns.values()
        )

    @functools.cached_property
    def columns(self) -> Mapping[str, ColumnRule]:
        """Each case of each column, by the normal form of what it is called."""
        named = (item for decision in self.decisions.values() for item in decision.named.items())
        return {str(path): rule for path, rule in named}
