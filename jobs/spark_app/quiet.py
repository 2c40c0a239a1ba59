"""Loggers that print values, silenced: Spark's, Delta's and those of the libraries under them, on driver and executors.

What they print at any level may be a value: Delta's snapshots hold the least and greatest values of files, readers
name paths with partition values, failed tasks quote the row that they failed on, and at DEBUG plans, code and traffic
are printed whole. So it goes by a list of what may be heard (`HEARD`), not of what may not. See docs/security.md.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

from pyspark.sql import SparkSession

QUOTING_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""pyspark's own loggers of failed queries: they print SQL text and what Spark says of the values it met."""
PY4J = "py4j"
"""At DEBUG it prints every call to the JVM, SQL text and literals among them."""
LIBRARIES = ("org.apache", "org.sparkproject", "io.delta", "io.netty", "org.codehaus", "org.datanucleus", "DataNucleus",
             "org.eclipse.jetty", "software.amazon", "com.amazonaws", "com.google", "com.azure",
             "com.microsoft", "hive", "io.fabric8", "okhttp3")  # fmt: skip
"""Trees of loggers of what takes part in a run: all that is below is silent, whatever the user's log4j2 file says."""
HEARD = ("org.apache.spark.SparkContext", "org.apache.spark.SparkConf", "org.apache.spark.SecurityManager",
         "org.apache.spark.HeartbeatReceiver", "org.apache.spark.deploy",
         "org.apache.spark.scheduler.TaskSchedulerImpl",
         "org.apache.spark.scheduler.cluster", "org.apache.spark.executor.CoarseGrainedExecutorBackend",
         "org.apache.hadoop.security")  # fmt: skip
"""What may still warn: of the cluster, its executors and settings. None of them sees a row, a file or a statistic."""
QUOTING = ("org.apache.spark.sql.delta.DeltaLog", "org.apache.spark.sql.delta.Snapshot",
           "org.apache.spark.sql.delta.DeltaParquetFileFormat", "org.apache.spark.sql.delta",
           "org.apache.spark.sql.execution.datasources.FileScanRDD", "org.apache.spark.sql.execution.datasources",
           "org.apache.spark.sql.catalyst.expressions.codegen.CodeGenerator", "org.apache.spark.sql.catalyst",
           "org.apache.spark.sql", "org.apache.spark.executor.Executor", "org.apache.spark.executor",
           "org.apache.spark.scheduler.TaskSetManager", "org.apache.spark.scheduler", "org.apache.spark.storage",
           "org.apache.spark.util.Utils", "org.apache.spark.util", "org.apache.spark.rdd",
           "org.apache.spark.TaskContextImpl", "org.apache.spark.api.python", "org.apache.spark", "org.apache.parquet",
           "org.apache.hadoop", "org.apache.orc", "org.apache.arrow")  # fmt: skip
"""Silenced by name on executors too, whose own log4j2 file, which the driver cannot see, may set just these."""
CONFIGURATOR = "org.apache.logging.log4j.core.config.Configurator"
_told: dict[str, frozenset[str]] = {}
"""Application -> the executors that were told."""


def python() -> None:
    """The driver's Python loggers."""
    for name in QUOTING_LOGGERS:
        logging.getLogger(name).disabled = True
    if logging.getLogger(PY4J).getEffectiveLevel() < logging.WARNING:
        logging.getLogger(PY4J).setLevel(logging.WARNING)


def everywhere(spark: SparkSession) -> None:
    """Driver and executors, for the rest of the application; again and again costs next to nothing."""
    python()
    _driver(spark)
    executors(spark)


def _driver(spark: SparkSession) -> None:
    log4j = spark._jvm.org.apache.logging.log4j  # type: ignore[union-attr]
    configured = log4j.LogManager.getContext(False).getConfiguration().getLoggers().keySet()
    heard = {name: _at_least_warn(log4j, name) for name in HEARD}
    for name, level in _levels(list(configured), heard):
        log4j.core.config.Configurator.setLevel(name, level)


def _at_least_warn(log4j: Any, name: str) -> str:
    """The level of a logger, unless it says more than warnings."""
    level = log4j.LogManager.getLogger(name).getLevel()
    return str(level.name()) if level.isMoreSpecificThan(log4j.Level.WARN) else "WARN"


def _levels(configured: Collection[str], heard: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Which level each logger gets, ``configured`` ones included: names below a library's, and below what is heard."""
    named = [name for name in configured if name not in HEARD and any(_below(name, library) for library in LIBRARIES)]
    for name in dict.fromkeys((*LIBRARIES, *named)):
        yield name, "OFF"
    yield from heard.items()


def _below(name: str, library: str) -> bool:
    return name == library or name.startswith(f"{library}.")


def executors(spark: SparkSession) -> None:
    """The executors that were not told yet. Those that come later start silent but for loggers that their own log4j2
    file names, until they are told."""
    context = spark.sparkContext
    master = str(context.master)
    if master.startswith("local") and not master.startswith("local-cluster"):
        return  # they are the driver's
    scala: Any = context._jsc.sc()
    scala.schedulerBackend().updateExecutorsLogLevel("OFF")
    there = frozenset(_executors(context))
    if there and there <= _told.get(str(context.applicationId), frozenset()):
        return
    _tell(spark)
    _told[str(context.applicationId)] = there  # not those that came meanwhile, which may have got no task


def _executors(context: Any) -> Iterator[str]:
    infos = context._jsc.sc().statusTracker().getExecutorInfos()
    return (f"{info.host()}:{info.port()}" for info in infos)


def _tell(spark: SparkSession) -> None:
    """A small job, with tasks enough that each executor gets some."""
    levels = [*((name, "OFF") for name in QUOTING), *_levels((), dict.fromkeys(HEARD, "WARN"))]
    calls = [f"java_method('{CONFIGURATOR}', 'setLevel', '{name}', '{level}')" for name, level in levels]
    tasks = 2 * max(spark.sparkContext.defaultParallelism, 2)
    spark.range(0, tasks, 1, tasks).selectExpr(*(f"{call} AS c{at}" for at, call in enumerate(calls))).collect()
