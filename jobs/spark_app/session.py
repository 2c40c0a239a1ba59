"""The Spark session of a job: Delta switched on, nothing else decided for the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.console.exit_codes import BadUsage
from jobs.console.terminal import is_terminal
from jobs.lake.pinned_settings import PINNED
from jobs.spark_app import interruption, quiet, ready
from privacy_udfs import wording

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def start(name: str, settings: Mapping[str, str] = {}) -> SparkSession:
    """The session for ``spark-submit``, or a local one where the program was started with plain ``python``."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet.python()
    builder = SparkSession.builder.appName(name)
    for key, value in {**DELTA, **settings}.items():
        builder = builder.config(key, value)
    if is_terminal():  # a person watches: no warnings between the steps
        builder = builder.config("spark.log.level", "ERROR")
    builder = builder.config("spark.ui.showConsoleProgress", "false")  # lines over lines, of stages that nobody knows
    spark = ready.started(builder.getOrCreate)
    interruption.watched()
    quiet.everywhere(spark)
    return spark


def for_run(spark: SparkSession) -> SparkSession:
    """A session of its own for one run, as `pinned`; what is said of this run carries a mark of its own."""
    wording.renew()
    return pinned(spark)


def pinned(spark: SparkSession) -> SparkSession:
    """A session of its own: it shares the cluster and catalog, leaves the caller's settings alone and has those of a
    run. Spark's loggers fall silent (`jobs.spark_app.quiet`). For what a run does beside its table: the mark of the run
    stays, by which its messages are known."""
    try:
        session = spark.newSession()
    except AttributeError:
        raise BadUsage(
            "a session of Spark Connect gives runs none of their own, and no way to Delta's log: use one of the "
            "cluster itself (spark-submit, or a notebook that runs on it)"
        ) from None
    quiet.everywhere(session)
    for key, value in PINNED.items():
        session.conf.set(key, value)
    return session
