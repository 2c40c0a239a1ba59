"""What the page of the lake says."""

from __future__ import annotations

import dataclasses

from jobs.report_pages.facts.evidence_facts import AuditHead, KeyVersion
from jobs.report_pages.facts.plain import Missing, Notice
from jobs.report_pages.facts.table_facts import TableFacts


@dataclasses.dataclass(frozen=True)
class Linked:
    """A domain on which columns of tables join. columns: table and column."""

    domain: str
    technique: str
    key: str
    columns: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Joins:
    """links: that span tables. alone: tables that join with none. apart: what looks as if it joined and does not, in
    words. left_out: tables that could not be asked, and why."""

    links: tuple[Linked, ...]
    alone: tuple[str, ...]
    apart: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class LakeFacts:
    """All that the page of the lake says. house: what wants somebody and is of no one table."""

    made_on: str
    policy: str
    profiles: tuple[str, ...]
    tables: tuple[TableFacts, ...]
    joins: Joins
    keys: tuple[KeyVersion, ...]
    house: tuple[Notice, ...]
    audit: AuditHead | Missing
