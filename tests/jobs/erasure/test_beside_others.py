"""Other programs at work beside an erasure, erasures that die at a step, and those whose rows others deleted before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.erasure import one_table, stale
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import TableErased
from jobs.erasure.sought import Hit, Sought
from jobs.lake import log_left, table_files
from jobs.lake.address import Address
from jobs.lake.delta_commit import take_out
from jobs.lake.problems import CommitConflict
from tests.helpers import byte_scan, sweeps

GONE = ("person-000003", "person-000007")
STEPS: dict[str, Any] = {
    "take_out.take_out": take_out, "one_table._purged": one_table, "stale.purged": stale,
    "take_out.checkpointed": take_out, "log_left.purged": log_left, "table_files.deleted": table_files,
    "log_left._without_hint": log_left,
}  # fmt: skip


def among(*names: str) -> Hit:
    def hit(values: pa.Array) -> Any:

        return pc.is_in(values, value_set=pa.array(names)).to_numpy(zero_copy_only=False)

    return hit


def rows(spark: SparkSession, start: int, end: int) -> Any:
    return spark.range(start, end, 1, 2).selectExpr("concat('person-', lpad(cast(id AS string), 6, '0')) AS who", "id")


def table(spark: SparkSession, place: Path, **options: str) -> Place:
    rows(spark, 0, 10).write.format("delta").options(**options).save(str(place))
    return Place("t", Address(path=str(place)), (Sought(ColumnPath.parse("who"), among(*GONE)),))


def erase(spark: SparkSession, place: Place, forced: bool = True) -> TableErased:
    return one_table.erase(spark, place, "a run", forced)


def held(spark: SparkSession, place: Path) -> list[int]:
    return sorted(row["id"] for row in spark.read.format("delta").load(str(place)).collect())


def traces(place: Path) -> set[str]:
    found = [name for name, content in byte_scan.contents(place) if byte_scan.found(map(str.encode, GONE), content)]
    return set(found)


@pytest.mark.parametrize("writer", sweeps.but_for(["append"], ["append", "delete", "metadata"]))
def test_a_writer_between_the_look_and_the_commit(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    """An append of the very person is no conflict for Delta: it must be seen afterwards."""
    place, made = table(spark, lake / "t"), list[int]()
    commit = take_out.take_out

    def beside(*given: Any, **more: Any) -> Any:
        if not made:
            made.append(1)
            other = DeltaTable.forPath(spark, str(lake / "t"))
            if writer == "append":
                rows(spark, 3, 4).write.format("delta").mode("append").save(str(lake / "t"))
            elif writer == "delete":
                other.delete("id IN (0, 3)")
            else:
                spark.sql(f"ALTER TABLE delta.`{lake}/t` SET TBLPROPERTIES ('a' = 'b')")
        return commit(*given, **more)

    monkeypatch.setattr(take_out, "take_out", beside)
    found = erase(spark, place)
    assert held(spark, lake / "t") == [
        at for at in range(10) if at not in (3, 7) and not (writer == "delete" and at == 0)
    ]
    assert (found.remains, traces(lake / "t")) == ((), set())


def test_others_that_are_always_faster(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = table(spark, lake / "t")
    monkeypatch.setattr(one_table, "PAUSE", 0.0)
    monkeypatch.setattr(one_table, "ATTEMPTS", 2)
    monkeypatch.setattr(one_table, "_committed", lambda *given: None)
    with pytest.raises(CommitConflict, match="others changed t each of 2 times"):
        erase(spark, place)
    assert held(spark, lake / "t") == [*range(10)]


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    ("step", "when"),
    sweeps.but_for([("log_left.purged", "before")], [(step, when) for step in STEPS for when in ("before", "after")]),
)
def test_died_at_a_step_and_run_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    place = table(spark, lake / "t", **{"delta.enableChangeDataFeed": "true"})
    module, name = STEPS[step], step.partition(".")[2]
    carried_out: Callable[..., Any] = getattr(module, name)

    def die(*given: Any, **more: Any) -> Any:
        if when == "after":
            carried_out(*given, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        with pytest.raises(Killed):
            erase(spark, place)
    found = erase(spark, place)
    assert held(spark, lake / "t") == [0, 1, 2, 4, 5, 6, 8, 9]
    assert (found.remains, traces(lake / "t")) == ((), set())


def test_rows_that_others_deleted_before(spark: SparkSession, lake: Path) -> None:
    """The table holds nobody any more; its older files and its log do."""
    place = table(spark, lake / "t")
    DeltaTable.forPath(spark, str(lake / "t")).delete("id IN (3, 7)")
    assert {each.kind for each in one_table.plan(spark, place, False).remains} == {"data_file", "log", "checksum"}
    found = erase(spark, place)
    assert (found.rows_deleted, found.remains, traces(lake / "t")) == (0, (), set())
    assert held(spark, lake / "t") == [0, 1, 2, 4, 5, 6, 8, 9]


def test_a_file_of_no_commit_may_be_of_somebody_at_work(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = table(spark, lake / "t")
    rows(spark, 7, 8).coalesce(1).write.parquet(str(lake / "other"))
    orphan = next((lake / "other").glob("*.parquet")).rename(lake / "t" / "part-left.parquet")
    found = erase(spark, place)
    assert [(each.kind, each.count) for each in found.remains] == [("data_file", 1)]
    assert orphan.exists()
    now = table_files.now()
    monkeypatch.setattr(table_files, "now", lambda: now + stale.AT_WORK + 5000)
    assert erase(spark, place).remains == ()
    assert not orphan.exists()
    assert held(spark, lake / "t") == [0, 1, 2, 4, 5, 6, 8, 9]


def test_what_is_refused_before_anything_is_read(spark: SparkSession, lake: Path) -> None:
    told = {"delta.appendOnly": "true", "delta.enableRowTracking": "true"}
    assert len(one_table.refusals(spark, table(spark, lake / "t", **told))) == 2
    rows(spark, 0, 3).write.format("delta").partitionBy("who").save(str(lake / "p"))
    place = Place("p", Address(path=str(lake / "p")), (Sought(ColumnPath.parse("who"), among(*GONE)),))
    assert "partitioned by who" in one_table.refusals(spark, place)[0]
    assert one_table.refusals(spark, Place("n", Address(path=str(lake / "none")), ()))


def test_a_record_that_changed_since_the_search_is_a_conflict(spark: SparkSession, lake: Path) -> None:
    """By another key they are called otherwise: nobody would be found, and the table told as clean."""
    place = dataclasses.replace(table(spark, lake / "t"), columns={"who": cast(Any, "of another key")})
    with pytest.raises(CommitConflict, match="the record of t changed since this job looked at it: run it again"):
        erase(spark, place)
    assert held(spark, lake / "t") == [*range(10)]
    assert one_table.passed_over(spark, place) == []
    nobody = dataclasses.replace(place, sought=(Sought(ColumnPath.parse("gone"), among(*GONE)),))
    assert [str(path) for path in one_table.passed_over(spark, nobody)] == ["gone"]
