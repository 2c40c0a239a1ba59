"""Keys that are destroyed while others are made, and after something was killed: nothing leads to them."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.lake import closed_table, delta_commit, subject_key_files, subject_key_table
from jobs.lake.problems import AnswerLost, CommitConflict, SourceProblem
from jobs.lake.subject_key_files import Lying
from jobs.lake.subject_key_table import KeyTable, Trees
from jobs.spark_app import session
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.subject_keys import Part, SubjectKeys
from tests.helpers import shredding

KEY_ID = 7


def entry(spark: SparkSession, lake: Path) -> SubjectKeysEntry:
    return SubjectKeysEntry(path=str(lake / "subject_keys"), id=shredding.made(spark, lake))


def of(at: SubjectKeysEntry) -> SubjectKeys:
    return SubjectKeys(bytes(32), at.id)


def leaves(names: str) -> Bytes:
    digests = b"".join(hashlib.sha256(name.encode()).digest()[:10] for name in names)
    return np.frombuffer(digests, np.uint8).reshape(-1, 10)


def root(at: SubjectKeysEntry, seed: bytes = b"r" * 16) -> Callable[[], list[Part]]:
    return lambda: of(at).wrapped(of(at).root(lambda size: seed))


def without(at: SubjectKeysEntry, names: str) -> Callable[[Trees], tuple[Trees, int]]:
    def punctured(trees: Trees) -> tuple[Trees, int]:
        nodes = of(at).unwrapped(trees[KEY_ID])
        assert nodes is not None
        nodes, gone = of(at).punctured(nodes, leaves(names))
        return {**trees, KEY_ID: of(at).wrapped(nodes)}, gone

    return punctured


def there(spark: SparkSession, at: SubjectKeysEntry, names: str, folder: Path | None = None) -> set[str]:
    """Whose keys any Parquet file in the table's folder leads to."""
    found = set[str]()
    for file in (folder or Path(at.path)).rglob("*.parquet"):
        trees = subject_key_table._trees(spark.read.parquet(str(file)).toArrow())
        nodes = of(at).unwrapped(trees[KEY_ID])
        assert nodes is not None
        alive = of(at).secrets(nodes, leaves(names))[1]
        found |= {name for name, lives in zip(names, alive, strict=True) if lives}
    return found


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but Delta keeps runs apart, as in several processes."""
    monkeypatch.setattr(closed_table, "ADDING", defaultdict(nullcontext))
    monkeypatch.setattr(closed_table, "PAUSE", 0.0)


@pytest.mark.usefixtures("apart")
@pytest.mark.sweep
def test_keys_are_destroyed_while_others_are_made_and_after_a_kill(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark = session.for_run(spark)  # of its own, as all that commits
    at = entry(spark, lake)
    tries = list[int]()

    def meanwhile() -> list[Part]:
        """Another run makes the tree first: the later one takes that."""
        tries.append(1)
        if len(tries) == 1:
            subject_key_table.rooted(spark, at, KEY_ID, root(at))
        return root(at, b"x" * 16)()

    made = subject_key_table.rooted(spark, at, KEY_ID, meanwhile)[1]
    assert (made[KEY_ID], len(tries)) == (root(at)(), 1)
    assert subject_key_table.left(spark, at) in (0, 1)  # what the later one had written
    spark.sql(f"OPTIMIZE delta.`{at.path}`")
    assert subject_key_table.destroy(spark, at, without(at, "aa")) == 1
    assert there(spark, at, "abcd") == {*"bcd"}
    assert subject_key_table.destroy(spark, at, without(at, "a")) == 0
    _killed_before_files_are_deleted(spark, at, monkeypatch)
    _killed_before_the_commit(spark, at, monkeypatch)
    _about_to_be_committed(spark, lake, at)


def _killed_before_files_are_deleted(
    spark: SparkSession, at: SubjectKeysEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(subject_key_table, "purge", killed)
        with pytest.raises(KeyboardInterrupt):
            subject_key_table.destroy(spark, at, without(at, "b"))
    assert there(spark, at, "abcd") == {*"bcd"}
    assert subject_key_table.destroy(spark, at, without(at, "b")) == 0
    assert there(spark, at, "abcd") == {*"cd"}
    assert subject_key_table.left(spark, at) == 0


def _killed_before_the_commit(spark: SparkSession, at: SubjectKeysEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays was written anew by then, and leads to keys that are destroyed later."""

    def killed(*given: Any) -> None:
        newest = max(Path(at.path).glob("anew-*"), key=lambda path: path.stat().st_mtime_ns)
        os.rename(newest, Path(at.path) / "anew-left")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(closed_table, "said", killed)
        with pytest.raises(KeyboardInterrupt):
            subject_key_table.destroy(spark, at, without(at, "c"))
    left = Path(at.path) / "anew-left"
    assert there(spark, at, "cd", left) == {"d"}
    subject_key_table.purge(spark, at)  # it might be committed yet
    assert there(spark, at, "cd", left) == {"d"}
    assert subject_key_table.destroy(spark, at, without(at, "d")) == 1
    assert there(spark, at, "cd") == {"c"}
    assert subject_key_table.left(spark, at) == 0
    assert not left.exists()


