"""What a catalog file means, once paths, domains and techniques are resolved."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Mapping
from typing import Any

from jobs.configuration.column_path import ColumnPath, When
from jobs.configuration.hierarchy_file import Rows
from jobs.configuration.made_for import MadeFor
from jobs.configuration.models.source import Source
from jobs.configuration.models.table_entry import Execution, OnRefused
from jobs.configuration.models.target import Mode, Quarantine, Target
from jobs.configuration.monitoring_bounds import TableMonitoring
from jobs.configuration.processing_entry import Processing
from jobs.configuration.retention_entry import RetentionRule
from jobs.configuration.risk_bounds import Mondrian, RiskBounds, Suppress
from jobs.configuration.vault_entry import VaultEntry
from privacy_udfs.scope_labels import PERSON
from privacy_udfs.technique import Technique


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
