"""What runs took out of a table, by its own log: how it is known of one that was killed before it told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.lake.address import Address

TOLD = "run_id string, mode string, elements string"
EVER = 1 << 62
"""Later than any version."""


@dataclasses.dataclass(frozen=True)
class OfCommit:
    """rows: that went whole; None where Delta did not count them. elements: of rows that stay, as the commit says it;
    few are a text."""

    version: int
    rows: int | None
    elements: int | str = 0
    files: int = 0


@dataclasses.dataclass(frozen=True)
class OfRun:
    """The commits of one run, the oldest first; one at least. What it says is the sum of them."""

    run_id: str
    commits: tuple[OfCommit, ...]

    def after(self, version: int) -> OfRun | None:
        """The same without what it did up to a version; None where that is all."""
        left = tuple(each for each in self.commits if each.version > version)
        return OfRun(self.run_id, left) if left else None

    @property
    def before(self) -> int:
        """The version that its first commit changed."""
        return self.commits[0].version - 1

    @property
    def version(self) -> int:
        return self.commits[-1].version

    @property
    def rows(self) -> int | None:
        counted = [each.rows for each in self.commits]
        return None if None in counted else sum(each or 0 for each in counted)

    @property
    def elements(self) -> int | str:
        told = [each.elements for each in self.commits if each.elements]
        return next((each for each in told if isinstance(each, str)), 0) or sum(
            each for each in told if isinstance(each, int)
        )

    @property
    def files(self) -> int:
        return sum(each.files for each in self.commits)


def name_of(run_id: object) -> str:
    """The run that a commit names: one may say more after its id, behind a ``/``."""
    return str(run_id).partition("/")[0]


def of_runs(spark: SparkSession, place: str, mode: str, after: Mapping[str, int]) -> list[OfRun]:
    """Of those runs that committed anything there, as far as the log has it. mode: of their commits. after: by run, the
    version up to which it is known already what it did; -1 for nothing."""
    if not after:
        return []
    told = F.from_json("userMetadata", TOLD).alias("told")
    history = Address(path=place).history(spark).select("version", "operationMetrics", told)
    by_run: dict[str, list[OfCommit]] = {run: [] for run in after}
    for row in history.where(F.col("told.mode") == mode).orderBy("version").collect():
        run = name_of(row["told"]["run_id"])
        if row["version"] > after.get(run, EVER):
            by_run[run].append(_of_commit(row))
    return [OfRun(run, tuple(commits)) for run, commits in by_run.items() if commits]


def _of_commit(row: Row) -> OfCommit:
    metrics = row["operationMetrics"]
    rows, files = _number(metrics, "numDeletedRows"), _number(metrics, "numRemovedFiles")
    return OfCommit(row["version"], rows, row["told"]["elements"] or 0, files or 0)


def _number(metrics: Mapping[str, str] | None, name: str) -> int | None:
    told = (metrics or {}).get(name, "")
    return int(told) if told.isdecimal() else None