def _about_to_be_committed(spark: SparkSession, lake: Path, at: SubjectKeysEntry) -> None:
    """A tree of another version of the key: of that the table says nothing. After a day it is nobody's."""
    rows = subject_key_table._rows(spark, {KEY_ID + 1: root(at)()})
    rows.write.parquet(str(lake / "elsewhere"))
    file = Path(at.path) / "part-0.parquet"
    os.rename(next((lake / "elsewhere").glob("*.parquet")), file)
    subject_key_table.purge(spark, at)
    assert subject_key_table.left(spark, at) == 1
    os.utime(file, (time.time() - 90_000,) * 2)
    subject_key_table.purge(spark, at)
    assert subject_key_table.left(spark, at) == 0


@pytest.mark.parametrize("which", ["removed", "others"])
def test_what_is_there_after_it_was_deleted_is_told(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    found = Lying(["file:/t/removed"], {"file:/t/others": 0.0})
    table = KeyTable(spark, SubjectKeysEntry(path="/t", id=f"tree-{'0' * 32}"), "file:/t", 1, "")
    monkeypatch.setattr(KeyTable, "trees", lambda table: {})
    monkeypatch.setattr(subject_key_table, "looked", lambda spark, entry: table)
    monkeypatch.setattr(subject_key_table, "_lying", lambda spark, entry: (table, found))
    monkeypatch.setattr(subject_key_files, "delete", lambda spark, path: None)
    monkeypatch.setattr(subject_key_files, "listed", lambda spark, location: {f"file:/t/{which}": 0.0})
    with pytest.raises(SourceProblem, match="1 file beside the table of keys at /t cannot be deleted"):
        subject_key_table.purge(spark, table.entry)


@pytest.mark.parametrize("error", [CommitConflict("c"), AnalysisException("a"), Py4JError("p")])
def test_keys_are_told_to_be_destroyed_where_only_files_are_left(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Nobody is to read that nothing was committed."""

    def purge(*given: Any) -> None:
        raise error

    monkeypatch.setattr(subject_key_table, "looked", lambda spark, entry: mock.Mock())
    monkeypatch.setattr(closed_table, "until_committed", lambda *given: 1)
    monkeypatch.setattr(subject_key_table, "purge", purge)
    with pytest.raises(SourceProblem, match=r"^the keys are destroyed, but files beside the table of keys at /t could"):
        subject_key_table.destroy(mock.Mock(), SubjectKeysEntry(path="/t", id=f"tree-{'0' * 32}"), mock.Mock())


NO_PATH = "[PATH_NOT_FOUND] Path does not exist: file:/t/x"
NO_RIGHTS = "java.lang.RuntimeException: Error while running command to get file permissions : exitCode=2"


@pytest.mark.parametrize("told", [NO_PATH, NO_RIGHTS])
def test_files_that_others_delete_meanwhile_are_looked_at_again(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """As its listing, and its reading, fail when another `destroy` renames and deletes beside it."""
    found: list[Any] = [Py4JError(told), AnalysisException(told), (mock.Mock(), Lying([], {"file:/t/a.parquet": 0.0}))]
    monkeypatch.setattr(closed_table, "PAUSE", 0.0)
    monkeypatch.setattr(closed_table, "active", lambda spark: nullcontext())
    monkeypatch.setattr(subject_key_table, "looked", lambda spark, entry: mock.Mock(location="file:/t"))
    monkeypatch.setattr(subject_key_table, "_lying", mock.Mock(side_effect=found))
    at = SubjectKeysEntry(path="/t", id=f"tree-{'0' * 32}")
    assert subject_key_table.left(mock.Mock(), at) == 1
    monkeypatch.setattr(subject_key_table, "_purged", mock.Mock(side_effect=[*found[:2], None]))
    subject_key_table.purge(mock.Mock(), at)


@pytest.mark.sweep
def test_what_stands_beside_the_table_under_other_names_and_an_answer_that_is_lost(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark = session.for_run(spark)
    at = entry(spark, lake)
    subject_key_table.rooted(spark, at, KEY_ID, root(at))
    file = next(Path(at.path).glob("*.parquet"))
    shutil.copytree(at.path, lake / "backup")
    replaced, read = delta_commit.replace_files, subject_key_files._rows_of

    def lost(*given: Any, **more: Any) -> Any:
        replaced(*given, **more)
        raise Py4JError("the store did not answer")

    def deleted_by_others(spark: SparkSession, paths: Sequence[str], schema: Any) -> Any:
        (Path(at.path) / "gone.parquet").unlink(missing_ok=True)
        return read(spark, paths, schema)

    with monkeypatch.context() as patched:
        patched.setattr(delta_commit, "replace_files", lost)
        with pytest.raises(AnswerLost, match="whether the keys are destroyed is not known"):
            subject_key_table.destroy(spark, at, without(at, "a"))
    assert subject_key_table.destroy(spark, at, without(at, "a")) == 0
    beside = ["_x.parquet", ".x.parquet", "x.parquet.bak", "x.PARQUET", "gone.parquet"]
    for name in beside:
        shutil.copy(lake / "backup" / file.name, Path(at.path) / name)
    monkeypatch.setattr(subject_key_files, "_rows_of", deleted_by_others)
    assert subject_key_table.left(spark, at) == len(beside)
    assert subject_key_table.destroy(spark, at, without(at, "ab")) == 1
    assert [name for name in beside if (Path(at.path) / name).exists()] == []
    assert there(spark, at, "abc") == {"c"}
    assert subject_key_table.left(spark, at) == 0


@pytest.mark.sweep
def test_a_file_that_cannot_be_deleted_is_told_each_time(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a folder whose name has what URIs encode, and what looks as if it were encoded."""
    spark, lake = session.for_run(spark), lake / "a%20b c"
    at = entry(spark, lake)
    subject_key_table.rooted(spark, at, KEY_ID, root(at))
    with monkeypatch.context() as patched:
        patched.setattr(subject_key_files, "delete", lambda spark, path: None)
        for _ in range(2):
            with pytest.raises(SourceProblem, match=r"1 file beside the table of keys at .* cannot be deleted"):
                subject_key_table.destroy(spark, at, without(at, "a"))
    assert there(spark, at, "ab") == {*"ab"}
    assert subject_key_table.destroy(spark, at, without(at, "a")) == 0
    assert there(spark, at, "ab") == {"b"}


@pytest.mark.usefixtures("apart")
@pytest.mark.sweep
def test_two_that_destroy_at_once(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later one has written what leads to the key of the other anew, when it is refused."""
    spark = session.for_run(spark)
    at = entry(spark, lake)
    subject_key_table.rooted(spark, at, KEY_ID, root(at))
    replaced, first = delta_commit.replace_files, [True]

    def beaten(*given: Any, **more: Any) -> Any:
        if first.pop() if first else False:
            written = given[4]

            def files(place: Any) -> Sequence[Any]:
                made: Sequence[Any] = written(place)
                assert subject_key_table.destroy(spark, at, without(at, "a")) == 1
                return made

            given = (*given[:4], files)
        return replaced(*given, **more)

    monkeypatch.setattr(delta_commit, "replace_files", beaten)
    assert subject_key_table.destroy(spark, at, without(at, "b")) == 1
    assert there(spark, at, "abc") == {"c"}
    assert subject_key_table.left(spark, at) == 0
