"""Sources whose changes cannot be followed, or are told oddly: the run stops and names what heals, or is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from jobs.lake.problems import SourceProblem
from jobs.spark_app.failures import RunFailed
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, lakes
from tests.helpers.changing import COLUMNS, FED, check_as_in_full, deleted, made, names, put, rows, run, source, told
from tests.helpers.sweeps import but_for


def commits(lake: Path) -> list[Path]:
    return sorted((lake / "raw" / "t" / "_delta_log").glob("*.json"))


def restored(spark: SparkSession, lake: Path) -> None:
    deleted(spark, lake, [1])
    source(spark, lake).restoreToVersion(0)


def fed(spark: SparkSession, lake: Path, on: bool) -> None:
    spark.sql(f"ALTER TABLE delta.`{lake}/raw/t` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = '{on}')")


def lost_log(spark: SparkSession, lake: Path) -> None:
    """As log cleanup leaves it: commits before a checkpoint are gone."""
    made(spark, lake, range(50, 52))
    jvm: Any = spark._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, str(lake / "raw" / "t"))
    log.update(False, jvm.scala.Option.empty(), jvm.scala.Option.empty())
    log.checkpoint()
    for commit in commits(lake)[:2]:
        commit.unlink()


def put_back(spark: SparkSession, lake: Path) -> None:
    """As from a copy of the table at an earlier time, which has gone on otherwise since."""
    for file in (lake / "raw" / "t" / "_delta_log").iterdir():
        if file.is_file() and f"{1:020d}" in file.name:
            file.unlink()
    made(spark, lake, range(90, 95))
    put(spark, lake, [1], 1)


def off_for_a_while(spark: SparkSession, lake: Path) -> None:
    fed(spark, lake, False)
    put(spark, lake, [1], 1)
    fed(spark, lake, True)


def made_anew(spark: SparkSession, lake: Path) -> None:
    (lake / "raw" / "t").rename(lake / "raw" / "old")
    made(spark, lake, range(20))
    put(spark, lake, [1], 1)


def widened(spark: SparkSession, lake: Path) -> None:
    spark.sql(f"ALTER TABLE delta.`{lake}/raw/t` ADD COLUMN more STRING")


def vacuumed(spark: SparkSession, lake: Path) -> None:
    put(spark, lake, [1, 2], 1)
    for file in (lake / "raw" / "t" / "_change_data").glob("*.parquet"):
        file.unlink()


def a_delete_that_the_feed_lacks(spark: SparkSession, lake: Path) -> None:
    """As of the table that delta's issue 1606 is about."""
    deleted(spark, lake, [1, 11])
    commit = commits(lake)[-1]
    lines = commit.read_text().splitlines()
    told = [line for line in lines if '"cdc"' in line]
    assert len(told) > 1
    commit.write_text("\n".join(line for line in lines if line != told[0]))
    for checksum in commit.parent.glob(f".{commit.name}.crc"):
        checksum.unlink()


def lost(spark: SparkSession, lake: Path, kept: str) -> None:
    """Of the change data of the last commit only some rows are left."""
    commit, place = commits(lake)[-1], lake / "raw" / "t"
    lines = [json.loads(line) for line in commit.read_text().splitlines()]
    told = [line["cdc"] for line in lines if "cdc" in line]
    assert told, "this commit has change data of its own"
    for at, each in enumerate(told):
        file, scratch = place / each["path"], lake / f"scratch-{commit.stem}-{at}"
        spark.read.parquet(str(file)).where(kept).coalesce(1).write.parquet(str(scratch))
        file.write_bytes(next(scratch.glob("*.parquet")).read_bytes())
        (file.parent / f".{file.name}.crc").unlink(missing_ok=True)
        each["size"] = file.stat().st_size
    commit.write_text("\n".join(json.dumps(line) for line in lines))
    (commit.parent / f".{commit.name}.crc").unlink(missing_ok=True)


def a_delete_and_an_insert_that_the_feed_lacks(spark: SparkSession, lake: Path) -> None:
    """In all it has as many rows more as the table."""
    deleted(spark, lake, [1, 2])
    lost(spark, lake, "id <> 'c1'")
    put(spark, lake, [3, 100], 1)
    lost(spark, lake, "id <> 'c100'")


