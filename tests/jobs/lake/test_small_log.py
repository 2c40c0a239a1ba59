"""A small Delta log as the driver reads it, held against what Spark and Delta read in it."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from jobs.lake import log_commits, log_replay, small_log


def made(spark: SparkSession, folder: Path) -> str:
    """A table with commits of many kinds; the first files are removed, some rows are changed."""
    at = str(folder / "table")
    spark.range(0, 20, 1, 2).selectExpr("id", "id % 2 AS half").write.format("delta").partitionBy("half").save(at)
    spark.sql(f"DELETE FROM delta.`{at}` WHERE half = 0")
    spark.range(20, 30, 1, 1).selectExpr("id", "id % 2 AS half").write.format("delta").mode("append").save(at)
    spark.sql(f"UPDATE delta.`{at}` SET id = id + 100 WHERE id = 1")
    spark.sql(f"ALTER TABLE delta.`{at}` SET TBLPROPERTIES ('privacy.run' = 'said')")
    spark.sql(f"RESTORE TABLE delta.`{at}` TO VERSION AS OF 2")
    return at


def snapshot(spark: SparkSession, at: str) -> object:
    return spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, at).update(  # type: ignore[union-attr]
        False,
        spark._jvm.scala.Option.empty(),  # type: ignore[union-attr]
        spark._jvm.scala.Option.empty(),  # type: ignore[union-attr]
    )


def test_commits_say_the_same_on_the_driver_and_by_spark(spark: SparkSession, tmp_path: Path) -> None:
    at = made(spark, tmp_path)
    for last in (0, 3, 5):
        ours = log_commits._on_driver(spark, at, last)
        theirs = sorted(log_commits._by_spark(spark, at, last, False), key=lambda row: int(row["version"]))
        assert ours is not None
        assert [log_commits._commit(row) for row in ours] == [log_commits._commit(row) for row in theirs]
        assert len(ours) == last + 1


def test_the_files_of_a_version_are_those_that_delta_lists(spark: SparkSession, tmp_path: Path) -> None:
    at = made(spark, tmp_path)
    now = snapshot(spark, at)
    found = small_log.replayed(spark, now)
    assert found is not None
    listed = now.getAllFiles(True)  # type: ignore[attr-defined]
    theirs = {str(listed.apply(at).path()) for at in range(listed.size())}
    assert theirs
    assert sorted(file["path"] for file in found.told) == sorted(theirs)
    assert found.files.size() == len(theirs)


def test_a_log_that_says_something_unknown_is_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    at = made(spark, tmp_path)
    log = Path(at) / "_delta_log"
    first = log / f"{0:020}.json"
    whole = first.read_text()
    for damaged in ("no object\n", "3\n", '{"add": {"path": "x", "dataChange": "yes"}}\n'):
        first.write_text(damaged)
        assert log_commits._on_driver(spark, at, 5) is None
    first.write_text(whole)
    (log / f"{3:020}.json").unlink()
    assert small_log.commits(spark, at, 5) is None


def test_a_path_that_can_be_spelled_in_two_ways_is_left_to_delta() -> None:
    assert small_log._is_plain("half=1/part-0.parquet")
    for path in ("/elsewhere/part-0.parquet", "file:/x", "s3://b/x", "a//b", "./a", "a/../b", ""):
        assert not small_log._is_plain(path)


def test_long_commits_before_a_checkpoint_are_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    """A version is told by the checkpoint; a replay would read them all."""
    at = made(spark, tmp_path)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, at).checkpoint()  # type: ignore[union-attr]
    spark.sql(f"ALTER TABLE delta.`{at}` SET TBLPROPERTIES ('privacy.run' = 'again')")
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    assert small_log.replayed(spark, snapshot(spark, at)) is not None
    first = Path(at) / "_delta_log" / f"{0:020}.json"
    first.write_text(first.read_text() + "\n" * log_replay.BYTES)
    first.with_name(f".{first.name}.crc").unlink(missing_ok=True)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    assert small_log.replayed(spark, snapshot(spark, at)) is None
