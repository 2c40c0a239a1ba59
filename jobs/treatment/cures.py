"""What to do where a technique does not take the type that a column has."""

from __future__ import annotations

import re

from pyspark.sql import types as T

from jobs.configuration.models import TableConfig
from privacy_udfs.technique import Technique

TYPED = ("csv", "json")
"""Formats whose types the catalog may state."""


_ARROW = re.compile(
    r"(?<![\w.])(?:timestamp\[\w{1,2}(, tz(?:=[\w/+:\-]{1,40})?)?\]|decimal(?:32|64|128|256)|"
    r"date(?:32|64)(?:\[\w{1,3}\])?|u?int(?:8|16|32|64)|float(?:16|32|64)?|halffloat|double|bool|large_string|large_binary)(?!\w)"
)
_IN_SPARK = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float",
    "float64": "double", "bool": "boolean", "large_string": "string", "large_binary": "binary",
}  # fmt: skip


def told(config: TableConfig, technique: Technique, given: T.DataType, said: str) -> str:
    """Why a type was refused, in Spark's names of types, which are those of the catalog, and what to do."""
    return f"{_ARROW.sub(_in_spark, said)}{of(config, technique, given, said)}"


def _in_spark(found: re.Match[str]) -> str:
    word = found[0]
    if word.startswith("timestamp"):
        return "timestamp" if found[1] else "timestamp_ntz"
    family = next((name for name in ("date", "decimal") if word.startswith(name)), word)
    return _IN_SPARK.get(family, family)


def of(config: TableConfig, technique: Technique, given: T.DataType, said: str) -> str:
    """``: ...``, or nothing where there is nothing to say. said: why it was refused, as `Technique.refuse_type` words
    the one fault that has these cures."""
    if "; it takes " not in said:
        return ""
    source = config.source
    ways = []
    if source.format in TYPED and isinstance(given, T.AtomicType):
        now = "all columns of a CSV source are text unless" if source.format == "csv" else "types are guessed unless"
        ways.append(
            f"state the column's type in source.schema ({now} it names them)"
            if source.schema_ is None
            else "give the column another type in source.schema"
        )
    if isinstance(given, T.StringType) and "input_format" in type(technique).model_fields:
        ways.append("state input_format in the treatment, such as input_format=%d.%m.%Y for 31.01.2024")
    if not ways and isinstance(given, T.AtomicType):
        ways.append("choose another technique, or have the source hold the column in such a type")
    return f": {', or '.join(ways)}" if ways else ""