def an_update_that_the_feed_lacks(spark: SparkSession, lake: Path) -> None:
    put(spark, lake, [3], 1)
    lost(spark, lake, "false")


FAULTS: dict[str, tuple[Any, ...]] = {
    "restored": (restored, r"put other rows in place of all \(RESTORE\)"),
    "lost log": (lost_log, "no longer holds version 1"),
    "put back": (put_back, "is not the one that the last run read"),
    "feed off": (off_for_a_while, "change data feed was off in version 2: switch it on"),
    "made anew": (made_anew, "another table than the one"),
    "other columns": (widened, "were treated otherwise than new ones would be: more is new", "more"),
    "feed cleaned away": (vacuumed, "its change data feed cannot be read"),
    "missing delete": (a_delete_that_the_feed_lacks, r"missed .* version 2 it makes -1 rows, .* log has -2"),
    "two missing": (a_delete_and_an_insert_that_the_feed_lacks, r"in version 2 it makes -1 rows, .* log has -2"),
    "missing update": (an_update_that_the_feed_lacks, "missed changes: it has none of version 2, which changed rows"),
}
COMMON = ("restored",)
ALSO = ("lost log", "put back", "feed off", "feed cleaned away", "missing delete")


@pytest.mark.parametrize("name", but_for(COMMON, FAULTS))
def test_a_source_that_cannot_be_followed_stops(spark: SparkSession, lake: Path, name: str) -> None:
    made(spark, lake, range(10))
    made(spark, lake, range(10, 20))
    run(spark, lake)
    before = told(lakes.treated(spark, lake))
    fault, why, *more = FAULTS[name]
    fault(spark, lake)
    columns = {"columns": {**COLUMNS, **dict.fromkeys(more, "keep")}}
    with pytest.raises(LakenymError, match=why) as caught:
        run(spark, lake, **columns)
    assert "--mode full" in str(caught.value)
    assert told(lakes.treated(spark, lake)) == before
    assert run(spark, lake, mode="full", **columns).mode == "full"
    deleted(spark, lake, [3])
    assert run(spark, lake, **columns).mode == "changes"
    check_as_in_full(spark, lake, **columns)


@pytest.mark.parametrize("name", ALSO)
def test_what_stops_it_is_told_and_changes_nothing(spark: SparkSession, lake: Path, name: str) -> None:
    """How it is healed is for the sweep."""
    made(spark, lake, range(10))
    made(spark, lake, range(10, 20))
    run(spark, lake)
    fault, why, *_ = FAULTS[name]
    fault(spark, lake)
    with pytest.raises(LakenymError, match=rf"{why}.*--mode full"):
        run(spark, lake)
    assert lakes.treated(spark, lake).count() == 20


def test_a_damaged_file_is_no_lack_of_changes(spark: SparkSession, lake: Path) -> None:
    """What else Spark says of the feed is passed on as it is."""
    made(spark, lake, range(10))
    run(spark, lake)
    put(spark, lake, [1, 2], 1)
    for file in (lake / "raw" / "t" / "_change_data").glob("*.parquet"):
        file.write_bytes(b"x" * file.stat().st_size)
        (file.parent / f".{file.name}.crc").unlink(missing_ok=True)
    with pytest.raises(RunFailed, match="damaged or in another format: replace it") as caught:
        run(spark, lake)
    assert "--mode full" not in str(caught.value)


@pytest.mark.sweep
def test_a_source_without_a_feed_stops(spark: SparkSession, lake: Path) -> None:
    rows(spark, range(5)).write.format("delta").save(str(lake / "raw" / "t"))
    run(spark, lake)
    assert run(spark, lake).execution == "none"
    put(spark, lake, [1], 1)
    with pytest.raises(LakenymError, match=r"was off in version 1: .*enableChangeDataFeed = true.*--mode full"):
        run(spark, lake)
    fed(spark, lake, True)
    run(spark, lake, mode="full")
    put(spark, lake, [1], 2)
    assert run(spark, lake).mode == "changes"
    check_as_in_full(spark, lake)


