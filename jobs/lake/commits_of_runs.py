"""What runs took out of a table, by its own log: how it is known of one that was killed before it told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.lake.address import Address

TOLD = "run_id string, mode string, elements string"


@dataclasses.dataclass(frozen=True)
class OfRun:
    """The commits of one run. before: the version that its first one changed; version: of its last one. rows: that went
    whole; None where Delta did not count them. elements: of rows that stay, as the commit says it; few are a text."""

    run_id: str
    before: int
    version: int
    rows: int | None
    elements: int | str
    files: int


def of_runs(spark: SparkSession, place: str, mode: str, runs: Collection[str]) -> list[OfRun]:
    """Of those runs that committed anything there, as far as the log has it. mode: of their commits. A run may say more
    after its id, behind a ``/``."""
    if not runs:
        return []
    told = F.from_json("userMetadata", TOLD).alias("told")
    history = Address(path=place).history(spark).select("version", "operationMetrics", told)
    by_run: dict[str, list[Row]] = {run: [] for run in runs}
    for row in history.where(F.col("told.mode") == mode).orderBy("version").collect():
        by_run.get(str(row["told"]["run_id"]).partition("/")[0], []).append(row)
    return [_of_run(run, rows) for run, rows in by_run.items() if rows]


def _of_run(run: str, rows: Sequence[Row]) -> OfRun:
    deleted = [_number(row["operationMetrics"], "numDeletedRows") for row in rows]
    return OfRun(
        run,
        rows[0]["version"] - 1,
        rows[-1]["version"],
        None if None in deleted else sum(each or 0 for each in deleted),
        next((row["told"]["elements"] for row in rows if row["told"]["elements"]), 0),
        sum(_number(row["operationMetrics"], "numRemovedFiles") or 0 for row in rows),
    )


def _number(metrics: Mapping[str, str] | None, name: str) -> int | None:
    told = (metrics or {}).get(name, "")
    return int(told) if told.isdecimal() else None
