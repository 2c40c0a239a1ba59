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

from jobs.configuration.models import Execution
from privacy_udfs.errors import LakenymError
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
    kinds = (
        "b boolean, i8 byte, i16 short, i32 int, i64 long, f float, d double, d9 decimal(9,2), d18 decimal(18,3), "
        "d38 decimal(38,18), d38w decimal(38,0), day date, at timestamp, ntz timestamp_ntz, s string, x binary"
    )
    height = max(map(len, edges.values()))
    made = [tuple(values[at % len(values)] for values in edges.values()) for at in range(2 * height)]
    frame = spark.createDataFrame(made, kinds)
    whole = F.struct(*frame.columns)
    times = F.create_map(F.coalesce("i64", F.lit(7)), F.array("ntz"))
    odd = F.monotonically_increasing_id() % 5
    nested = frame.select(
        *frame.columns,
        F.when(odd != 1, whole).alias("inner"),
        F.when(odd == 2, F.array()).when(odd != 3, F.array(whole, F.lit(None), whole)).alias("many"),
        F.when(odd != 4, F.create_map(F.lit("k"), whole, F.lit("none"), F.lit(None))).alias("known"),
        F.when(odd != 1, F.array(F.array("d"), F.lit(None), F.array(), F.array("d", "d"))).alias("deep"),
        F.when(odd != 0, F.struct(F.struct(F.array(F.struct(times.alias("m"))).alias("l")).alias("a"))).alias("deeper"),
    )  # fmt: skip
    path = str(lake / "raw" / "types")
    nested.coalesce(1).write.parquet(path)
    return {"path": path, "format": "parquet"}


def test_leaves_deep_within_others(spark: SparkSession, lake: Path) -> None:
    """Some are treated, some dropped, some become null; the subject lies in a struct, and is null where that is."""
    source = all_types(spark, lake)
    hidden: dict[str, Any] = {"technique": "keyed_hash", "bits": 128, "key": "crm"}
    moved = {"technique": "date_shift", "max_days": 30, "key": "crm", "on_refused": "null"}
    treated = {
        "s": "redact",
        "b": "drop",
        "x": hidden,
        "day": moved,
        "d": {"technique": "generalize_number", "width": 10, "on_refused": "null"},
        "inner.s": hidden,
        "inner.b": "drop",
        "inner.at": moved,
        "many[].s": hidden,
        "many[].i64": "drop",
        "many[].f": "redact",
        "many[].ntz": moved,
        "known{key}": hidden,
        "known{value}.s": {"technique": "mask"},
        "known{value}.d38": "drop",
        "deep[][]": "redact",
        "deeper.a.l[].m{value}[]": moved,
    }
    columns = two_paths.kept(spark.read.parquet(source["path"]).schema, **treated)
    two_paths.columnar(spark, lake, columns, source, subject="inner.i64")


def test_refused_values_are_told_alike(spark: SparkSession, lake: Path) -> None:
    source = written(lake, pa.table({"who": ["a", "b", None], "ip": ["1", "x", "192.168.1.1"]}))
    truncated = {"technique": "truncate_ip"}
    said = set()
    executions: tuple[Execution, ...] = ("spark", "auto", "columnar")
    for execution in executions:
        with pytest.raises(LakenymError) as caught:
            two_paths.run(spark, lake, {"who": "keep", "ip": truncated}, source, execution)
        said.add((type(caught.value).__name__, str(caught.value)))
    assert len(said) == 1, said
    assert "it stands first in part-0.parquet, row 0" in said.pop()[1]
    for execution in executions[1:]:
        left = [path for path in (lake / "treated" / execution).rglob("*.*") if path.is_file()]
        assert not left, "the columnar path takes away what it wrote"


def test_refused_values_that_become_null_are_counted_alike(spark: SparkSession, lake: Path) -> None:
    source = written(lake, pa.table({"who": ["a", "b", None], "ip": ["1", "x", "192.168.1.1"]}))
    truncated = {"technique": "truncate_ip", "on_refused": "null"}
    result = two_paths.same(spark, lake, {"who": "keep", "ip": truncated}, source)
    assert (result.execution, result.counts["ip"]) == ("columnar", (1, 0, 2))


def test_every_technique(spark: SparkSession, lake: Path) -> None:
    """Over the published vectors: one table, with a column for each; tokens of a vault are Spark's alone."""
    names = {name for name, cls in BY_NAME.items() if not (cls.drops_column or cls.by_vault)}
    vectors = [
        (f"{name}_{at}", vector)
        for name in sorted(names)
        for at, vector in enumerate(load_vectors(name))
        if _in_a_catalog(vector)
    ]
    assert {name.rpartition("_")[0] for name, _ in vectors} == names
    height = max(len(vector.values) for _, vector in vectors)
    columns = {name: _padded(vector.values, height) for name, vector in vectors}
    rules: dict[str, Any] = {name: _rule(vector) for name, vector in vectors}
    source = written(lake, pa.table({**columns, "who": pa.array([f"s{at % 3}" for at in range(height)])}))
    two_paths.columnar(spark, lake, {**rules, "who": "keep"}, source, seen=comparable, subject="who")


def comparable(frame: DataFrame) -> DataFrame:
    """All values, but for those that are others each time: of them their lengths."""
    return frame.select([F.length(name).alias(name) if name.startswith(RANDOM) else name for name in frame.columns])


def _in_a_catalog(vector: Vector) -> bool:
    """Not where it names a file of levels, or words that a catalog takes in quotes only, or has what a domain fixes."""
    if not all(isinstance(each, str) for each in vector.treatment.get("entities", {}).values()):
        return False
    return "y" not in vector.treatment.get("values", ()) and isinstance(vector.treatment.get("levels", []), list)


def _padded(values: pa.Array, height: int) -> pa.Array:
    return pa.concat_arrays([values, pa.nulls(height - len(values), values.type)])


def _rule(vector: Vector) -> dict[str, Any]:
    keyed = {"key": "crm"} if vector.key is not None else {}
    refused = {} if vector.subject is None else {"on_refused": "null"}  # those with a subject here get another one
    return {**vector.treatment, **keyed, **refused}


def written(lake: Path, table: pa.Table, name: str = "t", **options: Any) -> dict[str, Any]:
    """A folder with one Parquet file by Arrow."""
    folder = lake / "raw" / name
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "part-0.parquet", **options)
    return {"path": str(folder), "format": "parquet"}
