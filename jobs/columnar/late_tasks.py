"""Tasks that go on after their job is over: of a job that failed the others, of speculation the slower attempts. Spark
has told them to end, and does not wait for it, so that they may write, and finish, a file that nobody asks for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

PATIENCE = 30.0
"""Seconds. Spark kills a Python process that does not end within 2 (``spark.python.task.killTimeout``)."""
PAUSE = 0.1


@contextlib.contextmanager
def known_by(spark: SparkSession, run_id: str) -> Iterator[None]:
    """The jobs that this thread begins meanwhile are known by a run."""
    context, tag = spark.sparkContext, _tag(run_id)
    is_outermost = tag not in context.getJobTags()
    context.addJobTag(tag)
    try:
        yield
    finally:
        with contextlib.suppress(Py4JError, AttributeError):  # of a session that was stopped
            if is_outermost:
                context.removeJobTag(tag)


def ended(spark: SparkSession, run_id: str) -> bool:
    """Wait until no task of a run's jobs is at work; whether none is."""
    deadline = time.monotonic() + PATIENCE
    while _number(spark, run_id):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def _number(spark: SparkSession, run_id: str) -> int:
    """How many tasks are at work; none where Spark does not say."""
    try:
        tracker: Any = spark.sparkContext._jsc.sc().statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForTag(_tag(run_id))]
        stages = [stage for job in jobs if job.isDefined() for stage in job.get().stageIds()]
        found = [tracker.getStageInfo(stage) for stage in stages]
        return sum(int(stage.get().numActiveTasks()) for stage in found if stage.isDefined())
    except (Py4JError, AttributeError):  # or the session was stopped
        return 0


def _tag(run_id: str) -> str:
    return f"lakenym-{run_id}"
