"""What the log of a target says: its last runs, what others did since, what waits in quarantine. No row is read."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.lake import quarantined, state
from jobs.lake.log_commits import Commit
from jobs.lake.state import TargetState
from jobs.monitoring.profile import told

RUNS = 5
"""So many of the last runs are told of."""
Bounds = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Run:
    """One of the last runs. refused: by column, as shares of its values; a count from 1 to 9 is told as 0."""

    version: int
    refused: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Looked:
    """What the log of a target says. run: the newest run of ours in it, None where it has none; after: what others
    committed since, the newest first. ran_at: when that run committed. runs: the last ones, the oldest first.
    waiting: rows in quarantine, as many as are told; some_wait: whether there are any."""

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
    )


def _committed_at(spark: SparkSession, stands: TargetState, run: Commit) -> datetime.datetime:
    newest = 1 if run.version == stands.version else None
    rows = stands.address.history(spark, newest).where(F.col("version") == run.version)
    seconds = rows.select(F.unix_seconds("timestamp")).collect()[0][0]
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _refused(commit: Commit) -> dict[str, float]:
    """The share of each column's values that a run refused, by what it says in its commit."""
    counts = commit.run.get("counts")
    return {
        str(path): told(refused) / (treated + refused)
        for path, (treated, _, refused) in (counts.items() if isinstance(counts, dict) else ())
        if treated + refused
    }
