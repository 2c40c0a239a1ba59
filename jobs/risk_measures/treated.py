"""What of a treated table is measured: its columns by the catalog's classes, and whose rows they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import ColumnDecision, TableConfig
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.treated_table import privacy_of
from jobs.treatment import risk_columns

CLASSES = ("quasi_identifier", "sensitive")


@dataclasses.dataclass(frozen=True)
class Chosen:
    """subject: the column whose values tell people apart; None where rows count, then `why_rows` says why. pseudonyms:
    columns with a key that give equal values equal ones. hierarchies: of sensitive columns, what is above the values
    that they show. left_out: columns that have several values in a row, which no class of rows is made of."""

    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    subject: str | None
    why_rows: str | None
    pseudonyms: tuple[str, ...]
    hierarchies: Mapping[str, Sequence[Sequence[str]]]
    left_out: tuple[str, ...]


def chosen(schema: T.StructType, entry: TableConfig) -> Chosen:
    """schema: of the treated table. Columns that are not in it, or of which every value became one, show nothing."""
    told = privacy_of(schema)
    shown = {path: each for path, each in entry.decisions.items() if path in told and not _is_empty(path, told[path])}
    plain = {path: each for path, each in shown.items() if _is_plain(path)}
    quasi, sensitive = (tuple(_of_class(plain, name)) for name in CLASSES)
    why_rows = _why_rows(told, entry.subject)
    left_out = (path for name in CLASSES for path in _of_class(shown, name) if path not in plain)
    return Chosen(
        quasi,
        sensitive,
        str(entry.subject) if why_rows is None else None,
        why_rows,
        tuple(path for path, column in told.items() if _is_plain(path) and _is_pseudonym(column)),
        {path: levels for path in sensitive if (levels := risk_columns.above(plain[path]))},
        tuple(left_out),
    )


def _of_class(decisions: Mapping[str, ColumnDecision], name: str) -> Iterator[str]:
    yield from (path for path, decision in decisions.items() if decision.cases[0].class_ == name)


def _is_plain(path: str) -> bool:
    return all(isinstance(step, Field) for step in ColumnPath.parse(path).steps)


def _is_empty(path: str, column: ColumnPrivacy) -> bool:
    """Whether all rows have null. A constant tells which of them had a value, and a list how many there were."""
    known = _is_plain(path) and not column.cases and bool(column.records)
    return known and all(record.gives_null for record in column.records)


def _says_nothing(column: ColumnPrivacy) -> bool:
    return not column.cases and all(record.facts.one_result or record.gives_null for record in column.records)


def _is_pseudonym(column: ColumnPrivacy) -> bool:
    return bool(column.records) and all(each.key is not None and each.facts.deterministic for each in column.records)


def _why_rows(told: Mapping[str, ColumnPrivacy], subject: ColumnPath | None) -> str | None:
    """Why people cannot be counted; None where they can."""
    if subject is None:
        return "the entry names no subject"
    column = told.get(str(subject))
    if column is None or not column.records or not _is_plain(str(subject)):
        return f"the table does not show its subject {subject}"
    if column.cases or _says_nothing(column) or not column.records[0].facts.deterministic:
        return f"the treatment of its subject {subject} does not tell people apart"
    return None
