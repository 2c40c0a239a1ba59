"""Rows put in the place of some files of a table, in one commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.lake import delta_commit
from jobs.lake.delta_commit import Transaction
from jobs.lake.replace import CONFLICT
from jobs.spark_app import session
from privacy_udfs.errors import UnexpectedFailure
from tests.helpers.sweeps import but_for

SIGNS = ("a", "b/c", "d'e", "f=g%h", "ü", None)
PLAIN = "kind = 'a'"


def rows(spark: SparkSession, note: str, kinds: tuple[str | None, ...] = SIGNS) -> DataFrame:
    return spark.createDataFrame([(kind, note, 1) for kind in kinds], "kind string, note string, n int")


@pytest.fixture
def place(spark: SparkSession, tmp_path: Path) -> str:
    path = str(tmp_path / "t")
    writer = rows(spark, "old").write.format("delta").option("delta.enableDeletionVectors", "true")
    writer.partitionBy("kind").save(path)
    return path


def begin(spark: SparkSession, place: str) -> Transaction:
    begun = delta_commit.begin(session.for_run(spark), place, f"delta.`{place}`")
    assert begun is not None
    return begun


def said(rows: int, files: int) -> str:
    return json.dumps({"rows": rows, "files": files})


def replaced(begun: Transaction, made: DataFrame, where: str) -> delta_commit.Written:
    found = delta_commit.files_where(begun, where)
    held = DataFrame(made._jdf, begun.spark)
    return delta_commit.replace_files(begun, found, held, said, where=where)


def notes(spark: SparkSession, place: str) -> dict[str | None, str]:
    return {row["kind"]: row["note"] for row in spark.read.format("delta").load(place).collect()}


WHERE = {
    "kind = 'a'": {"a"},
    "kind = 'b/c'": {"b/c"},
    "kind = 'd''e' OR kind = 'f=g%h'": {"d'e", "f=g%h"},
    "kind IS NULL": {None},
    "kind <> 'a'": {"b/c", "d'e", "f=g%h", "ü"},
    "kind BETWEEN 'b' AND 'c'": {"b/c"},
    "nvl(kind, 'ü') IN ('ü')": {"ü", None},
    "length(kind) BETWEEN 1 AND 2": {"a", "ü"},
    "true": set(SIGNS),
    "kind IS NULL AND kind = 'a'": set(),
    "kind = 'nowhere'": set(),
}


@pytest.mark.parametrize("where", but_for([*WHERE][2:4] + [*WHERE][6:7], WHERE))
def test_what_the_predicate_is_true_for_is_replaced(spark: SparkSession, place: str, where: str) -> None:
    begun = begin(spark, place)
    written = replaced(begun, rows(begun.spark, "new").where(where), where)
    assert (written.version, written.rows) == (1, len(WHERE[where]))
    expected = {kind: "new" if kind in WHERE[where] else "old" for kind in SIGNS}
    assert notes(spark, place) == expected
    told = spark.sql(f"DESCRIBE HISTORY delta.`{place}` LIMIT 1").collect()[0]
    assert (told["operation"], told["operationParameters"]["mode"]) == ("WRITE", "Overwrite")
    assert json.loads(told["userMetadata"]) == {"rows": written.rows, "files": written.files}
    assert int(told["operationMetrics"]["numRemovedFiles"]) == len(WHERE[where])
    commit = Path(place, "_delta_log", f"{1:020}.json").read_text()
    assert where == "true" or where not in commit
    assert "metaData" not in commit


def test_rows_of_other_partitions_are_refused(spark: SparkSession, place: str) -> None:
    begun = begin(spark, place)
    with pytest.raises(UnexpectedFailure, match="other partitions"):
        replaced(begun, rows(begun.spark, "new", ("a", "z")), PLAIN)
    assert notes(spark, place) == dict.fromkeys(SIGNS, "old")


def test_a_file_by_itself(spark: SparkSession, place: str) -> None:
    begun = begin(spark, place)
    found = delta_commit.files_where(begun, "kind IN ('a', 'b/c')")[:1]
    gone = json.loads(found[0].json())["add"]["partitionValues"]["kind"]
    delta_commit.replace_files(begun, found, rows(begun.spark, "new", ("z",)), said)
    assert notes(spark, place) == {**{kind: "old" for kind in SIGNS if kind != gone}, "z": "new"}


def other_run(where: str) -> Callable[[SparkSession, str], object]:
    def run(spark: SparkSession, place: str) -> object:
        begun = begin(spark, place)
        return replaced(begun, rows(begun.spark, "theirs").where(where), where)

    return run


def appending_run(spark: SparkSession, place: str) -> None:
    begun = begin(spark, place)
    delta_commit.append(begun, rows(begun.spark, "theirs", ("b/c",)), said)


def append(kind: str) -> Callable[[SparkSession, str], object]:
    return lambda spark, place: rows(spark, "theirs", (kind,)).write.format("delta").mode("append").save(place)


def sql(text: str) -> Callable[[SparkSession, str], object]:
    return lambda spark, place: spark.sql(text.format(f"delta.`{place}`")).collect()


MEANWHILE = {
    "a run on other partitions": (other_run("kind = 'b/c'"), True),
    "a run on the same": (other_run("kind < 'c'"), False),
    "a run that adds rows elsewhere": (appending_run, False),
    "rows put elsewhere": (append("b/c"), True),
    "rows put to the same": (append("a"), False),
    "rows deleted elsewhere": (sql("DELETE FROM {} WHERE kind = 'b/c'"), True),
    "rows deleted of the same": (sql("DELETE FROM {} WHERE kind = 'a' AND n = 1"), False),
    "rows changed in the same": (sql("UPDATE {} SET note = 'theirs' WHERE kind = 'a'"), False),
    "a property": (sql("ALTER TABLE {} SET TBLPROPERTIES ('privacy.record' = 'x')"), False),
    "optimized": (sql("OPTIMIZE {}"), True),
}

QUICK = ("a run on other partitions", "a run on the same", "rows deleted of the same", "optimized")


@pytest.mark.parametrize("name", but_for(QUICK, MEANWHILE))
def test_what_happens_meanwhile(spark: SparkSession, place: str, name: str) -> None:
    happens, fine = MEANWHILE[name]
    begun = begin(spark, place)
    happens(spark, place)
    before = notes(spark, place)
    if fine:
        assert replaced(begun, rows(begun.spark, "new", ("a",)), PLAIN).version == 2 - (name == "optimized")
        assert notes(spark, place) == {**before, "a": "new"}
    else:
        with pytest.raises((PySparkException, Py4JError)) as caught:
            replaced(begun, rows(begun.spark, "new", ("a",)), PLAIN)
        assert CONFLICT.search(str(caught.value))
        assert notes(spark, place) == before


@pytest.mark.parametrize("whole", [False, True])
def test_without_a_predicate_no_other_run_may_come_between(spark: SparkSession, place: str, whole: bool) -> None:
    begun = begin(spark, place)
    found = delta_commit.files_where(begun, PLAIN)
    if whole:
        appending_run(spark, place)
    else:
        other_run("kind = 'b/c'")(spark, place)
    with pytest.raises((PySparkException, Py4JError)) as caught:
        delta_commit.replace_files(begun, found, rows(begun.spark, "new", ("a",)), said)
    assert CONFLICT.search(str(caught.value))
