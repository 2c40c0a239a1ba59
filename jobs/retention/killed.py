"""What earlier runs of retention left untold that were killed, or failed: by what they told the audit log before rows
went. What they did then is known by the table's own log (`jobs.lake.commits_of_runs`).

What was told is known by version: a run that is at work yet may take more away after another one told of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.audit_log.leaves import Leaf
from jobs.lake.commits_of_runs import EVER

BEGUN, DONE, RECEIPT = "begun", "done", "receipt"
"""Outcomes of rows of the audit log: rows are about to go; they are gone; a receipt was left, of one run or of more."""
ALSO, UP_TO = "also", "up_to"
"""What the row of a receipt says: the earlier runs that it tells of too; by run, up to which version of its table what
it took away stands in a receipt."""


@dataclasses.dataclass(frozen=True)
class Begun:
    """A run of one table. said: as it began. told, left: up to which version of the table rows of the log, and
    receipts, tell what it took away; -1 for none. rows: whether it took rows away, by its own word."""

    said: Mapping[str, Any]
    told: int = -1
    left: int = -1
    rows: bool = False

    @property
    def asked(self) -> bool:
        """Whether a receipt was to be left of it."""
        return self.said.get("receipt") is not None

    @property
    def is_owed(self) -> bool:
        return self.asked and self.left < 0


def by_table(rows: Iterable[Leaf]) -> dict[str, dict[str, Begun]]:
    """Each run that began, by table and its id. rows: of kind ``retention``, all of them, in order."""
    found, every = dict[str, dict[str, Begun]](), list(rows)
    told, left = told_up_to(every), left_up_to(every)
    took = {(row.table, row.run_id) for row in every if row.outcome == DONE and row.body.get("rows") not in (None, 0)}
    for row in every:
        if row.outcome == BEGUN:
            key = (row.table, row.run_id)
            asked = str(row.body.get("receipt"))
            until = max(left.get(row.run_id, -1), left.get(asked, -1))
            found.setdefault(row.table, {})[row.run_id] = Begun(row.body, told.get(key, -1), until, key in took)
    return found


def told_up_to(rows: Iterable[Leaf]) -> dict[tuple[str, str], int]:
    """By table and run, the version up to which rows of the log say what it took away."""
    found = dict[tuple[str, str], int]()
    for row in rows:
        if row.outcome == DONE:
            key = (row.table, row.run_id)
            found[key] = max(found.get(key, -1), _version(row.body.get("version")))
    return found


def left_up_to(rows: Iterable[Leaf]) -> dict[str, int]:
    """By run, the version up to which receipts do so; by a receipt's own id, `EVER`, where it is of an earlier release,
    which said no versions."""
    found = dict[str, int]()
    for row in rows:
        if row.outcome != RECEIPT:
            continue
        said = row.body.get(UP_TO)
        versions = {run: _version(version) for run, version in said.items()} if isinstance(said, Mapping) else None
        for run, version in (versions or dict.fromkeys([row.run_id, *map(str, row.body.get(ALSO, ()))], EVER)).items():
            found[run] = max(found.get(run, -1), version)
    return found


def _version(told: object) -> int:
    return told if isinstance(told, int) else EVER
