"""Which columns' least and greatest values the Delta log holds, read from the log itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.pseudonymize import run
from jobs.treatment.file_statistics import COLUMNS
from tests.helpers import lakes
from tests.helpers.lakes import configured, table

HASHED = {"domain": "customer"}
SCHEMA = "id bigint, name string, `odd name` string, paid boolean, photo binary, tags array<string>, home struct<"
SCHEMA += "street: string, zip: string, `a.b`: int>, region string"
ROW = (1, "Ann", "x", True, b"png", ["a"], ("High St", "0250", 3), "N")
TREATED = {
    "id": HASHED,
    "name": "keep",
    "`odd name`": "keep",
    "paid": "keep",
    "photo": "keep",
    "tags[]": "keep",
    "home.street": HASHED,
    "home.zip": "keep",
    "home.`a.b`": "keep",
    "region": "keep",
}


def least_values(spark: SparkSession, lake: Path, columns: dict[str, Any] = TREATED, **target: Any) -> dict[str, Any]:
    """Run the job; the newest commit's least values, by the path of the column, physical names made logical."""
    spark.createDataFrame([ROW], SCHEMA).write.mode("overwrite").parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, columns, target={"path": str(lake / "treated" / "t"), **target}))
    run(spark, conf, "t")
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))[-1].read_text(encoding="utf-8").splitlines()
    actions = [json.loads(line) for line in log]
    schema = next(json.loads(each["metaData"]["schemaString"]) for each in actions if "metaData" in each)
    stats = next(json.loads(each["add"]["stats"]) for each in actions if "add" in each)
    return logical(stats.get("minValues", {}), schema)


def logical(values: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    physical = "delta.columnMapping.physicalName"
    fields = {field["metadata"].get(physical, field["name"]): field for field in schema["fields"]}
    return {
        fields[key]["name"]: logical(value, fields[key]["type"]) if isinstance(value, dict) else value
        for key, value in values.items()
    }


def test_pseudonyms_have_none(spark: SparkSession, lake: Path) -> None:
    expected = {"name": "Ann", "odd name": "x", "home": {"zip": "0250", "a.b": 3}, "region": "N"}
    assert least_values(spark, lake) == expected


def test_a_table_of_pseudonyms_only_has_none_at_all(spark: SparkSession, lake: Path) -> None:
    names = ("name", "`odd name`", "paid", "photo", "tags", "home", "region")
    columns = {"id": HASHED, **dict.fromkeys(names, "drop")}
    assert least_values(spark, lake, columns) == {}


def test_columns_to_cluster_by_have_them(spark: SparkSession, lake: Path) -> None:
    assert set(least_values(spark, lake, cluster_by=["id", "name"])) == {"id", "name", "odd name", "home", "region"}


def test_columns_to_partition_by_are_no_part_of_it(spark: SparkSession, lake: Path) -> None:
    assert set(least_values(spark, lake, partition_by=["region"])) == {"name", "odd name", "home"}


@pytest.mark.parametrize("name", [COLUMNS, "delta.dataSkippingNumIndexedCols"])
def test_the_catalog_decides(spark: SparkSession, lake: Path, name: str) -> None:
    chosen = {COLUMNS: "id", "delta.dataSkippingNumIndexedCols": "1"}[name]
    assert set(least_values(spark, lake, properties={name: chosen})) == {"id"}


def test_it_follows_the_columns_on_replace(spark: SparkSession, lake: Path) -> None:
    assert "name" in least_values(spark, lake)
    assert set(least_values(spark, lake, {**TREATED, "name": "drop", "id": "keep"})) == {
        "id", "odd name", "home", "region",
    }  # fmt: skip


def test_without_pseudonyms_delta_decides(spark: SparkSession, lake: Path) -> None:
    least_values(spark, lake, dict.fromkeys(TREATED, "keep"))
    assert COLUMNS not in lakes.properties(spark, lake)


def parquet_columns_with_statistics(lake: Path) -> set[str]:
    file = next((lake / "treated" / "t").glob("*.parquet"))
    group = pq.ParquetFile(file).metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    return {column.path_in_schema for column in columns if column.is_stats_set and column.statistics.has_min_max}


def test_the_parts_of_a_file_have_none_either(spark: SparkSession, lake: Path) -> None:
    columns = {path: how for path, how in TREATED.items() if "`" not in path}
    spark.createDataFrame([ROW], SCHEMA).drop("odd name").withColumn(
        "home", F.col("home").dropFields("`a.b`")
    ).write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, columns))
    run(spark, conf, "t")
    found = parquet_columns_with_statistics(lake)
    assert {"name", "home.zip", "region"} <= found
    assert not found & {"id", "home.street"}
