"""What monitoring goes by, held against what there is: the columns of bounds of their own, the key of profiles."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config_checks import Draft
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, Loc, did_you_mean
from jobs.configuration.models import Policy

AT: Loc = ("monitoring", "columns")


def check(drafts: Sequence[Draft], policy: Policy | None, keys: Collection[str] | None) -> Iterator[Fault]:
    """Every column with bounds of its own that its entry does not have, or does not keep, or that is named twice; a key
    that is none. keys: the names of all, also of those at fault; nothing where they could not be read."""
    name = None if policy is None else policy.monitoring.key
    if name is not None and keys and name not in keys:
        yield Fault(POLICY, 0, "monitoring.key", f"keys.yaml has no key {name!r}{did_you_mean(name, keys)}")
    for draft in drafts:
        yield from _of_table(draft)


def _of_table(draft: Draft) -> Iterator[Fault]:
    stated = [] if draft.entry is None else list(draft.entry.monitoring.columns)
    seen: dict[str, str] = {}
    for text in stated:
        fault = _fault(draft, text)
        path = None if fault is not None else normal(text)
        if path is not None and seen.setdefault(path, text) != text:
            fault = f"is {seen[path]!r} in another notation: state its bounds once"
        if fault is not None:
            yield draft.document.fault((*AT, text), fault)


def normal(text: str) -> str:
    """A path in the one spelling that columns are known by. Raises `ColumnPathError`."""
    return str(ColumnPath.parse(text))


def _fault(draft: Draft, text: str) -> str | None:
    leaves = draft.leaves()
    try:
        path = normal(text)
    except ColumnPathError as error:
        return f"is no path of a column: {error}"
    whole = {str(column.path.leaf.column): None for column in draft.columns.values()}
    if path not in leaves and path not in whole:
        return f"is no column of this table{did_you_mean(path, [*leaves, *whole])}"
    rules = [rule for column, rule in draft.rules() if str(column.path.leaf) == path]
    if rules and all(rule.treatment.technique.drops_column for rule in rules):
        return "is dropped: there is nothing of it to watch"
    return None
