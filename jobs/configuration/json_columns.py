"""Columns of JSON text that are decided by path (``payload:$.user.email``): what has to hold among their paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from jobs.configuration.column_path import ColumnPath, MapKey
from jobs.configuration.models import ColumnRule

Rules = Mapping[ColumnPath, ColumnRule]
"""By the paths of the columns of one table, or of cases of them."""


def by_column(paths: Iterable[ColumnPath]) -> dict[ColumnPath, list[ColumnPath]]:
    """Each column that is decided by paths into its text, with these."""
    found: dict[ColumnPath, list[ColumnPath]] = {}
    for path in paths:
        if path.is_in_json:
            found.setdefault(path.column, []).append(path)
    return found


def faults(rules: Rules) -> Iterator[tuple[ColumnPath, str]]:
    """The paths at fault, with what is wrong."""
    for paths in by_column(rules).values():
        for path in paths:
            message = _fault(path, rules[path], _is_above(path.leaf, paths))
            if message is not None:
                yield path, message


def _fault(path: ColumnPath, rule: ColumnRule, has_longer: bool) -> str | None:
    technique = rule.treatment.technique
    if path.is_case:
        return "what stands in JSON text is treated alike in all rows: give the path one treatment"
    if MapKey() in path.column.steps:
        return "keys of a map are decided as a whole, JSON text or not"
    if path.parent == path.column and not has_longer:
        return f"decides about all of the JSON text: decide {path.column} itself, or add paths into it"
    if has_longer and not (technique.keeps_values or technique.whole_subtree):
        return f"holds for what its longer paths leave: 'keep', 'drop' or 'redact', not {technique.technique}"
    return None


def _is_above(path: ColumnPath, paths: Iterable[ColumnPath]) -> bool:
    depth = len(path.steps)
    return any(other.leaf != path and other.steps[:depth] == path.steps for other in paths)
