"""What the page of one table says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from jobs.report_pages.facts.evidence_facts import AuditHead, Drifts, KeyVersion, Runs, Verification
from jobs.report_pages.facts.plain import Missing, Notice, Number


@dataclasses.dataclass(frozen=True)
class Treatment:
    """What was done to a column, in all rows or in one case of it. parameters: those that say something.
    why: empty where the configuration does not say. learns: what a reader without a key learns. way_back: whether, and
    for whom, there is a way back to values. is_raw: values stand there as they were, or may."""

    technique: str
    parameters: Mapping[str, str]
    domain: str | None
    key: str | None
    key_id: int | None
    case: str | None
    why: str
    learns: str
    way_back: str | None
    is_deterministic: bool
    protects: bool
    is_raw: bool = False


@dataclasses.dataclass(frozen=True)
class Column:
    """A leaf column. class_: None where nobody decided. type_: in the table; None where it is not there. notes: what is
    particular to it, in words."""

    path: str
    class_: str | None
    type_: str | None
    treatments: tuple[Treatment, ...]
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Band:
    """Classes of one range of sizes, and how many rows or people are in them. side: of the least size that the policy
    wants: ``below``, ``across``, ``above``; empty where it wants none."""

    sizes: str
    many: Number
    side: str = ""


@dataclasses.dataclass(frozen=True)
class Measured:
    """The risk of one state of the table, as it may be shown. by: quasi-identifiers. chances: by attacker and measure,
    a share, or ``< 0.01``, ``> 0.99``. wanted_k: by the policy. missed: thresholds that are not reached, in words.
    notes: what was left out or rounded, in words."""

    counted: str
    by: tuple[str, ...]
    many: Number
    classes: Number
    k: int
    uniques: Number
    threshold: float
    chances: Mapping[tuple[str, str], float | str]
    bands: tuple[Band, ...]
    wanted_k: int | None = None
    sensitive: Mapping[str, Mapping[str, float | None]] = dataclasses.field(default_factory=dict)
    missed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Way:
    """An edge of the lineage. output: None: which rows there are. kind: ``kept``, ``treated``, ``dropped`` of a
    column's own values; ``decides`` of what only has a say in it. step: what is done, in a word."""

    input: str
    output: str | None
    kind: str
    step: str
    protects: bool = False


@dataclasses.dataclass(frozen=True)
class Lineage:
    """source: in words. class_of: by column."""

    source: str
    target: str
    ways: tuple[Way, ...]
    class_of: Mapping[str, str]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Join:
    """Columns of this table that join with those of another, by a domain."""

    domain: str
    column: str
    others: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Use:
    """What a reader may do, and may not; each a sentence, with columns it is of. joins: on pseudonyms."""

    may: tuple[tuple[str, tuple[str, ...]], ...]
    may_not: tuple[tuple[str, tuple[str, ...]], ...]
    joins: tuple[Join, ...]
    stated: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Head:
    """version: -1 where there is no table. treated_at, run_id: of the run that wrote it, empty where nobody knows.
    record, config: SHA-256. is_current: whether the configuration at hand decided about it."""

    version: int
    treated_at: str
    run_id: str
    record: str
    config: str
    is_current: bool
    policy: str
    software: str
    rows: str
    suppress: int | None


@dataclasses.dataclass(frozen=True)
class TableFacts:
    """All that the page of a table says. head: `Missing` where it was never treated, or cannot be looked at; then
    nothing else is known but what the configuration states."""

    name: str
    owner: str
    made_on: str
    head: Head | Missing
    columns: tuple[Column, ...]
    use: Use
    before: Measured | Missing
    after: Measured | Missing
    drift: Drifts | Missing
    verified: Verification | Missing
    keys: tuple[KeyVersion, ...]
    audit: AuditHead | Missing
    lineage: Lineage | Missing
    runs: Runs | Missing
    warnings: tuple[Notice, ...]
