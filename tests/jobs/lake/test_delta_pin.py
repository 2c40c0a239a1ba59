"""A Delta source is read at one version, however the catalog states it, and the run's commit names that version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake import read
from jobs.lake.address import Address
from jobs.lake.problems import SourceProblem
from jobs.pseudonymize import run
from jobs.spark_app import session
from tests.helpers.lakes import configured, table


@pytest.fixture(scope="module")
def own(spark: SparkSession) -> SparkSession:
    return session.for_run(spark)


@pytest.fixture(scope="module")
def versions(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Delta table of which version n has n + 1 rows."""
    path = str(tmp_path_factory.mktemp("delta") / "t")
    for rows in (1, 2, 3):
        spark.range(rows).write.format("delta").mode("overwrite").save(path)
    return path


def read_at(own: SparkSession, path: str, **options: str) -> tuple[int | None, int]:
    found = read.rows_of(own, Source(path=path, format="delta", options=options))
    return found.version, found.rows.count()


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ({}, 2),
        ({"versionAsOf": "latest"}, 2),
        ({"versionasof": "LATEST"}, 2),
        ({"versionAsOf": "0"}, 0),
        ({"VERSIONASOF": "1"}, 1),
    ],
)
def test_a_version_is_read_as_stated(own: SparkSession, versions: str, options: dict[str, str], version: int) -> None:
    assert read_at(own, versions, **options) == (version, version + 1)


def test_a_time_is_the_version_of_that_time(own: SparkSession, versions: str) -> None:
    history = own.sql(f"DESCRIBE HISTORY delta.`{versions}`").collect()
    written = next(row["timestamp"] for row in history if row["version"] == 1)
    assert read_at(own, versions, TimestampAsOf=str(written)) == (1, 2)


def test_what_is_read_stays_what_it_was_at_the_look(own: SparkSession, lake: Path) -> None:
    path = str(lake / "raw")
    own.range(1).write.format("delta").save(path)
    found = read.rows_of(own, Source(path=path, format="delta"))
    own.range(5).write.format("delta").mode("append").save(path)
    assert (found.version, found.rows.count()) == (0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"versionAsOf": "9"}, "version 9 is not there; there are 0 to 2"),
        ({"timestampAsOf": "2001-01-01"}, "before the oldest version that is left"),
        ({"timestampAsOf": "2999-01-01"}, "after the newest version"),
        ({"versionAsOf": "newest"}, "options.versionAsOf: expected a version's number"),
        ({"readChangeFeed": "true"}, "options.readChangeFeed: not taken: a change feed is not the table"),
    ],
)
def test_versions_that_are_not_there(own: SparkSession, versions: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(SourceProblem, match=message):
        read_at(own, versions, **options)


def test_a_version_in_the_path_is_no_version(own: SparkSession, versions: str) -> None:
    with pytest.raises(SourceProblem, match="stated by the option versionAsOf, not in the path"):
        read_at(own, f"{versions}@v1")


@pytest.fixture
def names(spark: SparkSession) -> Iterator[SparkSession]:
    spark.sql("CREATE DATABASE IF NOT EXISTS pins")
    yield spark
    spark.sql("DROP DATABASE pins CASCADE")


def test_a_delta_table_is_known_whatever_its_columns_are_called(names: SparkSession, own: SparkSession) -> None:
    """`DESCRIBE EXTENDED` shows columns and the provider as rows alike."""
    names.sql(
        "CREATE TABLE pins.t (Provider STRING COMMENT 'parquet', Type STRING) USING delta "
        "PARTITIONED BY (Provider) COMMENT 'Provider parquet'"
    )
    names.sql("CREATE TABLE pins.p (id INT, Provider STRING COMMENT 'delta') USING parquet PARTITIONED BY (Provider)")
    names.sql("INSERT INTO pins.t VALUES ('delta', 'x')")
    assert read.rows_of(own, Source(table="pins.t")).version == 1
    assert read.rows_of(own, Source(table="pins.t", options={"versionasof": "0"})).rows.count() == 0
    assert read.rows_of(own, Source(table="pins.p")).version is None
    assert not Address(table="pins.p").is_delta(own)


def test_a_view_has_no_version(names: SparkSession, own: SparkSession) -> None:
    names.sql("CREATE TABLE pins.t USING delta AS SELECT 1 AS id")
    names.sql("CREATE VIEW pins.v AS SELECT id FROM pins.t")
    found = read.rows_of(own, Source(table="pins.v"))
    assert (found.version, found.rows.count()) == (None, 1)
    with pytest.raises(SourceProblem, match="it is no Delta table, and has no versions"):
        read.rows_of(own, Source(table="pins.v", options={"versionAsOf": "0"}))


def test_the_commit_names_the_version_that_was_read(spark: SparkSession, lake: Path, versions: str) -> None:
    source: dict[str, Any] = {"format": "delta", "path": versions, "options": {"VersionAsOf": "1"}}
    assert run(spark, configured(lake, table("t", lake, {"id": "keep"}, source=source)), "t").rows == 2
    commit = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").collect()[0]
    assert json.loads(commit["userMetadata"])["source_version"] == 1
