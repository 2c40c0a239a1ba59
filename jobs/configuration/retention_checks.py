"""Whether the age of rows can be told by the column that a table's retention names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.configuration.column_path import ColumnPath, ColumnPathError, Field
from jobs.configuration.config_checks import Draft, DraftColumn
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.retention_entry import STAYS, refusal

BY, VERSIONS = ("retention", "by"), ("retention", "versions_days")
KEEPING = ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration", "delta.enableExpiredLogCleanup")
"""Properties of a table that `jobs/retain.py` states by ``versions_days``."""


def check(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """Every fault."""
    for draft in drafts:
        rule = None if draft.entry is None else draft.entry.retention
        if rule is not None and rule.by is not None:
            yield from _by(draft, rule.by)
        if rule is not None and rule.versions_days is not None:
            yield from _stated_twice(draft)


def _by(draft: Draft, by: str) -> Iterator[Fault]:
    document = draft.document
    try:
        path = ColumnPath.parse(by)
    except ColumnPathError as error:
        yield document.fault(BY, f"not a column path: {error}")
        return
    if not all(isinstance(step, Field) for step in path.steps):
        yield document.fault(BY, "expected one value per row, got a path into an array, a map or JSON text")
        return
    cases = [column for column in draft.columns.values() if column.path.leaf == path]
    if not cases:
        known = did_you_mean(path, (str(column.path.leaf) for column in draft.columns.values()))
        yield document.fault(BY, f"expected one of the columns, got {document.show(BY)}{known}")
    elif len(cases) > 1:
        yield document.fault(BY, f"{path} is treated by cases (when): expected {STAYS} in all rows")
    else:
        yield from _stays(draft, cases[0])


def _stays(draft: Draft, column: DraftColumn) -> Iterator[Fault]:
    technique = None if column.rule is None else column.rule.treatment.technique
    why = None if technique is None else refusal(technique)
    if _is_cut(draft, column):
        why = "is a quasi-identifier, and those are cut into boxes (mondrian), which leaves no date"
    if why is not None:
        line = draft.document.line(column.loc)
        yield draft.document.fault(BY, f"{column.path} {why} (line {line}): expected {STAYS}")


def _is_cut(draft: Draft, column: DraftColumn) -> bool:
    boxes = None if draft.entry is None else draft.entry.mondrian
    return boxes is not None and column.rule is not None and column.rule.class_ == "quasi_identifier"


def _stated_twice(draft: Draft) -> Iterator[Fault]:
    stated = {} if draft.entry is None else draft.entry.target.properties
    wanted = {name.lower() for name in KEEPING}
    for name in stated:
        if name.lower() in wanted:
            yield draft.document.fault(VERSIONS, f"'target.properties' states {name} too: take one of the two out")
