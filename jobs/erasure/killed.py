"""What an erasure took out that was killed before it could tell the audit log: told by the run that goes on, out of the
table's own log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log.erasure_rows import BEGAN, DONE, ERASED, WAITS
from jobs.audit_log.leaves import Leaf
from jobs.configuration.uris import without_user
from jobs.erasure.outcome import Earlier, TableErased
from jobs.lake import commits_of_runs
from jobs.lake.commits_of_runs import EVER, OfRun
from jobs.lake.log_commits import ERASURE
from jobs.risk_measures.report import count as few

ALSO = "also"


def unfinished(rows: Sequence[Leaf], sames: Collection[str], domain: str, subjects: int) -> dict[str, dict[str, int]]:
    """Of erasures of the same subjects that never told how they ended, by their run, the tables that they told of, and
    up to which version. sames: of these subjects; where there are none as many of the same domain count as the same."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.outcome == BEGAN and _is_same(row, sames, domain, subjects):
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


def untold(rows: Sequence[Leaf], runs: Collection[str]) -> list[Earlier]:
    """What runs that were killed took out, as the rows tell it, and no receipt does."""
    known = {tuple(each) for row in rows if row.outcome in (DONE, WAITS) for each in _told_of(row)}
    made = (_earlier(row) for row in rows if row.outcome == ERASED and row.run_id in runs)
    return [each for each in made if each is not None and (each.run_id, each.name, each.after) not in known]


def also(earlier: Iterable[Earlier]) -> list[list[str | int]]:
    """What the last row of an erasure says of those that its receipt tells of too."""
    return [[each.run_id, each.name, each.after] for each in earlier]


def _told_of(row: Leaf) -> list[list[str | int]]:
    told = row.body.get(ALSO)
    return [each for each in told if isinstance(each, list)] if isinstance(told, list) else []


def _earlier(row: Leaf) -> Earlier | None:
    """None where nothing was taken out, or the row says no versions."""
    before, after = row.body.get("before"), row.body.get("version")
    if not isinstance(before, int) or not isinstance(after, int) or after <= before:
        return None
    rows, elements, files = (row.body.get(name) for name in ("rows", "elements", "files"))
    place = str(row.body.get("location", ""))
    return Earlier(row.run_id, row.table, place, before, after, rows, elements, files or 0)


def _is_same(began: Leaf, sames: Collection[str], domain: str, subjects: int) -> bool:
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
