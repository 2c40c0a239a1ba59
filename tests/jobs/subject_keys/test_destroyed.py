"""Keys that are destroyed while others are made, and after something was killed: nothing of them is left anywhere."""

from __future__ import annotations

import datetime
import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.lake import closed_table, delta_commit, subject_key_files, subject_key_table
from jobs.lake.problems import SourceProblem
from jobs.lake.subject_key_files import Lying
from jobs.lake.subject_key_table import KeyTable
from jobs.spark_app import session
from tests.helpers import shredding

COLUMNS = ("lookup", "handle", "wrapped")


def entry(spark: SparkSession, lake: Path) -> SubjectKeysEntry:
    return SubjectKeysEntry(path=str(lake / "subject_keys"), id=shredding.made(spark, lake))


def of(name: str, which: str) -> bytes:
    """Bytes that stand for nothing else."""
    return hashlib.sha256(f"{which} {name}".encode()).digest()


def keys(spark: SparkSession, names: str, mark: str = "") -> DataFrame:
    rows = [(*(bytearray(of(name + mark * (which != "lookup"), which)) for which in COLUMNS), 1) for name in names]
    typed = spark.createDataFrame(rows, "lookup binary, handle binary, wrapped binary, key_id bigint").coalesce(1)
    return typed.select(*COLUMNS, F.current_timestamp().alias("created"), "key_id")


def lookups(spark: SparkSession, names: str) -> DataFrame:
    return spark.createDataFrame([(bytearray(of(name, "lookup")),) for name in names], "lookup binary")


def missing(spark: SparkSession, names: str, mark: str = "") -> Callable[[KeyTable], DataFrame]:
    return lambda table: keys(spark, names, mark).join(table.rows().select("lookup"), "lookup", "left_anti")


def there(lake: Path, names: str) -> set[str]:
    """Of which keys anything stands in any file of the table's folder."""
    contents = [path.read_bytes() for path in (lake / "subject_keys").rglob("*") if path.is_file()]
    return {name for name in names if any(of(name, "wrapped") in content for content in contents)}


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but Delta keeps runs apart, as in several processes."""
    monkeypatch.setattr(closed_table, "ADDING", defaultdict(nullcontext))
    monkeypatch.setattr(closed_table, "PAUSE", 0.0)


@pytest.mark.usefixtures("apart")
@pytest.mark.sweep
def test_keys_are_destroyed_while_others_are_added_and_after_a_kill(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark = session.for_run(spark)  # of its own, as all that commits
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    at = entry(spark, lake)
    subject_key_table.add(spark, at, missing(spark, "abc"))
    subject_key_table.add(spark, at, missing(spark, "cd"))
    spark.sql(f"OPTIMIZE delta.`{lake}/subject_keys`")  # the files before are no more of the table, and there
    assert there(lake, "abcd") == {*"abcd"}
    tries = list[int]()

    def meanwhile(table: KeyTable) -> DataFrame:
        """What a run finds missing while another destroys: by then it has begun."""
        tries.append(table.version)
        found = missing(spark, "ae", "2")(table)
        if len(tries) == 1:
            assert subject_key_table.destroy(spark, at, lookups(spark, "ax")) == 1
        return found

    subject_key_table.add(spark, at, meanwhile)  # a file that it was about to add is not taken away
    assert len(tries) == 2
    assert {bytes(row["wrapped"]) for row in shredding.rows(spark, lake).collect()} == {
        of(name, "wrapped") for name in ("b", "c", "d", "a2", "e2")
    }
    assert "a" not in there(lake, "ab")
    _killed_before_files_are_deleted(spark, lake, at, monkeypatch)
    _killed_before_the_commit(spark, lake, at, monkeypatch)
    _left_behind_for_a_day(spark, lake, at)


def _killed_before_files_are_deleted(
    spark: SparkSession, lake: Path, at: SubjectKeysEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(subject_key_table, "purge", killed)
        with pytest.raises(KeyboardInterrupt):
            subject_key_table.destroy(spark, at, lookups(spark, "b"))
    assert "b" in there(lake, "b")
    assert subject_key_table.destroy(spark, at, lookups(spark, "b")) == 0
    assert there(lake, "bcd") == {*"cd"}
    assert subject_key_table.left(spark, at) == 0


def _killed_before_the_commit(
    spark: SparkSession, lake: Path, at: SubjectKeysEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stays was written anew by then: a copy of keys that are destroyed later."""

    def killed(*given: Any) -> None:
        newest = max((lake / "subject_keys").glob("anew-*"), key=lambda path: path.stat().st_mtime_ns)
        os.rename(newest, lake / "subject_keys" / "anew-left")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(closed_table, "said", killed)
        with pytest.raises(KeyboardInterrupt):
            subject_key_table.destroy(spark, at, lookups(spark, "c"))
    assert list((lake / "subject_keys" / "anew-left").glob("*.parquet"))
    assert subject_key_table.destroy(spark, at, lookups(spark, "d")) == 1
    assert "d" not in there(lake, "cd")
    assert subject_key_table.left(spark, at) == 0
    assert not (lake / "subject_keys" / "anew-left").exists()


