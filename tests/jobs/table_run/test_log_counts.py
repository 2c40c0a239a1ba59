"""Rows that the log of a Delta source has, held against those that are written on Spark's path."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.lake import log_counts
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes, partitioning
from tests.helpers.delta_by_hand import write_delta
from tests.helpers.growing import ran
from tests.helpers.partitioning import put, rows, run

FULL = {"mode": "full"}


def test_a_run_in_full(spark: SparkSession, lake: Path) -> None:
    """A log that has one row too many stands for a reader that gives one too few."""
    write_delta(lake / "raw" / "t", pa.table({"id": ["1", "2", "3"]}))
    commit = lake / "raw" / "t" / "_delta_log" / f"{0:020}.json"
    commit.write_text(commit.read_text().replace(r"\"numRecords\": 3", r"\"numRecords\": 4"))
    more = {"columns": {"id": {"domain": "customer"}}, "target": FULL}
    with pytest.raises(LakenymError, match="known to have 4 rows to write, and 3 were written"):
        ran(spark, lake, "delta", "spark", **more)
    assert not (lake / "treated" / "t" / "_delta_log" / f"{0:020}.json").exists()
    assert ran(spark, lake, "delta", "spark", entry={"rows": "id > '0'"}, **more).rows == 3, "nobody knows how many"


def test_a_run_of_partitions(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, "string", ["a", "b", None, ""], "old"), lake)
    partitioning.run(spark, lake, execution="spark")
    log = lake / "raw" / "t" / "_delta_log"
    lines = map(json.loads, (log / f"{0:020}.json").read_text().splitlines())
    add = next(line["add"] for line in lines if line.get("add", {}).get("partitionValues") == {"part": "b"})
    more = {**add, "path": f"{add['path']}.parquet", "stats": add["stats"].replace(":2,", ":3,", 1)}
    (lake / "raw" / "t" / more["path"]).write_bytes((lake / "raw" / "t" / add["path"]).read_bytes())
    (log / f"{1:020}.json").write_text(json.dumps({"add": more}) + "\n")
    with pytest.raises(LakenymError, match="known to have 5 rows to write, and 4 were written"):
        run(spark, lake, "part = 'b'", "spark")
    assert run(spark, lake, "part = 'a' OR part IS NULL", "spark").rows == 4
    assert lakes.treated(spark, lake).count() == 6


def test_what_nobody_knows(spark: SparkSession, lake: Path) -> None:
    place = str(lake / "raw" / "t")
    spark.range(9).write.format("delta").save(place)
    whole = spark.read.format("delta").load(place)
    assert log_counts.of(whole) == 9
    assert log_counts.of(whole.where("id > 1")) is None
    whole.write.parquet(str(lake / "files"))
    assert log_counts.of(spark.read.parquet(str(lake / "files"))) is None
    log = lake / "raw" / "t" / "_delta_log"
    added = json.dumps({"add": {"path": "x.parquet", "partitionValues": {}, "size": 1, "modificationTime": 1,
                                "dataChange": True}})  # fmt: skip
    (log / f"{1:020}.json").write_text(added + "\n")
    assert log_counts.of(spark.read.format("delta").load(place)) is None, "the log says nothing of a file"
