"""What the log of a target says: its last runs, what others did since, what waits in quarantine. No row is read."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Mapping, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.configuration.monitoring_checks import normal
from jobs.lake import lists_of_runs, quarantined, state
from jobs.lake.log_commits import Commit
from jobs.lake.state import TargetState
from jobs.monitoring.profile import told
from jobs.risk_measures.report import SMALL

RUNS = 5
"""So many of the last runs are told of."""
Bounds = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Run:
    """One of the last runs. refused: by column, the share of its values at the least, of which no count from 1 to 9
    follows."""

    version: int
    refused: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Looked:
    """What the log of a target says. run: the newest run of ours in it, None where it has none; after: what others
    committed since, the newest first. ran_at: when that run committed, None where nobody knows. runs: the last
    ones, the oldest first. waiting: rows in quarantine, as many as are told; some_wait: whether there are any. lost: of
    `jobs.lake.lists_of_runs`."""

    table: str
    entry: TableConfig
    bounds: Bounds
    state: TargetState
    run: Commit | None = None
    after: Sequence[Commit] = ()
    ran_at: datetime.datetime | None = None
    runs: Sequence[Run] = ()
    waiting: int = 0
    some_wait: bool = False
    lost: str | None = None

    def bounds_of(self, path: str) -> Bounds:
        """Those of a column: its own, or those of the table."""
        return self.own_bounds.get(path, self.bounds)

    @functools.cached_property
    def own_bounds(self) -> Mapping[str, Bounds]:
        """Of columns that have bounds of their own, by the normal form of their paths."""
        stated = self.entry.monitoring.columns.items()
        return {normal(path): own.over(self.bounds) for path, own in stated}


def look(spark: SparkSession, conf: Config, name: str) -> Looked:
    entry = conf.tables[name]
    bounds = entry.monitoring.before(conf.policy.monitoring)
    stands = state.inspect(spark, entry.target)
    if stands.version < 0:
        return Looked(name, entry, bounds, stands)
    run, after = stands.history.since_last_run
    ours = [commit for commit in stands.history.commits if commit.version in stands.history.ours]
    waiting = sum(quarantined.of(stands.history).runs.values())
    return Looked(
        *(name, entry, bounds, stands, run, after),
        ran_at=None if run is None else _committed_at(spark, stands, run),
        runs=tuple(Run(commit.version, _refused(commit)) for commit in ours[-RUNS:]),
        waiting=told(waiting),
        some_wait=waiting > 0,
        lost=lists_of_runs.lost(stands.history, conf.policy.erasure),
    )


def _committed_at(spark: SparkSession, stands: TargetState, run: Commit) -> datetime.datetime | None:
    """When a run committed; None where the log does not tell it any more."""
    for newest in (1, None) if run.version == stands.version else (None,):  # others may have committed meanwhile
        rows = stands.address.history(spark, newest).where(F.col("version") == run.version)
        found = rows.select(F.unix_seconds("timestamp")).collect()
        if found:
            return datetime.datetime.fromtimestamp(found[0][0], datetime.timezone.utc)
    return None


def _refused(commit: Commit) -> dict[str, float]:
    """The share of each column's values that a run refused, by what it says in its commit."""
    counts = commit.run.get("counts")
    return {
        str(path): _share(treated, refused)
        for path, (treated, _, refused) in (counts.items() if isinstance(counts, dict) else ())
        if treated + refused
    }


def _share(treated: int, refused: int) -> float:
    """Neither side follows from it where it is from 1 to 9: such a few that were refused are 0, such a few that were
    treated are nine, so that the share is one at the least."""
    few = 0 < treated < SMALL
    return told(refused) / ((SMALL - 1 if few else treated) + refused)
