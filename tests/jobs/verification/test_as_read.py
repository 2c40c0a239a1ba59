"""The source as the runs read it: versions, partitions, folders; and what is said where that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize, verify
from jobs.configuration.config import Config
from jobs.spark_app import session
from jobs.verification import as_read, outcome, retreated, standing
from jobs.verification.outcome import Check
from tests.helpers import changing, growing, lakes, partitioning

DIRECT = "direct_identifier"
COLUMNS: dict[str, Any] = {
    "id": lakes.column({"domain": "customer"}, DIRECT),
    "day": "keep",
    "note": lakes.column("redact", DIRECT),
}


def checks(spark: SparkSession, conf: Config) -> dict[str, Check]:
    """Those that treat the source again."""
    stands = standing.found(session.for_run(spark), conf, conf.tables["t"].target, "t")
    return {each.name: each for each in retreated.check(stands, as_read.source_of(stands), conf)}


def holding(found: dict[str, Check]) -> None:
    assert {each.outcome for each in found.values()} == {"holds"}, found


def conf_of(lake: Path, mode: str, columns: Any = COLUMNS, format_: str = "delta", **more: Any) -> Config:
    source = {"format": format_, "path": str(lake / "raw" / "t")}
    target = {"path": str(lake / "treated" / "t"), "mode": mode, **more}
    return lakes.configured(lake, lakes.table("t", lake, columns, source=source, target=target))


@pytest.fixture(scope="module")
def grown(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Config]:
    """Two incremental runs, after which a row of the source was updated and another was added."""
    lake = tmp_path_factory.mktemp("grown")
    conf = conf_of(lake, "incremental")
    for start, end in ((0, 20), (20, 30)):
        growing.grown(spark, lake, start, end)
        pseudonymize.run(spark, conf, "t")
    growing.delta(spark, lake / "raw" / "t").update("id = '3'", {"id": "'three'"})
    growing.grown(spark, lake, 30, 31)
    return lake, conf


def test_a_source_that_was_changed_since_is_read_as_the_run_read_it(
    spark: SparkSession, grown: tuple[Path, Config]
) -> None:
    found = checks(spark, grown[1])
    holding(found)
    assert found["counts"].said == "30 of the source, 30 here, 0 in quarantine"


def test_where_that_version_is_gone_nothing_can_be_said(spark: SparkSession, grown: tuple[Path, Config]) -> None:
    lake, conf = grown
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        growing.delta(spark, lake / "raw" / "t").vacuum(0)
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    found = verify.run(spark, conf, "t")
    said = {each.name: each for each in found.checks}
    for name in ("rows anew", "counts", "survivors"):
        assert said[name].outcome == "not checkable", said[name]
        assert said[name].said.startswith("not as the run read it: files of version 1 of the source are gone")
    assert not found.fails
    assert next(outcome.lines(found)).endswith("3 of 8 checks were not made")
    assert found.scanned is not None
    assert found.scanned.values == 62, "what the source has now is looked for"


@pytest.mark.sweep
def test_changes_that_were_not_followed_yet(spark: SparkSession, tmp_path: Path) -> None:
    changing_rows = changing.rows(spark, range(12))
    changing_rows.write.format("delta").options(**changing.FED).save(str(tmp_path / "raw" / "t"))
    conf = conf_of(tmp_path, "changes", changing.COLUMNS, key=["id"])
    pseudonymize.run(spark, conf, "t")
    table = growing.delta(spark, tmp_path / "raw" / "t")
    table.update("id = 'c1'", {"note": "'other'", "rate": "0.5"})
    table.delete("id = 'c2'")
    pseudonymize.run(spark, conf, "t")
    table.delete("id in ('c3', 'c4')")
    table.update("id = 'c5'", {"id": "'c50'"})
    found = checks(spark, conf)
    holding(found)
    assert found["counts"].said == "11 of the source, 11 here, 0 in quarantine"


@pytest.mark.sweep
def test_a_folder_is_read_up_to_where_the_run_stopped(spark: SparkSession, tmp_path: Path) -> None:
    conf = conf_of(tmp_path, "incremental", format_="parquet")
    place = str(tmp_path / "raw" / "t")
    growing.rows(spark, 0, 10).write.parquet(place)
    pseudonymize.run(spark, conf, "t")
    growing.rows(spark, 10, 15).write.mode("append").parquet(place)
    found = checks(spark, conf)
    holding(found)
    assert "as it is now" not in found["rows anew"].said


@pytest.mark.sweep
def test_a_stream_is_read_up_to_its_last_batch(spark: SparkSession, tmp_path: Path) -> None:
    conf = conf_of(tmp_path, "incremental")
    for start, end in ((0, 10), (10, 20), (20, 30)):
        growing.grown(spark, tmp_path, start, end)
    pseudonymize.run(spark, conf, "t", mode="stream", files_per_batch=1)
    growing.grown(spark, tmp_path, 30, 40)
    holding(checks(spark, conf))


@pytest.fixture(scope="module")
def partitioned(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Partitions of three versions of the source; one of them went, one came, one is null."""
    lake = tmp_path_factory.mktemp("partitioned")
    for note, values, where in (
        ("first", [1, 2, 3, None], None),
        ("second", [1, 2, 3, None, 4], "part = 1 OR part IS NULL"),
        ("third", [1, 2, 2, 5], "part = 2 OR part = 3"),
    ):
        partitioning.put(partitioning.rows(spark, "int", values, note), lake)
        partitioning.run(spark, lake, where)
    return lake


def test_each_partition_is_held_against_the_version_that_it_is_of(spark: SparkSession, partitioned: Path) -> None:
    found = checks(spark, partitioning.configured(partitioned))
    holding(found)
    assert found["counts"].said == "6 of the source, 6 here, 0 in quarantine"


@pytest.mark.sweep
def test_rows_are_counted_partition_by_partition(spark: SparkSession, partitioned: Path) -> None:
    """Rows more in one and fewer in another are no way round."""
    target = partitioned / "treated" / "t"
    table = growing.delta(spark, target)
    before = int(table.history(1).collect()[0]["version"])
    spark.read.format("delta").load(str(target)).where("part = 1").write.format("delta").mode("append").save(
        str(target)
    )
    table.delete("part IS NULL")
    try:
        found = checks(spark, partitioning.configured(partitioned))
    finally:
        table.restoreToVersion(before)
    assert found["counts"].outcome == "fails"
    assert found["counts"].faults[-1] == "rows do not add up in 2 of 3 partitions"
