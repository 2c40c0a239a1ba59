"""What Spark reads while something is done: by its own account, stage by stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession


@dataclasses.dataclass
class Read:
    """jobs: how many were run. rows, bytes: of files, by all of their stages."""

    jobs: int = 0
    rows: int = 0
    bytes: int = 0


@contextmanager
def counted(spark: SparkSession) -> Iterator[Read]:
    """What is read within, by whoever; known at its end."""
    before, found = {job.jobId() for job in _jobs(spark)}, Read()
    yield found
    store = _context(spark).statusStore()
    for job in _jobs(spark):
        if job.jobId() in before:
            continue
        found.jobs += 1
        stages, forgotten = job.stageIds(), 0
        for at in range(stages.size()):
            try:
                stage = store.lastStageAttempt(stages.apply(at))
            except Py4JJavaError as error:
                # Spark keeps 1,000 stages, and forgets those that were skipped before any other.
                if "NoSuchElementException" not in str(error.java_exception):
                    raise
                forgotten += 1
                continue
            found.rows += stage.inputRecords()
            found.bytes += stage.inputBytes()
        assert forgotten <= job.numSkippedStages(), "Spark forgot a stage that was run: its reads cannot be told"


def _jobs(spark: SparkSession) -> list[Any]:
    context = _context(spark)
    context.listenerBus().waitUntilEmpty()
    every = spark.sparkContext._jvm.java.util.ArrayList()  # type: ignore[union-attr]
    jobs = context.statusStore().jobsList(every)
    return [jobs.apply(at) for at in range(jobs.size())]


def _context(spark: SparkSession) -> Any:
    return spark.sparkContext._jsc.sc()
