"""Runs that were started and never told how they ended: what became of them, by the history of their targets."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.audit_log import targets
from jobs.audit_log.leaves import Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.configuration.audit_entry import MEGABYTE
from jobs.lake import delta_commit
from jobs.lake.address import Address
from jobs.lake.problems import SourceProblem

PATIENCE = datetime.timedelta(minutes=10)
"""For which a run is left to tell itself that it committed, or how it ended where nobody else can know."""
LONG = datetime.timedelta(hours=24)
"""For which a run is left to commit where no later commit of others keeps it from that; it may say better later."""
BESIDE = "partitions"
"""The mode of runs that may commit although others did since they looked."""
UNKNOWN = (
    "outcome unknown: its commit is no longer in the history of its target, or there never was one; the target was "
    "made anew since, or was none when it looked, or older commits were taken out of its log"
)
NEVER_SEEN = (
    "outcome unknown: a day after it began its commit is not in the history of its target, and nothing that others "
    "committed since keeps it from committing yet"
)
COUNTED = ("rows", "mode", "execution", "counts", "source_version", "quarantined", "changed")
"""What a run's commit says of it in its user metadata, and the log says too."""


def settle(log: Log, location: str | None = None, patience: datetime.timedelta = PATIENCE) -> list[Leaf]:
    """Tell how runs ended that did not. location: of one target; None: of all. Runs that may be at work are left."""
    state, _ = log.append(lambda state: [])
    found = {
        run_id: leaf
        for run_id, told in state.open.items()
        if location in (None, told.get("location")) and (leaf := _end(log, run_id, told, patience)) is not None
    }

    def leaves(state: State) -> list[Leaf]:
        return [leaf for run_id, leaf in found.items() if run_id in state.open]

    return log.append(leaves)[1] if found else []


def _end(log: Log, run_id: str, told: Mapping[str, Any], patience: datetime.timedelta) -> Leaf | None:
    """How a run ended; None where it may be at work."""
    location, spark = str(told.get("location", "")), log.spark
    try:
        commits, stands = _commits(spark, location), _stands(spark, location, told)
    except (PySparkException, Py4JError):
        return None
    told_by = f"the history of its target, since the run itself did not: found {log.actor}"
    for version, commit in commits.items():
        if commit["run"].get("run_id") == run_id:
            if _now() - commit["time"] < patience:
                return None
            body = {"told_by": told_by, "location": location, "version": version, **_said(commit["run"])}
            with contextlib.suppress(SourceProblem):
                body |= targets.told(spark, location, version, log.audit.contents_up_to_mb * MEGABYTE)
            return _leaf(log, "run_committed", run_id, told, "committed", body)
    looked_at, refuses = int(told.get("version", -1)), _refuses(told, commits)
    if stands and refuses is not None and all(version in commits for version in range(looked_at + 1, refuses)):
        body = {"reason": "it ended without a word", "told_by": told_by}
        return _leaf(log, "run_failed", run_id, told, "failed", body)
    if (refuses is not None or stands is False) and _now() - _time(told) >= patience:
        return _leaf(log, "run_unknown", run_id, told, "unknown", {"reason": UNKNOWN, "told_by": told_by})
    if told.get("mode") == BESIDE and _now() - _time(told) >= max(patience, LONG):
        whole = all(version in commits for version in range(looked_at + 1, max(commits, default=-1)))
        reason = NEVER_SEEN if whole else UNKNOWN
        return _leaf(log, "run_unknown", run_id, told, "unknown", {"reason": reason, "told_by": told_by})
    return None


def _refuses(told: Mapping[str, Any], commits: Mapping[int, Mapping[str, Any]]) -> int | None:
    """The first version by which another run replaced or changed the whole target since it looked: by that Delta would
    refuse its commit; None where there is none."""
    looked_at = int(told.get("version", -1))
    if told.get("mode") == BESIDE:
        return None
    modes = {version: each["run"].get("mode") for version, each in commits.items()}
    return min((at for at, mode in modes.items() if at > looked_at and mode not in (None, BESIDE)), default=None)


def _stands(spark: SparkSession, location: str, told: Mapping[str, Any]) -> bool | None:
    """Whether the very commit that the run looked at is still in the target's log, so that it is the same table, and
    all that came after is told there; None where that was not told, as there was no table. Once it is gone the run can
    commit no more, and what it committed before may be gone with it."""
    if "commit_sha256" not in told:
        return None
    begun = delta_commit.begin(spark, location, None)
    if begun is None:
        return None
    return bool(delta_commit.commit_digest(spark, begun.log, int(told["version"])) == told["commit_sha256"])


def _time(told: Mapping[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(str(told["time"]).replace("Z", "+00:00"))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _commits(spark: SparkSession, location: str) -> dict[int, dict[str, Any]]:
    """Version -> when it was committed, and what its user metadata say of a run."""
    address = Address(path=location)
    if not address.exists(spark):
        return {}
    rows = address.history(spark).selectExpr("version", "unix_millis(timestamp) AS at", "userMetadata").collect()
    utc = datetime.timezone.utc
    return {
        int(row["version"]): {
            "time": datetime.datetime.fromtimestamp(row["at"] / 1000, utc),
            "run": _parsed(row["userMetadata"]),
        }
        for row in rows
    }


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(run: Mapping[str, Any]) -> dict[str, Any]:
    return {name: run[name] for name in COUNTED if name in run}


def _leaf(log: Log, kind: str, run_id: str, told: Mapping[str, Any], outcome: str, body: Mapping[str, Any]) -> Leaf:
    return log.leaf(kind, now(), table=str(told["table"]), run_id=run_id, outcome=outcome, body=plain(body))
