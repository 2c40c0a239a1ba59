"""Java as few calls reach it: each costs some tenths of a millisecond, as does every part of a package's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from py4j.java_gateway import JavaClass
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

DELTA = "org.apache.spark.sql.delta"
"""The package of Delta Lake."""


def java_class(jvm: Any, name: str) -> Any:
    """A class by its whole name. That there is none is told when it is used, as `Py4JError`."""
    return JavaClass(name, jvm._gateway_client)


def as_python(jvm: Any, values: Any) -> Any:
    """Texts and numbers, lists and maps of them, or what Delta writes into its log: all in one call, where py4j would
    ask for each by itself."""
    return json.loads(java_class(jvm, f"{DELTA}.util.JsonUtils").mapper().writeValueAsString(values))


def hadoop_path(spark: SparkSession, *names: Any) -> Any:
    """Hadoop's path of a place, or of a name in one."""
    return java_class(spark._jvm, "org.apache.hadoop.fs.Path")(*names)


def kind_of(error: Exception) -> str:
    """What Java calls an error that came from it; its text may hold anything."""
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception.getClass().getSimpleName())
    return type(error).__name__


def application(spark: SparkSession) -> Mapping[str, str]:
    """The settings of the application."""
    context = spark.sparkContext
    try:
        return dict(as_python(context._jvm, context._jsc.getConf().getAll()))
    except Py4JError:  # Delta has no such writer of JSON
        return dict(context.getConf().getAll())
