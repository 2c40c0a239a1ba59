"""Java and Scala through py4j: classes, objects, options, sequences and maps, arguments by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.lake.java import DELTA, as_python, java_class

PYTHON = "org.apache.spark.api.python.PythonUtils"
__all__ = ["DELTA", "argument", "java", "java_class", "java_list", "java_map", "java_session", "none", "scala_map",
           "scala_object", "seq", "some"]  # fmt: skip


def java(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm


def java_session(spark: SparkSession) -> Any:
    return spark._jsparkSession


def scala_object(jvm: Any, name: str) -> Any:
    """A Scala object."""
    return getattr(java_class(jvm, f"{name}$"), "MODULE$")


def some(jvm: Any, value: Any) -> Any:
    return java_class(jvm, "scala.Option").apply(value)


def seq(jvm: Any, values: Sequence[Any]) -> Any:
    return java_class(jvm, PYTHON).toSeq(list(values))


def scala_map(jvm: Any, values: Mapping[str, Any]) -> Any:
    return java_class(jvm, PYTHON).toScalaMap(dict(values))


def none(jvm: Any) -> Any:
    return java_class(jvm, "scala.Option").empty()


def java_list(jvm: Any, values: Any) -> Sequence[Any]:
    """Of texts, numbers, or what Delta writes into its log."""
    found: Sequence[Any] = as_python(jvm, values)
    return found


def java_map(jvm: Any, values: Any) -> Mapping[str, str]:
    found: Mapping[str, str] = as_python(jvm, values)
    return found


def argument(given: Mapping[int, Any], owner: Any, method: str, at: int) -> Any:
    """An argument of a Scala method: what is given, or its default."""
    return given[at] if at in given else getattr(owner, f"{method}$default${at}")()
