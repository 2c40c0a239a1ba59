"""Spark's active session, which parsers and Delta ask for settings: the run's own, as long as a block lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.lake.java import java_class


@contextlib.contextmanager
def active(spark: SparkSession) -> Iterator[None]:
    """The session is this thread's active one; afterwards the one before is."""
    sessions = java_class(spark.sparkContext._jvm, "org.apache.spark.sql.classic.SparkSession")
    before = sessions.getActiveSession()
    sessions.setActiveSession(spark._jsparkSession)
    try:
        yield
    finally:
        if before.isDefined():
            sessions.setActiveSession(before.get())
        else:
            sessions.clearActiveSession()