def _left_behind_for_a_day(spark: SparkSession, lake: Path, at: SubjectKeysEntry) -> None:
    """Of a run that was killed before it added keys: they sealed nothing."""
    keys(spark, "z").write.parquet(str(lake / "elsewhere"))
    file = lake / "subject_keys" / "part-0.parquet"
    os.rename(next((lake / "elsewhere").glob("*.parquet")), file)
    assert subject_key_table.destroy(spark, at, lookups(spark, "z")) == 0
    assert subject_key_table.left(spark, at) == 1
    os.utime(file, (time.time() - 90_000,) * 2)
    subject_key_table.purge(spark, at)
    assert subject_key_table.left(spark, at) == 0
    assert shredding.rows(spark, lake).count() == 3


@pytest.mark.parametrize("which", ["removed", "others"])
def test_what_is_there_after_it_was_deleted_is_told(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """Files that the log took out stay then: they tell which keys are to be destroyed."""
    asked = list[str]()
    found = Lying(["file:/t/removed"], {"file:/t/others": 0.0})
    table = KeyTable(spark, SubjectKeysEntry(path="/t", id="0" * 32), "file:/t", 1, datetime.datetime.now(), "")
    monkeypatch.setattr(KeyTable, "rows", lambda table: keys(spark, "a"))
    monkeypatch.setattr(subject_key_table, "_lying", lambda spark, entry: (table, None, found))
    monkeypatch.setattr(subject_key_files, "delete", lambda spark, path: asked.append(path))
    monkeypatch.setattr(subject_key_files, "listed", lambda spark, location: {f"file:/t/{which}": 0.0})
    with pytest.raises(SourceProblem, match="1 files beside the table of keys at /t cannot be deleted"):
        subject_key_table.purge(spark, table.entry)
    assert asked == ["file:/t/others", "file:/t/removed"][: 1 + (which == "removed")]


@pytest.mark.sweep
def test_a_file_that_cannot_be_deleted_is_told_each_time(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a folder whose name has what URIs encode, and what looks as if it were encoded."""
    spark, lake = session.for_run(spark), lake / "a%20b c"
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    at = entry(spark, lake)
    subject_key_table.add(spark, at, missing(spark, "ab"))
    with monkeypatch.context() as patched:
        patched.setattr(subject_key_files, "delete", lambda spark, path: None)
        for _ in range(2):
            with pytest.raises(SourceProblem, match=r"1 files beside the table of keys at .* cannot be deleted"):
                subject_key_table.destroy(spark, at, lookups(spark, "a"))
    assert "a" in there(lake, "ab")
    assert subject_key_table.destroy(spark, at, lookups(spark, "a")) == 0
    assert there(lake, "ab") == {"b"}


@pytest.mark.usefixtures("apart")
@pytest.mark.sweep
def test_two_that_destroy_at_once(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later one has written the key of the other anew, when it is refused."""
    spark = session.for_run(spark)
    at = entry(spark, lake)
    subject_key_table.add(spark, at, missing(spark, "abc"))
    replaced, first = delta_commit.replace_files, [True]

    def beaten(*given: Any, **more: Any) -> Any:
        if first.pop() if first else False:
            written = given[4]

            def files(place: Any) -> Any:
                made = written(place)
                assert subject_key_table.destroy(spark, at, lookups(spark, "a")) == 1
                return made

            given = (*given[:4], files)
        return replaced(*given, **more)

    monkeypatch.setattr(delta_commit, "replace_files", beaten)
    assert subject_key_table.destroy(spark, at, lookups(spark, "b")) == 1
    assert there(lake, "abc") == {"c"}
    assert subject_key_table.left(spark, at) == 0
