"""Java and Scala through py4j: classes, objects, options, sequences and maps, arguments by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

DELTA = "org.apache.spark.sql.delta"
"""The package of Delta Lake."""


def java(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm


def java_session(spark: SparkSession) -> Any:
    return spark._jsparkSession


def java_class(jvm: Any, name: str) -> Any:
    for part in name.split("."):
        jvm = getattr(jvm, part)
    return jvm


def scala_object(jvm: Any, name: str) -> Any:
    """A Scala object."""
    return getattr(java_class(jvm, f"{name}$"), "MODULE$")


def some(jvm: Any, value: Any) -> Any:
    return jvm.scala.Option.apply(value)


def seq(jvm: Any, values: Sequence[Any]) -> Any:
    return jvm.org.apache.spark.api.python.PythonUtils.toSeq(list(values))


def scala_map(jvm: Any, values: Mapping[str, Any]) -> Any:
    return jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(dict(values))


def java_list(jvm: Any, values: Any) -> Sequence[Any]:
    made: Sequence[Any] = jvm.scala.jdk.javaapi.CollectionConverters.asJava(values)
    return made


def java_map(jvm: Any, values: Any) -> Mapping[str, str]:
    made: Mapping[str, str] = jvm.scala.jdk.javaapi.CollectionConverters.asJava(values)
    return made


def argument(given: Mapping[int, Any], owner: Any, method: str, at: int) -> Any:
    """An argument of a Scala method: what is given, or its default."""
    return given[at] if at in given else getattr(owner, f"{method}$default${at}")()
