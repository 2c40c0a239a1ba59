"""Where the catalog has values of columns that identify people stand beside the rows: in Delta's log, in the footers of
Parquet files, in names of folders. What is deleted from a table stays there for longer than the rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from jobs.configuration.column_path import ColumnPath, ColumnPathError, Field
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Fault, quote
from jobs.configuration.finding import Finding, Place
from jobs.configuration.kinds import DIRECT, QUASI
from jobs.configuration.models import ColumnRule, TableConfig

IDENTIFYING = (DIRECT, QUASI)
"""Classes whose columns have no least and greatest values kept unless the catalog asks for them."""
STATISTICS = "delta.dataSkippingStatsColumns"
INDEXED = "delta.dataSkippingNumIndexedCols"
MOST_NAMED = 3
OUTLIVES = "and stay there after a deletion until the log is cleaned and the files are vacuumed (docs/statistics.md)"
IN_FILES = f"the least and greatest values of {{}} stand in Delta's log and in the footers of files, {OUTLIVES}"
IN_FOLDERS = f"the values of {{}} stand in names of folders and in Delta's log, {OUTLIVES}"


def check(drafts: Iterable[Draft]) -> Iterator[Fault]:
    """Wishes that nothing would heed, or that say two things."""
    for draft in drafts:
        stated = {} if draft.entry is None else draft.entry.target.properties
        by_property = next((name for name in stated if name.lower() in (STATISTICS.lower(), INDEXED.lower())), None)
        for column in draft.columns.values():
            wish = None if column.rule is None else column.rule.statistics
            if wish is not None and by_property is not None:
                message = f"the target's properties say it by {by_property}: say it in one of the two places"
            elif wish and not all(isinstance(step, Field) for step in column.path.leaf.steps):
                message = "expected false, or none: Delta keeps none of what stands in arrays, maps and JSON text"
            elif wish and column.rule is not None and column.rule.treatment.technique.drops_column:
                message = "expected false, or none: the column is dropped"
            else:
                continue
            yield draft.document.fault((*column.loc, "statistics"), message)


def findings(table: TableConfig) -> Iterator[Finding]:
    """What of a table is warned of: each thing that the catalog asks for, by its place."""
    target = table.target
    yield from _told(table, "target.partition_by", IN_FOLDERS, _named(table, target.partition_by))
    yield from _told(table, "target.cluster_by", IN_FILES, _named(table, target.cluster_by))
    for name, value in target.properties.items():
        listed = value.split(",")
        if name.lower() == STATISTICS.lower():
            found = [path for path in _identifying(table) if any(covers(each, path) for each in listed)]
            yield from _told(table, "target.properties", IN_FILES, found)
        elif name.lower() == INDEXED.lower() and value.strip() != "0":
            which = f"as far as they are among the first {value.strip()} leaves"
            found = [path for path in _identifying(table) if _in_structs(path)]
            yield from _told(table, "target.properties", f"{IN_FILES}: {which}", found)
    for path, rule in _identifying(table).items():
        if rule.statistics:
            yield Place(table.file, rule.line, f"columns.{quote(path)}").says("warn", IN_FILES.format(path))


def covers(listed: str, path: str) -> bool:
    """Whether a column that a property lists is this one, or a struct that holds it."""
    with contextlib.suppress(ColumnPathError):
        above = ColumnPath.parse(listed.strip()).steps
        return ColumnPath.parse(path).steps[: len(above)] == above
    return False


def _told(table: TableConfig, key: str, message: str, found: Iterable[str]) -> Iterator[Finding]:
    paths = list(dict.fromkeys(found))
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    if paths:
        yield Place(table.file, table.line, key).says("warn", message.format(", ".join(paths[:MOST_NAMED]) + more))


def _named(table: TableConfig, names: Iterable[str]) -> Iterator[str]:
    """Those of the columns that partition_by or cluster_by names, by name or by path."""
    found = _identifying(table)
    for name in names:
        texts = {str(ColumnPath((Field(name),)))}
        with contextlib.suppress(ColumnPathError):
            texts.add(str(ColumnPath.parse(name)))
        yield from (path for path in found if path in texts)


def _identifying(table: TableConfig) -> Mapping[str, ColumnRule]:
    """The columns that identify people and of which something is in the target, by their paths."""
    return {
        path: decision.cases[0]  # all have the same class, and the same wish
        for path, decision in table.decisions.items()
        if any(rule.class_ in IDENTIFYING and _shows_something(rule) for rule in decision.cases)
    }


def _shows_something(rule: ColumnRule) -> bool:
    technique = rule.treatment.technique
    return not (technique.drops_column or technique.gives_null() or technique.one_result)


def _in_structs(path: str) -> bool:
    return all(isinstance(step, Field) for step in ColumnPath.parse(path).steps)