def test_delta_tells_no_changes_of_versions_by_itself(spark: SparkSession, lake: Path) -> None:
    """Once it does, it may serve where the feed is off: docs/growing_tables.md, "Updates and deletes"."""
    made(spark, lake, range(3), **{"delta.enableRowTracking": "true"})
    with pytest.raises(AnalysisException, match=r"UNSUPPORTED_FEATURE\.CHANGE_DATA_CAPTURE"):
        spark.sql(f"SELECT * FROM delta.`{lake}/raw/t` CHANGES FROM VERSION 0 TO VERSION 0")


def test_a_folder_tells_no_changes(spark: SparkSession, lake: Path) -> None:
    rows(spark, range(5)).write.parquet(str(lake / "raw" / "t"))
    target = {"mode": "changes", "key": ["id"]}
    with pytest.raises(LakenymError, match="does not tell what changed in it"):
        growing.ran(spark, lake, "parquet", columns=COLUMNS, target=target)


@pytest.mark.sweep
def test_deletion_vectors_that_the_feed_cannot_hold(spark: SparkSession, lake: Path) -> None:
    """Delta's issue 5662: of a deletion vector over 64 kB a commit's changes cannot be read."""
    columns = {"id": {"domain": "customer"}}
    many = spark.range(0, 700_000, 1, 1).selectExpr("cast(id AS string) AS id")
    options = {**FED, "delta.enableDeletionVectors": "true"}
    many.write.format("delta").options(**options).save(str(lake / "raw" / "t"))
    run(spark, lake, columns=columns)
    source(spark, lake).delete("id % 2 = 0 AND id > 5")
    source(spark, lake).delete("id % 3 = 0 AND id > 5")
    with pytest.raises(LakenymError, match=r"cannot be read.*deletion vector be too large for it.*--mode full"):
        run(spark, lake, columns=columns)
    assert lakes.treated(spark, lake).count() == 700_000


@pytest.mark.sweep
def test_a_merge_that_takes_rows_away_and_puts_them_back(spark: SparkSession, lake: Path) -> None:
    """Delta's issue 1500: of a row that one merge deletes and inserts as it was, the feed tells both."""
    made(spark, lake, range(10))
    run(spark, lake)
    again = rows(spark, [1, 2]).unionAll(rows(spark, [3], 1))
    anew = again.selectExpr("CAST(NULL AS STRING) AS met", "*").unionAll(again.selectExpr("id AS met", "*"))
    merge = source(spark, lake).alias("t").merge(anew.alias("s"), "t.id = s.met")
    merge.whenMatchedDelete().whenNotMatchedInsert(values={name: f"s.{name}" for name in again.columns}).execute()
    feed = spark.read.format("delta").options(readChangeFeed="true", startingVersion="1").load(str(lake / "raw" / "t"))
    counted = feed.groupBy("id", "_change_type").count().collect()
    assert {tuple(row) for row in counted} == {(f"c{at}", what, 1) for at in (1, 2, 3) for what in ("insert", "delete")}
    assert run(spark, lake).changed == {"inserted": 0, "updated": 3, "deleted": 0, "stale": 0}
    check_as_in_full(spark, lake)


def test_rows_that_one_commit_takes_away_and_puts_back(spark: SparkSession, lake: Path) -> None:
    """As of delta's issue 1500; an overwritten table is told as deletes and inserts, too."""
    made(spark, lake, range(10))
    run(spark, lake)
    growing.delta(spark, lake / "treated" / "t").delete(f"id = '{min(names(spark, lake))}'")
    gone = names(spark, lake)
    rows(spark, range(10)).write.format("delta").mode("overwrite").save(str(lake / "raw" / "t"))
    assert run(spark, lake).changed == {"inserted": 0, "updated": 9, "deleted": 0, "stale": 1}
    assert names(spark, lake) == gone, "what was deleted in the target is no new row"
    rows(spark, range(8), 1).write.format("delta").mode("overwrite").save(str(lake / "raw" / "t"))
    assert run(spark, lake).changed["deleted"] in (1, 2)  # type: ignore[index]


