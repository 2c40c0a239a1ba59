"""A Delta log is read by as many tasks as it is worth, and says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Source, Target
from jobs.lake import delta_commit, history, log_replay, read, state
from jobs.lake.address import Address
from jobs.lake.delta_commit.scala import java, java_class, java_session
from jobs.spark_app import session


@pytest.fixture
def own(spark: SparkSession) -> SparkSession:
    return session.for_run(spark)


def made(spark: SparkSession, lake: Path, commits: int = 1) -> str:
    place = str(lake / "t")
    for _ in range(commits):
        spark.range(3).write.format("delta").mode("append").save(place)
    return place


def test_the_size_is_that_of_the_files_that_tell_the_version(own: SparkSession, lake: Path) -> None:
    place = made(own, lake, 3)
    written = sum(file.stat().st_size for file in (lake / "t" / "_delta_log").glob("*.json"))
    assert read.rows_of(own, Source(format="delta", path=place)).log_sizes == (written,)
    assert state.inspect(own, Target(path=place)).log_size == written
    java_class(java(own), "org.apache.spark.sql.delta.DeltaLog").forTable(java_session(own), place).checkpoint()
    java_class(java(own), "org.apache.spark.sql.delta.DeltaLog").clearCache()
    (checkpoint,) = (lake / "t" / "_delta_log").glob("*.checkpoint.parquet")
    assert state.inspect(own, Target(path=place)).log_size == checkpoint.stat().st_size


def test_a_target_that_is_not_there_has_no_log(own: SparkSession, lake: Path) -> None:
    assert state.inspect(own, Target(path=str(lake / "new"))).log_size == 0


def test_a_delta_of_another_kind_says_nothing() -> None:
    assert log_replay.size(object()) is None


def test_more_of_a_log_more_tasks(own: SparkSession) -> None:
    def tasks(*sizes: int | None) -> str | None:
        return log_replay.settings(own, sizes).get(log_replay.SETTING)

    assert tasks(0) is None, "the suite says how many"
    own.conf.unset(log_replay.SETTING)
    assert [tasks(), tasks(0), tasks(10, 3 * log_replay.BYTES)] == [None, "1", "4"]
    assert [tasks(0, None), tasks(49 * log_replay.BYTES)] == [None, None], "Delta's own number serves"


def test_the_history_is_the_same_whoever_reads_it(own: SparkSession, lake: Path) -> None:
    place = made(own, lake, 4)
    own.sql(f"DELETE FROM delta.`{place}` WHERE id = 1")
    found = [history.of(own, Address(path=place), place, 4, is_small).raw_versions for is_small in (False, True)]
    assert found[0] == found[1] == tuple(range(5))


@pytest.mark.parametrize("by_name", [False, True])
def test_the_transaction_says_of_a_table_what_delta_describes(own: SparkSession, lake: Path, by_name: bool) -> None:
    name = "said" if by_name else None
    address = Address(table=name, path=None if by_name else str(lake / "t"))
    own.sql(
        f"CREATE TABLE {address.sql} (id INT COMMENT 'c') USING delta COMMENT 'what it is' TBLPROPERTIES "
        "(delta.enableChangeDataFeed = true, mine = 'x', delta.columnMapping.mode = 'name')"
    )
    try:
        begun = delta_commit.begin(own, address.path, address.sql)
        assert begun is not None
        detail = address.detail(own)
        assert delta_commit.comment_and_properties(begun) == (detail["description"], detail["properties"])
        assert begun.location == detail["location"]
    finally:
        own.sql(f"DROP TABLE {address.sql}") if by_name else None
