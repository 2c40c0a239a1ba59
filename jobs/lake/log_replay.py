"""How many tasks read a Delta log: Delta takes 50 for every table, which costs a small one more than all the rest.

Only how the work is cut depends on it, never what is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession

SETTING = "spark.databricks.delta.snapshotPartitions"
MOST = 50
"""Delta's own number."""
BYTES = 1 << 20
"""Of the log for one task: some thousand files of a table, in a checkpoint some ten thousand."""
LONGEST = 100
"""Commits since the last checkpoint; of a log with more nobody adds up the lengths."""


def size(snapshot: Any) -> int | None:
    """Bytes of the files that tell a version, as Delta listed them; None where they are many, or Delta says nothing."""
    try:
        commits, checkpoint = snapshot.logSegment().deltas(), int(snapshot.checkpointSizeInBytes())
        if commits.size() > LONGEST:
            return None
        return checkpoint + sum(int(commits.apply(at).getLen()) for at in range(commits.size()))
    except Exception:  # another Delta: then its own number serves
        return None


def is_small(size: int | None, version: int) -> bool:
    """Whether one task reads the log soon enough, all its commits up to a version included."""
    return size is not None and size < BYTES and version < LONGEST


def settings(spark: SparkSession, sizes: Iterable[int | None]) -> dict[str, str]:
    """Settings of a session for a run that reads logs of these sizes; nothing where someone else said how many."""
    tasks = [MOST if size is None else 1 + size // BYTES for size in sizes]
    if spark.conf.get(SETTING, None) is not None or max(tasks, default=MOST) >= MOST:
        return {}
    return {SETTING: str(max(tasks))}
