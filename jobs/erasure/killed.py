"""What an erasure took out that was killed before it could tell the audit log: told by the run that goes on, out of the
table's own log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.audit_log.erasure_rows import BEGAN, DONE, ERASED, WAITS
from jobs.audit_log.leaves import Leaf
from jobs.configuration.uris import without_user
from jobs.erasure.outcome import TableErased
from jobs.lake.address import Address
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
    if not wanted:
        return
    told = F.from_json("userMetadata", "run_id string, mode string, elements string").alias("told")
    history = Address(path=table.place).history(spark).select("version", "operationMetrics", told)
    commits = history.where(F.col("told.mode") == ERASURE).orderBy("version").collect()
    for run in wanted:
        made = [row for row in commits if str(row["told"]["run_id"]).partition("/")[0] == run]
        if made:
            yield (
                run,
                {
                    "location": without_user(table.place),
                    "before": made[0]["version"] - 1,
                    "version": made[-1]["version"],
                    "rows": few(sum(_number(row["operationMetrics"], "numDeletedRows") for row in made)),
                    "elements": next((row["told"]["elements"] for row in made if row["told"]["elements"]), 0),
                    "files": sum(_number(row["operationMetrics"], "numRemovedFiles") for row in made),
                    "told_by": own,
                },
            )


def _number(metrics: Mapping[str, str] | None, name: str) -> int:
    told = (metrics or {}).get(name, "0")
    return int(told) if told.isdecimal() else 0
