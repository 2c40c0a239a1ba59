"""Rows past their time, which a run left out, or which `jobs/retain.py` took away since: neither the source nor the
table is asked for them.

By the newest day that anybody left rows out by, or takes them away by today: of those before it, either may have some.
"""

from __future__ import annotations

import dataclasses

from jobs.treatment import kept_rows
from jobs.verification.as_read import AsRead
from jobs.verification.standing import Standing


def left_out(table: Standing, raw: AsRead) -> tuple[Standing, AsRead, bool]:
    """The same without such rows; and whether the table's rows age at all. Raises `RetentionProblem`."""
    assert table.entry is not None
    commits = [commit for commit in table.state.history.commits if commit.is_retention]
    bounds = kept_rows.boundaries(table.rows, table.entry, commits, kept_rows.today())
    rows, source = table.rows, raw.rows.rows
    for each in bounds:
        rows, source = rows.where(each.is_within()), source.where(each.is_within())
    if not bounds:
        return table, raw, False
    read = dataclasses.replace(raw.rows, rows=source, count=None)
    return dataclasses.replace(table, rows=rows), dataclasses.replace(raw, rows=read), True
