"""How much was treated under which key lately, by the rows of the log.

Rows stand in the order in which they were added, whatever the clocks of those who added them said. So one that is dated
before a row above it was told no earlier than that one, and one that is dated ahead of now no later than the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs.audit_log.leaves import ENDS, Kind, Leaf, MalformedLeaf
from jobs.audit_log.log import Log, LogProblem
from jobs.audit_log.rows import unlike_a_use
from jobs.lake import audit_table
from jobs.lake.audit_table import INDEX, LEAF
from jobs.lake.history import ROTATION

USE: Kind = "key_use"
ROWS: Kind = "key_rows"
TOLD_BY = "told_by"
"""In the body of an end that others told of."""
SEALED = "quarantine"
"""What a key is for that treats nothing, but seals rows that are set aside."""
ODD = (
    "row {} of the audit log is not as a run writes it, or not in its place, so nobody can count by it: see "
    "jobs/audit.py verify"
)


@dataclasses.dataclass(frozen=True)
class Use:
    """Of a run under a key. at: when it was told, as text. rows: that were treated or, where the run still is at work
    or ended without a word, that it said it was about to treat; None where neither is told."""

    run_id: str
    key: str
    key_id: int
    at: str
    rows: int | None = None
    rows_at: str = ""

    def is_of(self, key: str, key_id: int) -> bool:
        """By its name, or by the id of its version, which another name does not change."""
        return self.key == key or self.key_id == key_id


def since(log: Log, start: str, now: str) -> list[Use]:
    """What was told from a time on. Asked within the transaction that is to add a row, what is told meanwhile is a
    conflict of it. Raises `LogProblem` where a row of that time is none that a run writes."""
    rows = audit_table.rows_since(log.spark, log.address, start)
    return [use for use in of_leaves(_checked(rows), now) if max(use.at, use.rows_at) >= start]


def _checked(rows: Iterable[Mapping[str, Any]]) -> Iterator[Leaf]:
    """Of rows one after the other their leaves."""
    expected = None
    for row in rows:
        index = row[INDEX]
        if index is None or expected not in (None, index):
            raise LogProblem(ODD.format(index if expected is None else expected))
        leaf = Leaf.parse(str(row[LEAF]))
        if any(row[name] != value for name, value in leaf.derived.items()):
            raise LogProblem(ODD.format(index))
        expected = index + 1
        yield leaf


def of_leaves(leaves: Iterable[Leaf], now: str) -> list[Use]:
    """leaves: in their order."""
    listed = list(leaves)
    ended = {leaf.run_id for leaf in listed if leaf.kind in ENDS and TOLD_BY not in leaf.body}
    begun = dict[tuple[str, str], Use]()
    rows = dict[tuple[str, str], Use]()
    for leaf, at in zip(listed, _told_at(listed, now), strict=True):
        if leaf.kind == USE and _treats(leaf.body):
            use = _use(leaf, at)
            begun.setdefault((use.run_id, use.key), use if use.run_id not in ended else _without_rows(use))
        elif leaf.kind == ROWS:
            use = _use(leaf, at)
            rows[use.run_id, use.key] = use
    found = {**begun, **rows}  # of a run of which only the rows are in that time, the beginning is not
    return [_both(begun.get(name), use) for name, use in found.items()]


def _both(begun: Use | None, told: Use) -> Use:
    return dataclasses.replace(told, at="" if begun is None else begun.at)


def _without_rows(use: Use) -> Use:
    return dataclasses.replace(use, rows=None, rows_at="")


def _told_at(leaves: Sequence[Leaf], now: str) -> list[str]:
    found, latest = list[str](), ""
    for leaf in leaves:
        if leaf.time <= now:
            latest = max(latest, leaf.time)
        found.append(latest if leaf.time <= now else "")
    after = now
    for at in reversed(range(len(found))):
        after = found[at] = found[at] or after
    return found


def _treats(body: Mapping[str, Any]) -> bool:
    """Whether a key is used for more than to seal rows that are set aside, or to move what was treated before."""
    if body.get("mode") == ROTATION:
        return False
    told = body.get("for", [None])
    return not isinstance(told, list) or any(not isinstance(each, list) or each[:1] != [SEALED] for each in told)


def _use(leaf: Leaf, at: str) -> Use:
    if not leaf.body or any(unlike_a_use(leaf)):
        raise MalformedLeaf("no use of a key")
    rows = leaf.body.get("rows")
    return Use(leaf.run_id, leaf.body["key"], leaf.body["key_id"], at, rows, "" if rows is None else at)
