"""What an erasure took out that was killed before it could tell the audit log: told by the run that goes on, out of the
table's own log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log.erasure_rows import BEGAN, DONE, ERASED, WAITS
from jobs.audit_log.leaves import Leaf
from jobs.configuration.uris import without_user
from jobs.erasure.outcome import TableErased
from jobs.lake import commits_of_runs
from jobs.lake.log_commits import ERASURE
from jobs.risk_measures.report import count as few

Told = tuple[str, Mapping[str, Any]]
"""The run that is told of, and what its row says."""


def unfinished(rows: Sequence[Leaf], sames: Collection[str], domain: str, subjects: int) -> dict[str, set[str]]:
    """Of erasures of the same subjects that never told how they ended, by their run, the tables that they told of.
    sames: of these subjects; where there are none as many of the same domain count as the same."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.outcome == BEGAN and _is_same(row, sames, domain, subjects):
            found[row.run_id] = set()
        elif row.outcome == ERASED and row.run_id in found:
            found[row.run_id].add(row.table)
        elif row.outcome in (DONE, WAITS):
            found.pop(row.run_id, None)
    return found


def _is_same(began: Leaf, sames: Collection[str], domain: str, subjects: int) -> bool:
    if sames:
        return str(began.body.get("same")) in sames
    return (began.body.get("domain"), began.body.get("subjects")) == (domain, subjects)


def of_table(spark: SparkSession, table: TableErased, runs: Mapping[str, set[str]], own: str) -> Iterator[Told]:
    """What the runs did to a table and did not tell, by the commits that its log has. own: the run that goes on."""
    wanted = [run for run, tables in runs.items() if table.name not in tables and run != own]
    for made in commits_of_runs.of_runs(spark, table.place, ERASURE, wanted):
        yield (
            made.run_id,
            {
                "location": without_user(table.place),
                "before": made.before,
                "version": made.version,
                "rows": None if made.rows is None else few(made.rows),
                "elements": made.elements,
                "files": made.files,
                "told_by": own,
            },
        )