def test_statements_that_match_nothing_are_no_doubt(spark: SparkSession, lake: Path) -> None:
    """With a file that has no row, and one that OPTIMIZE made of two."""
    made(spark, lake, range(10), **{"delta.enableDeletionVectors": "true"})
    run(spark, lake)
    source(spark, lake).update("id = 'nobody'", {"note": "'x'"})
    a_file_without_rows(spark, lake)
    spark.sql(f"OPTIMIZE delta.`{lake}/raw/t`").collect()
    put(spark, lake, [1, 50], 1)
    changed = run(spark, lake).changed
    assert changed is not None
    assert (changed["inserted"], changed["deleted"], changed["stale"]) == (1, 0, 0)
    check_as_in_full(spark, lake)


@pytest.mark.sweep
@pytest.mark.parametrize("vectors", ["false", "true"])
def test_commits_that_change_no_row_are_no_doubt(spark: SparkSession, lake: Path, vectors: str) -> None:
    """Statements that match nothing, files without a row, and what only arranges rows anew: the feed has none of it."""
    made(spark, lake, range(10), **{"delta.enableDeletionVectors": vectors})
    run(spark, lake)
    source(spark, lake).update("id = 'nobody'", {"note": "'x'"})
    source(spark, lake).delete("id = 'nobody'")
    merge = source(spark, lake).alias("t").merge(rows(spark, range(90, 92)).alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().execute()
    assert run(spark, lake).execution == "none"
    merge = source(spark, lake).alias("t").merge(rows(spark, range(10), 1).alias("s"), "t.id = s.id")
    merge.whenMatchedUpdate("s.id = 'nobody'", {"note": "s.note"}).execute()
    made(spark, lake, [])
    a_file_without_rows(spark, lake)
    spark.sql(f"OPTIMIZE delta.`{lake}/raw/t`").collect()
    put(spark, lake, [1, 50], 1)
    deleted(spark, lake, [2])
    changed = run(spark, lake).changed
    assert changed is not None
    assert (changed["inserted"], changed["deleted"], changed["stale"]) == (1, 1, 0)
    check_as_in_full(spark, lake)


def a_file_without_rows(spark: SparkSession, lake: Path) -> None:
    """As some writers add one."""
    rows(spark, []).coalesce(1).write.parquet(str(lake / "scratch"))
    file = lake / "raw" / "t" / "empty.parquet"
    file.write_bytes(next((lake / "scratch").glob("*.parquet")).read_bytes())
    told = {"path": file.name, "partitionValues": {}, "size": file.stat().st_size, "modificationTime": 0}
    last = commits(lake)[-1]
    add = {"add": {**told, "dataChange": True, "stats": '{"numRecords":0}'}}
    last.with_name(f"{int(last.stem) + 1:020d}.json").write_text(json.dumps(add))


def test_keys_that_tell_no_row_apart_stop(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    made(spark, lake, [3])
    with pytest.raises(LakenymError, match=r"1 of the changed keys \(id\) do not tell one row from all others"):
        run(spark, lake)


@pytest.mark.sweep
def test_keys_that_tell_no_row_apart_by_now_stop(spark: SparkSession, lake: Path) -> None:
    """Rows of one key that were there in full, and keys that one pseudonym stands for."""
    made(spark, lake, range(10))
    made(spark, lake, [3])
    run(spark, lake, mode="full")
    source(spark, lake).update("id = 'c3'", {"note": "'x'"})
    with pytest.raises(LakenymError, match="do not tell one row"):
        run(spark, lake)
    source(spark, lake).delete("id = 'c3'")
    run(spark, lake, mode="full")
    source(spark, lake).update("id = 'c4'", {"id": "' c5 '"})
    with pytest.raises(LakenymError, match="do not tell one row"):  # the domain trims: it is the pseudonym of c5
        run(spark, lake)
    source(spark, lake).delete("id = ' c5 '")
    with pytest.raises(LakenymError, match="do not tell one row"):  # else the row of c5 would go
        run(spark, lake)


def test_rows_without_a_key_stop(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(3))
    run(spark, lake)
    source(spark, lake).update("id = 'c1'", {"id": "null"})
    with pytest.raises(SourceProblem, match="1 of its changed rows have no id, which is a column of the key"):
        run(spark, lake)


def test_a_key_that_an_update_changes(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(5))
    run(spark, lake)
    source(spark, lake).update("id = 'c1'", {"id": "'c77'"})
    assert run(spark, lake).changed == {"inserted": 1, "updated": 0, "deleted": 1, "stale": 0}
    check_as_in_full(spark, lake)
