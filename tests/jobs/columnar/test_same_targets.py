"""Same table in any target: however it is laid out, whatever stood there, whatever Spark does afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.helpers import two_paths

pytestmark = pytest.mark.sweep

OLD = ["CREATE TABLE {} (old INT) USING delta", "INSERT INTO {} VALUES (1), (2)"]
TARGETS: dict[str, tuple[dict[str, Any], Sequence[str]]] = {
    "new": ({}, ()),
    "replaced": ({}, OLD),
    "partitioned by text": ({"partition_by": ["p"]}, ()),
    "partitioned by several": ({"partition_by": ["q", "r", "t", "i8"]}, OLD),
    "partitioned before": (
        {}, ["CREATE TABLE {} (id STRING, p STRING) USING delta PARTITIONED BY (p)",
         "INSERT INTO {} VALUES ('a', 'b')"],
    ),
    "partitioned under column mapping": (
        {"partition_by": ["p", "an odd, name"], "properties": {"delta.columnMapping.mode": "name"}}, OLD,
    ),
    "clustered": ({"cluster_by": ["q", "id"]}, ()),
    "clustered and plain before": ({"cluster_by": ["q"]}, OLD),
    "plain and clustered before": (
        {}, ["CREATE TABLE {} (id STRING) USING delta CLUSTER BY (id)", "INSERT INTO {} VALUES ('a')"],
    ),
    "change feed": ({"properties": {"delta.enableChangeDataFeed": "true"}}, OLD),
    "column mapping": ({"properties": {"delta.columnMapping.mode": "name"}}, OLD),
    "column mapping by id": ({"properties": {"delta.columnMapping.mode": "id"}}, ()),
    "deletion vectors": ({"properties": {"delta.enableDeletionVectors": "true"}}, OLD),
    "row tracking": ({"properties": {"delta.enableRowTracking": "true"}}, OLD),
    "row tracking of a new table": ({"properties": {"delta.enableRowTracking": "true"}}, ()),
    "in-commit timestamps": ({"properties": {"delta.enableInCommitTimestamps": "true"}}, OLD),
    "type widening": ({"properties": {"delta.enableTypeWidening": "true"}}, OLD),
    "v2 checkpoints": ({"properties": {"delta.checkpointPolicy": "v2", "delta.checkpointInterval": "1"}}, OLD),
    "constraints and generated columns before": (
        {},
        ["CREATE TABLE {} (id STRING NOT NULL COMMENT 'of old', g INT GENERATED ALWAYS AS (length(id))) USING delta "
         "COMMENT 'mine' TBLPROPERTIES ('mine' = '1')",
         "ALTER TABLE {} ADD CONSTRAINT c CHECK (id <> 'never')", "INSERT INTO {} (id) VALUES ('a')"],
    ),
    "deletion vectors before": (
        {},
        ["CREATE TABLE {} (id INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
         "INSERT INTO {} SELECT id FROM range(0, 9, 1, 1)", "DELETE FROM {} WHERE id = 2"],
    ),
    "statistics of few columns": ({"properties": {"delta.dataSkippingNumIndexedCols": "1"}}, ()),
}  # fmt: skip
AFTERWARDS = ["DELETE FROM {} WHERE q = 2", "OPTIMIZE {}", "INSERT INTO {} SELECT * FROM {} WHERE q IS NULL",
              "UPDATE {} SET s = 'other' WHERE q = 1"]  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_targets(spark: SparkSession, lake: Path, name: str) -> None:
    target, before = TARGETS[name]
    source, columns = rows(spark, lake, odd=name != "change feed")  # which Delta refuses with new column mapping
    two_paths.columnar(spark, lake, columns, source, target=target, before=before)
    go_on(spark, *(f"delta.`{lake}/treated/{execution}`" for execution in ("spark", "auto")))


def rows(spark: SparkSession, lake: Path, odd: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    path = str(lake / "raw" / "t")
    spark.sql(
        "SELECT * FROM VALUES "
        "(1, 'a b/c=%25:é?\"[x]', 1, DATE'1582-10-10', true, 1Y, 'x', struct(1 AS a, array(-0.0D) AS l)), "
        "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, '', 2, DATE'0001-01-01', false, -128Y, 'y', NULL), "
        "(4, ' ', 2, DATE'9999-12-31', false, 0Y, '', struct(int(NULL) AS a, array(double(NULL)) AS l)), "
        "(5, '\U0001f600\\t~', 1, DATE'1969-12-31', true, 0Y, 'z', NULL), "
        "(6, '__HIVE_DEFAULT_PARTITION__x', -1, NULL, true, 0Y, 'z', NULL) "
        "AS t(id, p, q, r, t, i8, s, nested)"
    ).withColumn("an odd, name" if odd else "plain", F.lit("o=o")).coalesce(1).write.parquet(path)
    schema = spark.read.parquet(path).schema
    columns = two_paths.kept(schema, id={"technique": "keyed_hash", "bits": 128, "key": "crm"})
    return {"path": path, "format": "parquet"}, columns


def go_on(spark: SparkSession, by_spark: str, by_auto: str) -> None:
    """What Spark does with the tables afterwards gives the same rows again."""
    for statement in AFTERWARDS:
        for name in (by_spark, by_auto):
            spark.sql(statement.replace("{}", name))
        assert two_paths.rows(spark.table(by_auto)) == two_paths.rows(spark.table(by_spark)), statement


@pytest.mark.parametrize("before", [(), OLD])
def test_targets_by_name(spark: SparkSession, lake: Path, before: Sequence[str]) -> None:
    source, columns = rows(spark, lake)
    name = f"same_{len(before)}"
    target = {"partition_by": ["q"], "properties": {"delta.columnMapping.mode": "name"}}
    try:
        two_paths.columnar(spark, lake, columns, source, target=target, before=before, by_name=name)
        entries = [
            spark.sql(f"DESCRIBE TABLE EXTENDED {name}_{execution}").collect() for execution in ("spark", "auto")
        ]
        told = [{row["col_name"]: row["data_type"] for row in entry} for entry in entries]
        assert told[0].keys() == told[1].keys()
        for key in ("Type", "Provider", "Comment", "Owner", "q", "id"):
            assert told[1].get(key) == told[0].get(key), key
        go_on(spark, f"{name}_spark", f"{name}_auto")
    finally:
        for execution in ("spark", "auto"):
            spark.sql(f"DROP TABLE IF EXISTS {name}_{execution}")


def test_the_same_target_in_turn(spark: SparkSession, lake: Path) -> None:
    """Each path replaces what the other wrote; all versions are the same table."""
    source, columns = rows(spark, lake)
    target = {"path": str(lake / "treated" / "turn"), "cluster_by": ["q"]}
    for execution in ("columnar", "spark", "columnar", "columnar"):
        two_paths.run(spark, lake, columns, source, execution, target=target)  # type: ignore[arg-type]
    versions = [spark.read.option("versionAsOf", at).format("delta").load(target["path"]) for at in range(4)]  # type: ignore[arg-type]
    assert all(two_paths.rows(each) == two_paths.rows(versions[0]) for each in versions)
    assert all(each.schema.json() == versions[0].schema.json() for each in versions)


def test_a_partition_whose_folder_would_be_too_long(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    spark.sql("SELECT 1 AS id, repeat('x', 239) AS p").write.parquet(path)
    target = {"partition_by": ["p"]}
    source = {"path": path, "format": "parquet"}
    two_paths.not_columnar("too long", spark, lake, {"id": "keep", "p": "keep"}, source, target=target)


def test_a_partition_column_of_times_is_not_columnar(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    spark.sql("SELECT 1 AS id, TIMESTAMP'2024-03-31 01:02:03.000004' AS p").write.parquet(path)
    target, source = {"partition_by": ["p"]}, {"path": path, "format": "parquet"}
    two_paths.not_columnar("partitioned by p", spark, lake, {"id": "keep", "p": "keep"}, source, target=target)


@pytest.mark.parametrize(
    ("feature", "name"),
    [
        ("materializePartitionColumns", "delta.enableMaterializePartitionColumnsFeature"),
        ("icebergCompatV1", "delta.enableIcebergCompatV1"),
    ],
)
def test_a_feature_that_asks_more_of_files_is_not_columnar(
    spark: SparkSession, lake: Path, feature: str, name: str
) -> None:
    """Both have partition columns stand in the files too."""
    path = str(lake / "raw" / "t")
    spark.sql("SELECT 1 AS id, 'a' AS p").write.parquet(path)
    target, source = {"partition_by": ["p"], "properties": {name: "true"}}, {"path": path, "format": "parquet"}
    two_paths.not_columnar(feature, spark, lake, {"id": "keep", "p": "keep"}, source, target=target)
