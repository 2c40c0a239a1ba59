"""What earlier runs of retention left untold that were killed, or failed: by what they told the audit log before rows
went. What they did then is known by the table's own log (`jobs.lake.commits_of_runs`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.audit_log.leaves import Leaf

BEGUN, DONE, RECEIPT = "begun", "done", "receipt"
"""Outcomes of rows of the audit log: rows are about to go; they are gone; a receipt was left, of one run or of more."""
ALSO = "also"
"""What the row of a receipt says: the earlier runs that it tells of too."""


@dataclasses.dataclass(frozen=True)
class Unfinished:
    """Of one table. untold: by run what it said as it began, of those that never said that they are done. owed: of
    those whose receipt was asked for, and that no receipt tells of, the rows by their own word; None: of the untold."""

    untold: Mapping[str, Mapping[str, Any]]
    owed: Mapping[str, Any]


NOTHING = Unfinished({}, {})


def by_table(rows: Iterable[Leaf]) -> dict[str, Unfinished]:
    """rows: of kind ``retention``, all of them."""
    begun = dict[str, Leaf]()
    done, left = dict[str, Any](), set[str]()
    for row in rows:
        if row.outcome == BEGUN:
            begun[row.run_id] = row
        elif row.outcome == DONE:
            done[row.run_id] = row.body.get("rows")
        elif row.outcome == RECEIPT:
            left |= {row.run_id, *map(str, row.body.get(ALSO, ()))}
    found: dict[str, Unfinished] = {}
    for run_id, row in begun.items():
        asked = row.body.get("receipt")
        untold = {} if run_id in done else {run_id: row.body}
        owed = {} if asked is None or {asked, run_id} & left else {run_id: done.get(run_id)}
        before = found.get(row.table, NOTHING)
        found[row.table] = Unfinished({**before.untold, **untold}, {**before.owed, **owed})
    return {table: each for table, each in found.items() if each != NOTHING}
