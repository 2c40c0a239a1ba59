"""The runs that wrote a table, as its own log tells them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.lake.log_commits import ERASURE, Commit
from jobs.lake.state import TargetState
from jobs.record import taken_out
from jobs.report_pages.facts.evidence_facts import Run, Runs
from jobs.report_pages.facts.plain import Missing, Number
from jobs.risk_measures.report import count
from jobs.run_events import risk_words

MOST = 20
NEVER = "not told"


def of_table(commits: Mapping[int, str], stands: TargetState) -> Runs | Missing:
    """commits: when each version was committed."""
    history = stands.history
    if not history.commits:
        return Missing("the table's log holds no commit any more")
    newest = [*reversed(history.commits)]
    shown = tuple(_run(each, each.version in history.ours, commits.get(each.version, "")) for each in newest[:MOST])
    return Runs(shown, max(0, len(newest) - MOST))


def times(spark: SparkSession, stands: TargetState) -> dict[int, str]:
    """When each version that the log still has was committed, in UTC."""
    told = stands.address.history(spark).select("version", F.unix_seconds("timestamp").alias("at")).collect()
    return {int(row["version"]): _time(int(row["at"])) for row in told}


def _time(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _run(commit: Commit, is_ours: bool, at: str) -> Run:
    gone = next(taken_out.of_commit(commit), None)
    if gone is not None and gone.what == ERASURE:  # who it was, and when, is told nowhere
        return Run(commit.version, NEVER, "an erasure", f"took out {gone.told}; receipt {gone.receipt}", None)
    if gone is not None:
        return Run(commit.version, at, "retention", f"took out {gone.told}; run {gone.receipt}", None)
    if not is_ours:
        return Run(commit.version, at, "others", commit.operation, None)
    mode, risk = commit.run.get("mode"), commit.run.get("risk")
    return Run(commit.version, at, "a run", str(mode or "full"), _rows(commit), _risk(risk))


def _rows(commit: Commit) -> Number | None:
    return None if commit.rows is None else count(commit.rows)


def _risk(told: Any) -> str:
    """What the run measured before its commit; whoever may write to the table may have written something else there."""
    try:
        return risk_words.in_words(told) if isinstance(told, dict) else ""
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""
