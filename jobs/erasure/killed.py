"""What an erasure took out that was killed before it could tell the audit log: told by the run that goes on, out of the
table's own log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log.erasure_rows import BEGAN, DONE, ERASED, WAITS
from jobs.audit_log.leaves import Leaf
from jobs.configuration.uris import without_user
from jobs.erasure.outcome import TableErased
from jobs.lake import commits_of_runs
from jobs.lake.commits_of_runs import EVER, OfRun
from jobs.lake.log_commits import ERASURE
from jobs.risk_measures.report import count as few


def unfinished(rows: Sequence[Leaf], sames: Collection[str], domain: str, subjects: int) -> dict[str, dict[str, int]]:
    """Of erasures of the same subjects that never told how they ended, by their run, the tables that they told of, and
    up to which version. sames: of these subjects; where there are none as many of the same domain count as the same."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.outcome == BEGAN and is_same(row, sames, domain, subjects):
            found[row.run_id] = told_up_to(rows, row.run_id)
        elif row.outcome in (DONE, WAITS):
            found.pop(row.run_id, None)
    return found


def told_up_to(rows: Iterable[Leaf], run_id: str) -> dict[str, int]:
    """By table, the version up to which rows of the log say what a run took out."""
    found: dict[str, int] = {}
    for row in rows:
        if row.outcome == ERASED and row.run_id == run_id:
            version = row.body.get("version")
            found[row.table] = max(found.get(row.table, -1), version if isinstance(version, int) else EVER)
    return found


def is_same(began: Leaf, sames: Collection[str], domain: str, subjects: int) -> bool:
    if sames:
        return str(began.body.get("same")) in sames
    return (began.body.get("domain"), began.body.get("subjects")) == (domain, subjects)


def of_table(
    spark: SparkSession, table: TableErased, runs: Mapping[str, Mapping[str, int]], own: str
) -> Iterator[tuple[OfRun, Mapping[str, Any]]]:
    """What the runs did to a table and did not tell, by the commits that its log has, and what else their rows say.
    own: the run that goes on."""
    wanted = {run: tables.get(table.name, -1) for run, tables in runs.items() if run != own}
    for made in commits_of_runs.of_runs(spark, table.place, ERASURE, wanted):
        yield made, {"location": without_user(table.place), "told_by": own}


def body_of(made: OfRun) -> dict[str, Any]:
    return {
        "before": made.before,
        "version": made.version,
        "rows": None if made.rows is None else few(made.rows),
        "elements": made.elements,
        "files": made.files,
    }
