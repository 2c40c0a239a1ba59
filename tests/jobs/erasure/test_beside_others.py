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
from jobs.erasure.sought import Sought
from jobs.lake import log_left, table_files
from jobs.lake.address import Address
from jobs.lake.delta_commit import take_out
from jobs.lake.problems import CommitConflict
from jobs.lake.session_settings import held as held_settings
from jobs.lake.table_files import File
from jobs.lake.within_rows import Hit
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
    """Files that say one of them, and names of files and folders that do."""
    found = [name for name, content in byte_scan.contents(place) if byte_scan.found(map(str.encode, GONE), content)]
    names = [str(each.relative_to(place)) for each in place.rglob("*")]
    return {*found, *(name for name in names if any(each in name for each in GONE))}


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
    DeltaTable.forPath(spark, str(lake / "t")).delete(f"who IN {GONE}")
    assert {each.kind for each in one_table.plan(spark, place, False).remains} == {"data_file", "log", "checksum"}
    found = erase(spark, place)
    assert (found.rows_deleted, found.remains, traces(lake / "t")) == (0, (), set())
    assert held(spark, lake / "t") == [0, 1, 2, 4, 5, 6, 8, 9]


@pytest.mark.parametrize(
    ("statistics", "rule"),
    sweeps.but_for([("0", f"who IN {GONE}")], [("0", f"who IN {GONE}"), ("32", f"who IN {GONE}"), ("32", "id > 2")]),
)
def test_rows_that_others_deleted_and_vacuumed_before(
    spark: SparkSession, lake: Path, statistics: str, rule: str
) -> None:
    """No file holds them any more; the log has their ids in the rule of the DELETE, or as greatest values."""
    place = table(spark, lake / "t", **{"delta.dataSkippingNumIndexedCols": statistics})
    other = DeltaTable.forPath(spark, str(lake / "t"))
    other.delete(rule)
    with held_settings(spark, {"spark.databricks.delta.retentionDurationCheck.enabled": "false"}):
        other.vacuum(0)
    assert {each.kind for each in one_table.plan(spark, place, False).remains} >= {"log"}
    first = erase(spark, place, forced=False)
    assert {each.kind for each in first.remains} >= {"log"}
    assert all(each.until is not None for each in first.remains)
    again = erase(spark, place, forced=False)
    assert (again.is_changed, again.remains) == (False, first.remains)
    assert (erase(spark, place).remains, traces(lake / "t")) == ((), set())
    none = rows(spark, 0, 3).write.format("delta").option("delta.dataSkippingNumIndexedCols", statistics)
    none.save(str(lake / "n"))
    never = erase(spark, dataclasses.replace(place, name="n", address=Address(path=str(lake / "n"))))
    assert (never.is_changed, never.remains) == (False, ()), "a log that says nothing of them is let be"


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


# -- what older versions have otherwise, and what is of others ---------------------------------------------------------


def older_first(spark: SparkSession, place: Path, column: str, sign: str = "person") -> Place:
    """Of its first version, and of no other, are those who are asked for."""
    told = f"concat('{sign}-', lpad(cast(id AS string), 6, '0')) AS {column}"
    old = spark.range(3, 8, 1, 1).selectExpr(told, "id")
    old.write.format("delta").save(str(place))
    new = rows(spark, 0, 3).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    new.save(str(place))
    return Place("t", Address(path=str(place)), (Sought(ColumnPath.parse("who"), among(*GONE)),))


def told(found: TableErased) -> list[tuple[str, int]]:
    return [(each.kind, each.count) for each in found.remains]


def test_a_version_whose_columns_were_called_otherwise(spark: SparkSession, lake: Path) -> None:
    """Also in files of no commit. The log, too, has them: by a commit that says that they are out it can go."""
    place = older_first(spark, lake / "t", "cust")
    found = erase(spark, place)
    assert (told(found), traces(lake / "t")) == ([], set())
    assert (found.before, found.after, held(spark, lake / "t")) == (1, 2, [0, 1, 2])
    rows(spark, 7, 8).withColumnRenamed("who", "cust").coalesce(1).write.parquet(str(lake / "other"))
    next((lake / "other").glob("*.parquet")).rename(lake / "t" / "part-left.parquet")
    again = erase(spark, place)
    assert (told(again), again.after) == ([("data_file", 1)], 2)


def test_a_version_that_was_partitioned_by_their_ids(spark: SparkSession, lake: Path) -> None:
    """Its files lack the column; folders, and the whole log, are called after its values. Files of later versions are
    looked into beside them."""
    for name, kept in (("t", "0 seconds"), ("u", "7 days")):
        old = rows(spark, 2, 8).write.format("delta").partitionBy("who")
        old.option("delta.deletedFileRetentionDuration", f"interval {kept}").save(str(lake / name))
        new = rows(spark, 0, 4).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        new.save(str(lake / name))
        DeltaTable.forPath(spark, str(lake / name)).delete("id = 3")
        place = Place(name, Address(path=str(lake / name)), (Sought(ColumnPath.parse("who"), among(*GONE)),))
        assert traces(lake / name)
        kinds = {each.kind for each in one_table.plan(spark, place, False).remains}
        assert kinds >= {"log", "data_file" if name == "u" else "log"}
        found = erase(spark, place)
        assert held(spark, lake / name) == [0, 1, 2]
        if name == "t":
            assert (told(found), traces(lake / name)) == ([], set())
        else:  # that they were taken out is what the table keeps in mind
            assert [(each.kind, each.until is None) for each in found.remains] == [("checkpoint", False)]
            assert {each.rpartition(".")[2] for each in traces(lake / name)} <= {"parquet", "parquet (pages)"}


