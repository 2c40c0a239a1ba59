"""Public tables as rows (``tests/vectors/public_tables.json``, which says where they come from)."""

from __future__ import annotations

import base64
import functools
import json
import lzma
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.helpers.places import ROOT


@functools.cache
def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "public_tables.json").read_text(encoding="utf-8"))
    return found


def distinct(table: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Each distinct row, all of text, and last how many rows are like it."""
    low, high = np.frombuffer(lzma.decompress(base64.b64decode(table["codes"])), np.uint8).reshape(2, -1).astype(int)
    codes = (low + 256 * high).reshape(len(table["columns"]) + 1, table["distinct"])
    columns = [[values[code] for code in each] for values, each in zip(table["columns"].values(), codes, strict=False)]
    found = [*zip(*columns, codes[-1].tolist(), strict=True)]
    assert sum(row[-1] for row in found) == table["rows"]
    return found


def rows(spark: SparkSession, table: Mapping[str, Any]) -> DataFrame:
    """Every row of a table, in columns of text."""
    names = [*table["columns"]]
    made = spark.createDataFrame(distinct(table), ", ".join(f"`{name}` string" for name in names) + ", many int")
    return made.withColumn("many", F.explode(F.sequence(F.lit(1), "many"))).select(*(f"`{name}`" for name in names))


def hierarchy(column: str) -> list[list[str]]:
    """A hierarchy of Adult: a row for each value, itself first."""
    return [line.split(";") for line in stored()["hierarchies"][column]]


def generalized(spark: SparkSession, node: Sequence[int], columns: Sequence[str]) -> DataFrame:
    """Adult with columns at levels of their hierarchies, all others as they are."""
    found = rows(spark, stored()["adult"])
    for level, name in zip(node, columns, strict=True):
        up = {row[0]: row[level] for row in hierarchy(name)}
        found = found.replace(up, subset=[name])
    return found
