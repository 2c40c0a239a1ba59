"""Same table either way: what the columnar path writes is what Spark's path writes, over all techniques and types."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from privacy_udfs.techniques import BY_NAME
from tests.helpers import two_paths
from tests.helpers.vectors import Vector, load_vectors

RANDOM = ("randomized_encryption",)
"""Techniques that give another value each time."""


def test_all_types_kept(spark: SparkSession, lake: Path) -> None:
    source = all_types(spark, lake)
    two_paths.columnar(spark, lake, two_paths.kept(spark.read.parquet(source["path"]).schema), source)


def all_types(spark: SparkSession, lake: Path) -> dict[str, Any]:
    """A folder of Parquet files by Spark with the edges of all types, in the columns and deep within others."""
    edges = {
        "b": [True, False, None],
        "i8": [-128, 127, None],
        "i16": [-(2**15), 2**15 - 1, None],
        "i32": [-(2**31), 2**31 - 1, None],
        "i64": [-(2**63), 2**63 - 1, None],
        "f": [float("nan"), -0.0, float("inf"), 1.5, None],
        "d": [float("nan"), -0.0, 0.0, float("-inf"), 5e-324, None],
        "d9": [Decimal("-9999999.99"), Decimal("0.01"), None],
        "d18": [Decimal("999999999999999.999"), Decimal("-0.001"), None],
        "d38": [Decimal("9" * 20 + "." + "9" * 18), Decimal("-" + "9" * 20 + "." + "9" * 18), None],
        "d38w": [Decimal("9" * 38), Decimal("-" + "9" * 38), None],
        "day": [datetime.date(1, 1, 1), datetime.date(1582, 10, 10), datetime.date(9999, 12, 31), None],
        "at": [datetime.datetime(1, 1, 1), datetime.datetime(1582, 10, 10, 1, 2, 3, 4),
               datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), None],
        "ntz": [datetime.datetime(1, 1, 1), datetime.datetime(1582, 10, 10, 1, 2, 3, 4),
                datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), None],
        "s": ["", "\U0001f600\U00010348", "a\0b", "x" * 5000, "\uffff\U0010ffff", "é" * 40, None],
        "x": [b"", b"\0\xff", b"y" * 5000, None],
    }  # fmt: skip
    kinds = "b boolean, i8 byte, i16 short, i32 int, i64 long, f float, d double, d9 decimal(9,2), d18 decimal(18,3), " \
        "d38 decimal(38,18), d38w decimal(38,0), day date, at timestamp, ntz timestamp_ntz, s string, x binary"  # fmt: skip
    height = max(map(len, edges.values()))
    made = [tuple(values[at % len(values)] for values in edges.values()) for at in range(2 * height)]
    frame = spark.createDataFrame(made, kinds)
    whole = F.struct(*frame.columns)
    odd = F.monotonically_increasing_id() % 5
    nested = frame.select(
        *frame.columns,
        F.when(odd != 1, whole).alias("inner"),
        F.when(odd == 2, F.array()).when(odd != 3, F.array(whole, F.lit(None), whole)).alias("many"),
        F.when(odd != 4, F.create_map(F.lit("k"), whole, F.lit("none"), F.lit(None))).alias("known"),
        F.when(odd != 1, F.array(F.array("d"), F.lit(None), F.array(), F.array("d", "d"))).alias("deep"),
        F.when(odd != 0, F.struct(F.struct(F.array(F.struct(F.create_map(F.coalesce("i64", F.lit(7)), F.array("ntz")).alias("m")))
            .alias("l")).alias("a"))).alias("deeper"),
    )  # fmt: skip
    path = str(lake / "raw" / "types")
    nested.coalesce(1).write.parquet(path)
    return {"path": path, "format": "parquet"}


@pytest.mark.parametrize("technique", sorted(set(BY_NAME) - {"drop"}))
def test_every_technique(spark: SparkSession, lake: Path, technique: str) -> None:
    """Over the published vectors: one column of the table for each."""
    vectors = [vector for vector in load_vectors(technique) if "y" not in vector.treatment.get("values", ())]
    height = max(len(vector.values) for vector in vectors)
    columns = {f"c{at}": _padded(vector.values, height) for at, vector in enumerate(vectors)}
    rules: dict[str, Any] = {f"c{at}": _rule(vector) for at, vector in enumerate(vectors)}
    columns["who"] = pa.array([f"s{at % 3}" for at in range(height)])
    rules["who"] = "keep"
    subject = {"subject": "who"} if any(vector.subject is not None for vector in vectors) else {}
    seen = lengths if technique in RANDOM else two_paths.whole
    two_paths.columnar(spark, lake, rules, written(lake, pa.table(columns)), seen=seen, **subject)


def lengths(frame: DataFrame) -> DataFrame:
    """What can be compared of values that are others each time."""
    return frame.select([F.length(name).alias(name) for name in frame.columns])


def _padded(values: pa.Array, height: int) -> pa.Array:
    return pa.concat_arrays([values, pa.nulls(height - len(values), values.type)])


def _rule(vector: Vector) -> dict[str, Any]:
    keyed = {"key": "crm"} if vector.key is not None else {}
    return {**vector.treatment, **keyed}


def written(lake: Path, table: pa.Table, name: str = "t", **options: Any) -> dict[str, Any]:
    """A folder with one Parquet file by Arrow."""
    folder = lake / "raw" / name
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "part-0.parquet", **options)
    return {"path": str(folder), "format": "parquet"}
