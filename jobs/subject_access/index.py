"""What stands beside the rows of an export: which tables, under which pseudonyms, what was not searched, and what GDPR
Art. 15(1) asks for besides, as the catalog states it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.configuration.config import Config
from jobs.processing_records import article_30
from jobs.subject_access.approval import Approval
from jobs.subject_access.exported import Exported
from jobs.subjects.held import Gap, Held, Place

NAME = "index.json"
STATED = (
    "controller", "joint_controllers", "representative", "data_protection_officer", "purposes", "legal_basis",
    "data_categories", "recipients", "transfers", "erasure", "source",
)  # fmt: skip
"""Of the record of processing what a person is to be told of each table."""
BY_HAND = (
    "that they may ask for rectification, erasure or restriction, object, and complain to a supervisory authority "
    "(Art. 15(1)(e), (f))",
    "where the data came from, where not from them (g); 'source' says where it was read",
    "whether decisions are made by machines alone, and by which logic (h)",
)
NOT_LOOKED_AT = (
    "older versions of the tables, their change feeds, quarantines, archives, extracts and copies",
    "tables outside of the catalog, and what stands within free text",
    "sources: they are as the catalog's entries say, and were not read",
    "columns that neither the catalog nor a record says are of the domain",
)


def of(conf: Config, held: Held, tables: Iterable[Exported], approval: Approval) -> dict[str, Any]:
    """As plain data."""
    return {
        "article": "Regulation (EU) 2016/679 (GDPR), Art. 15(1), (3)",
        "domain": held.domain,
        "approval": approval.id,
        "given_to": approval.actor,
        "purpose": approval.purpose,
        "to_be_removed_by": approval.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tables": [_table(conf, each) for each in tables],
        "not_found_by_this_search": [_gap(gap) for gap in held.gaps],
        "not_looked_at": list(NOT_LOOKED_AT),
        "to_be_added_by_hand": list(BY_HAND),
    }


def file_of(table: str) -> str:
    return f"rows.{table}.jsonl"


def _table(conf: Config, each: Exported) -> dict[str, Any]:
    table = each.table.treated
    stated: Mapping[str, Any] = article_30.of_table(conf, conf.tables[table.name])
    return {
        "table": table.name,
        "version": table.version,
        "rows": each.number,
        "file": file_of(table.name) if each.number else None,
        "columns": [_place(place, each) for place in each.table.places],
        "withheld_since_about_others": sorted(each.withheld),
        **{name: stated[name] for name in STATED},
    }


def _place(place: Place, each: Exported) -> dict[str, Any]:
    return {
        "column": str(place.path),
        "technique": place.record.technique,
        "scope": place.record.scope,
        "pseudonyms": sorted(each.pseudonyms.get(str(place.path.leaf), ())),
    }


def _gap(gap: Gap) -> dict[str, str]:
    return {"table": gap.table, "column": gap.path, "why": gap.why}
