"""What a reader can hold a table against: drift, verification, keys, runs, and the log of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from jobs.report_pages.facts.plain import Number


@dataclasses.dataclass(frozen=True)
class Drift:
    """How a column moved from its baseline. psi: None where it has no index. told: what the monitor found, in words;
    level: of the worst of it, ``alert``, ``warn`` or empty."""

    column: str
    psi: float | None
    nulls: float | None
    level: str = ""
    told: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Drifts:
    """What a monitor's JSON says of the table. version: that was looked at. of_table: findings about it as a whole, by
    level. warn_at, alert_at: the bounds of the index. is_compared: whether it was held against a baseline."""

    measured_at: str
    version: int | None
    columns: tuple[Drift, ...]
    of_table: tuple[tuple[str, str], ...] = ()
    warn_at: float = 0.1
    alert_at: float = 0.25
    is_compared: bool = True


NOT_MADE = ("not checked", "not checkable")
"""Outcomes of checks of which nobody knows whether they hold."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of a verification. outcome: ``holds``, ``fails``, or of `NOT_MADE`. faults: how many."""

    name: str
    outcome: str
    faults: int


@dataclasses.dataclass(frozen=True)
class Verification:
    """What a verification's JSON says. version: of the table. looked_for: columns whose values were looked for in the
    table's files; None where none were."""

    version: int
    said: str
    holds: bool
    checks: tuple[Check, ...]
    looked_for: tuple[str, ...] | None = None
    left_out: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class KeyVersion:
    """A version of a key. uses: in how many columns of the table the record names it. state: ``unknown`` where the
    keyset could not be opened."""

    name: str
    id: int
    state: str
    is_primary: bool | None
    created: str
    age_days: int | None
    uses: int


@dataclasses.dataclass(frozen=True)
class Run:
    """A commit of the target: of a run, or (by is ``others``) of somebody else. rows: that it wrote. risk: in words,
    empty where none was measured."""

    version: int
    at: str
    by: str
    mode: str
    rows: Number | None
    risk: str = ""


@dataclasses.dataclass(frozen=True)
class Runs:
    """The newest first. left_out: how many older ones are not shown."""

    shown: tuple[Run, ...]
    left_out: int = 0


@dataclasses.dataclass(frozen=True)
class AuditHead:
    """The log of runs as it stands. kinds: of the table's rows, or of all, how many of each kind. note: the newest
    checkpoint; empty where there is none. covers: how many rows it speaks for. signed: in words."""

    place: str
    rows: int
    root: str
    kinds: Mapping[str, int]
    open_runs: int
    note: str = ""
    covers: int = 0
    signed: str = ""
