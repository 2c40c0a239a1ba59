"""Runs in a session whose settings a test chooses: `pseudonymize.run` makes one of its own, with a run's settings."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Execution
from jobs.spark_app import session
from jobs.spark_app.failures import translated
from jobs.table_run.result import Result

FILE_BY_FILE = {"spark.sql.files.maxPartitionBytes": str(1 << 20)}
"""Each file is a task: opening one counts for more than this."""


def prepared(
    spark: SparkSession, conf: Config, table: str, execution: Execution, settings: Mapping[str, str]
) -> tuple[SparkSession, pseudonymize.Prepared]:
    """A run up to the write, and its session."""
    own = session.for_run(spark)
    for name, value in settings.items():
        own.conf.set(name, value)
    return own, pseudonymize.prepare(own, config.executed_by(conf, execution), table)


def run(spark: SparkSession, conf: Config, table: str, execution: Execution, settings: Mapping[str, str]) -> Result:
    return translated(table, lambda: pseudonymize.execute(*prepared(spark, conf, table, execution, settings)))


def at_once(held: Sequence[tuple[SparkSession, pseudonymize.Prepared]]) -> list[object]:
    """Carry out runs of one table in threads of their own; their results, and what they raised, as they came."""
    outcomes: list[object] = []

    def execute(own: SparkSession, one: pseudonymize.Prepared) -> None:
        try:
            outcomes.append(translated(one.table, lambda: pseudonymize.execute(own, one)))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=execute, args=pair) for pair in held]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
