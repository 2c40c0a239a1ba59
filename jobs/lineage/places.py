"""Where an entry of the configuration reads and writes, named as Spark itself finds it."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.configuration.models import Quarantine, Source, Target
from jobs.lake.java import hadoop_path
from jobs.lineage import naming
from jobs.run_events.run_steps import Place


def of(
    spark: SparkSession | None, place: Source | Target | Quarantine, format_: str | None = "delta", **more: Any
) -> Place:
    """spark: None where there is no session; then names are those of this machine. format_: of its files. more: what
    else is known of the place."""
    home = naming.here if spark is None else functools.partial(_home, spark)
    if place.path is not None:
        named = naming.of_path(place.path, home)
    else:
        named = naming.of_table(str(place.table), lambda name: _setting(spark, name), home)
    return Place(named.namespace, named.name, named.uri, format=format_, **more)


def session() -> SparkSession | None:
    """The session that this process has, for whoever is told of a run without one."""
    with contextlib.suppress(PySparkException, Py4JError, RuntimeError):
        return SparkSession.active()
    return None


def _setting(spark: SparkSession | None, name: str) -> str | None:
    return None if spark is None else spark.conf.get(name, None)


def _home(spark: SparkSession) -> str:
    """Where relative paths begin, in the file system of paths without a scheme (``fs.defaultFS``)."""
    try:
        folder = hadoop_path(spark, ".")
        files = folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        return str(files.makeQualified(files.getWorkingDirectory()).toString())
    except Py4JError:  # a file system that is out of reach, which the run will say
        return naming.here()
