"""The list of the erased: what it is made as, and how it is told that it is no longer what it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.configuration.erasure_entry import ErasedListEntry
from jobs.console.exit_codes import Refused
from jobs.lake import erased_list
from jobs.lake.erased_list import ErasedList
from jobs.lake.problems import SourceProblem
from jobs.spark_app import session

ONE, OTHER = ("customer", 7, b"a" * 16), ("customer", 7, b"b" * 16)


@pytest.fixture
def listed(spark: SparkSession, lake: Path) -> ErasedList:
    entry = ErasedListEntry(path=str(lake / "erased"), id=erased_list.create(spark, str(lake / "erased")))
    return erased_list.add(session.pinned(spark), entry, [ONE], "run-1")


def test_each_erasure_adds_its_own_once(spark: SparkSession, listed: ErasedList) -> None:
    own = session.pinned(spark)
    assert erased_list.add(own, listed.entry, [ONE], "run-1").version == listed.version
    more = erased_list.add(own, listed.entry, [ONE, OTHER], "run-2")
    assert sorted(more.codes(["customer"])) == [ONE, OTHER]
    assert more.codes(["other"]) == []
    assert more.runs() == {"run-1", "run-2"}
    assert more.runs(["customer"]) == {"run-1", "run-2"}
    assert more.runs(["other"]) == frozenset(), "an erasure of another domain keeps nobody of this one out"
    assert more.domains == {"customer"}
    erased_list.check_goes_on(more, listed.version, listed.commit)
    spark.sql(f"OPTIMIZE delta.`{listed.location}`")
    erased_list.check_goes_on(erased_list.looked(own, listed.entry), listed.version, listed.commit)


def test_nothing_is_made_where_something_stands(spark: SparkSession, lake: Path, listed: ErasedList) -> None:
    with pytest.raises(Refused, match="is there already"):
        erased_list.create(spark, str(lake / "erased"))


def restored(spark: SparkSession, lake: Path) -> None:
    spark.sql(f"RESTORE delta.`{lake}/erased` TO VERSION AS OF 0")


def emptied(spark: SparkSession, lake: Path) -> None:
    spark.sql(f"ALTER TABLE delta.`{lake}/erased` UNSET TBLPROPERTIES ('delta.appendOnly')")
    DeltaTable.forPath(spark, str(lake / "erased")).delete()


def opened(spark: SparkSession, lake: Path) -> None:
    spark.sql(f"ALTER TABLE delta.`{lake}/erased` SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")


def gone(spark: SparkSession, lake: Path) -> None:
    shutil.rmtree(lake / "erased")


def a_table(spark: SparkSession, lake: Path) -> None:
    gone(spark, lake)
    spark.sql("SELECT 1 AS id").write.format("delta").save(str(lake / "erased"))


def another(spark: SparkSession, lake: Path) -> None:
    gone(spark, lake)
    erased_list.create(spark, str(lake / "erased"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (restored, "is not what became of its version 1"),
        (emptied, "is not what became of its version 1"),
        (opened, "is no longer as it was made: set delta.enableChangeDataFeed again"),
        (gone, "there is no list of the erased at"),
        (a_table, "is no list of the erased: name the place that"),
        (another, "has another id than policy.yaml says"),
    ],
)
def test_one_that_is_not_what_it_was_is_refused(
    spark: SparkSession, lake: Path, listed: ErasedList, spoil: Callable[[SparkSession, Path], None], said: str
) -> None:
    spoil(spark, lake)
    with pytest.raises(SourceProblem, match=said):
        erased_list.check_goes_on(erased_list.looked(spark, listed.entry), listed.version, listed.commit)
