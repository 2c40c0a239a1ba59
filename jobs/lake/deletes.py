"""Rows that others took away in a target, of which a run may bring back those that the source still has."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.lake import delta_commit, small_log
from jobs.lake.log_commits import Commit
from jobs.lake.state import TargetState


def of_partitions(spark: SparkSession, state: TargetState, where: str) -> tuple[Commit, ...]:
    """Of the commits that took rows away since a run wrote all, those that did in partitions that a predicate is true
    for; and those that do not say where."""
    return tuple(commit for commit in state.history.deletes if _is_inside(spark, state, commit.version, where))


def _is_inside(spark: SparkSession, state: TargetState, version: int, where: str) -> bool:
    if state.transaction is None or state.location is None:
        return True
    told = small_log.of_versions(spark, state.location, range(version, version + 1))
    removed = [action["remove"] for action in (told or {}).get(version, ()) if action.get("remove")]
    places = [file.get("partitionValues") for file in removed if file.get("dataChange", True)]
    known = [place for place in places if place]
    return not known or len(known) < len(places) or delta_commit.is_any_inside(state.transaction, known, where)