def test_a_log_that_does_not_begin_with_the_first_version(spark: SparkSession, lake: Path) -> None:
    """Nobody knows any more what they were called before."""
    place = older_first(spark, lake / "t", "who", sign="other")
    assert take_out.checkpointed(spark, str(lake / "t"), 1)
    for each in (lake / "t" / "_delta_log").glob("*00000000.*"):
        each.unlink()
    take_out.forget(spark)
    erase(spark, place)
    left = {name for name, content in byte_scan.contents(lake / "t") if b"other-000003" in content}
    assert (left, held(spark, lake / "t")) == (set(), [0, 1, 2])


@pytest.mark.sweep
def test_the_log_of_files_into_which_nobody_looked(spark: SparkSession, lake: Path) -> None:
    place = dataclasses.replace(older_first(spark, lake / "t", "who", sign="other"), of_periods=True)
    assert "log" in dict(told(one_table.plan(spark, place, False)))
    assert "log" in dict(told(erase(spark, place, forced=False)))
    assert told(erase(spark, place)) == []
    assert not [name for name, content in byte_scan.contents(lake / "t") if b"other-000003" in content]


def test_a_table_of_others_below_the_folder(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = table(spark, lake / "t")
    rows(spark, 0, 10).write.format("delta").save(str(lake / "t" / "extract"))
    rows(spark, 0, 10).coalesce(1).write.parquet(str(lake / "t" / "_other" / "part"))
    now = table_files.now()
    monkeypatch.setattr(table_files, "now", lambda: now + 10 * table_files.DAY)
    found = erase(spark, place)
    assert {each.kind: each.until for each in found.remains} == {"unknown": None}
    assert held(spark, lake / "t" / "extract") == [*range(10)]
    assert spark.read.parquet(str(lake / "t" / "_other" / "part")).count() == 10
    own = tuple(each.name for each in (lake / "t").glob("*.parquet"))
    assert not [each for each in traces(lake / "t") if each.startswith(own)]


def test_a_row_of_somebody_else_that_names_them(spark: SparkSession, lake: Path) -> None:
    next_ = "concat('person-', lpad(cast(id + 1 AS string), 6, '0'))"
    made = rows(spark, 0, 10).selectExpr("*", f"{next_} AS ref", f"named_struct('who', {next_}, 'x', id) AS home")
    made.write.format("delta").option("delta.enableChangeDataFeed", "true").save(str(lake / "t"))
    others = [Sought(ColumnPath.parse(each), among(*GONE), is_of_others=True) for each in ("ref", "home.who")]
    place = Place("t", Address(path=str(lake / "t")), (Sought(ColumnPath.parse("who"), among(*GONE)), *others))
    planned, found = one_table.plan(spark, place, True), erase(spark, place)
    assert [(each.rows_deleted, each.elements_removed) for each in (planned, found)] == [(2, 4)] * 2
    assert (told(found), traces(lake / "t")) == ([], set())
    stays = spark.read.format("delta").load(str(lake / "t")).collect()
    expected = {at: None if at in (2, 6) else f"person-{at + 1:06d}" for at in range(10) if at not in (3, 7)}
    assert {row["id"]: row["ref"] for row in stays} == expected
    assert {row["id"]: row["home"]["who"] for row in stays} == expected
    assert all(row["home"]["x"] == row["id"] for row in stays)
    spark.sql(f"ALTER TABLE delta.`{lake}/t` ADD CONSTRAINT other CHECK (who <> 'ref, home')")
    assert one_table.refusals(spark, place) == [], "a text in it is no column"
    spark.sql(f"ALTER TABLE delta.`{lake}/t` ADD CONSTRAINT named CHECK (Ref IS NOT NULL OR id IN (2, 6))")
    assert ["t: ref: " in each for each in one_table.refusals(spark, place)] == [True]


def test_what_a_log_says_elsewhere(spark: SparkSession, lake: Path) -> None:
    """In commits that a catalog stages, and in checkpoints without statistics as text."""
    staged = [File("", f"{folder}/{1:020}.some.json", 0) for folder in ("_staged_commits", "_commits")]
    assert [(each.kind, each.version) for each in log_left.older(staged, 2, 0)] == [("log", 1)] * 2
    assert log_left.older(staged, 1, 0) == []
    texts = """named_struct('stats', '{"minValues":{"a":1}}') AS add"""
    for name, expression in (("a", texts), ("b", "named_struct('stats_parsed', struct(1 AS a)) AS add")):
        spark.range(1).selectExpr(expression).coalesce(1).write.parquet(str(lake / name))
    names = [str(next((lake / name).glob("*.parquet"))) for name in ("a", "b")]
    assert log_left._saying(spark, names, "add.stats") == {name.rpartition("/")[2] for name in names}
