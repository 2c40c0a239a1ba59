"""Rows past their time go, once, from the table and in the end from its files; runs leave them out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs import pseudonymize, retain, verify
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import delta_commit, log_left, old_versions, row_deletion, table_files
from jobs.lake import log_commits as commits
from jobs.lake.address import Address
from jobs.lake.history import History
from jobs.lake.state import TargetState
from jobs.monitoring import log_watch
from jobs.retention import aged, carried_out, needed, trail
from jobs.table_run import planned
from jobs.treatment import kept_rows
from privacy_udfs.errors import LakenymError
from tests.helpers import audits, lakes

DAY = datetime.date(2026, 11, 28)
KEPT = {"days": 30, "by": "at"}
FIRST = datetime.date(2026, 10, 29)
"""The first day within the time on `DAY`, counted by hand: two days of October from it on, and 28 of November."""
COLUMNS: dict[str, Any] = {"id": {"domain": "customer"}, "at": "keep", "num": "keep"}


def raw(spark: SparkSession, lake: Path, days: list[datetime.date | None], start: int = 0, name: str = "t") -> None:
    rows = [(f"C-{start + n}", day, start + n) for n, day in enumerate(days)]
    frame = spark.createDataFrame(rows, "id string, at date, num int").coalesce(1)
    frame.write.format("delta").mode("append").save(str(lake / "raw" / name))


def around(first: datetime.date = FIRST) -> list[datetime.date | None]:
    """Two days before, the day before, the first day, the next, no date, one far ahead."""
    steps = (-2, -1, 0, 1)
    return [*(first + datetime.timedelta(days=n) for n in steps), None, datetime.date(2040, 1, 1)]


def conf(lake: Path, kept: Any = KEPT, columns: dict[str, Any] = COLUMNS, target: Any = None, **more: Any) -> Config:
    if target is None:
        target = {}
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    entry = lakes.table("t", lake, columns, source=source, **more)
    entry["target"] |= target
    if kept is not None:
        entry["retention"] = kept
    return lakes.configured(lake, entry)


def numbers(spark: SparkSession, lake: Path) -> list[int]:
    return sorted(row[0] for row in lakes.treated(spark, lake).select("num").collect())


def history(spark: SparkSession, lake: Path) -> list[tuple[str, dict[str, Any]]]:
    rows = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").orderBy("version").collect()
    return [(row["operation"], json.loads(row["userMetadata"] or "{}")) for row in rows]


@pytest.fixture
def on_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "today", lambda: DAY)


def test_rows_go_to_the_day_and_the_next_run_brings_none_back(spark: SparkSession, lake: Path, on_day: None) -> None:
    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None), "t")  # before there was such a rule
    own = conf(lake)
    (plan,) = retain.plan(spark, own, ["t"], DAY)
    assert (plan.rows, plan.before, plan.counted.undated, plan.counted.to_come) == (2, "2026-10-29", 1, 1)
    assert plan.files_until is not None
    assert plan.log_until is not None
    assert numbers(spark, lake) == [0, 1, 2, 3, 4, 5], "a plan writes nothing"
    (done,) = retain.run(spark, own, ["t"], day=DAY)
    assert (done.rows, done.due) == (2, 0)
    assert numbers(spark, lake) == [2, 3, 4, 5]
    operation, said = history(spark, lake)[done.version or 0]
    assert operation == "DELETE"
    assert (said["mode"], said["retention"]["before"]) == ("retention", "2026-10-29")
    (again,) = retain.run(spark, own, ["t"], day=DAY)
    assert (again.rows, again.version) == (0, None)
    result = pseudonymize.run(spark, own, "t")
    assert numbers(spark, lake) == [2, 3, 4, 5], "the source has them yet"
    said = history(spark, lake)[result.version][1]
    assert said["retention"] == {"by": "at", "before": "2026-10-29", "left_out": "< 10"}
    assert result.execution == "columnar"


def made_old(lake: Path) -> None:
    """All files of the target as if they had been written long ago, in the order of versions."""
    for file in (lake / "treated" / "t").rglob("*"):
        number = file.name.lstrip(".")[:20]
        at = 1.7e9 + 60 * (int(number) if number.isdigit() else 0)
        if file.is_file():
            os.utime(file, (at, at))


def holds(lake: Path, text: str) -> list[str]:
    """The files of the target that hold a text, Parquet read as what it says."""
    found = []
    for file in sorted((lake / "treated").rglob("*")):
        if file.is_file():
            said = file.read_bytes().decode("latin-1")
            if file.suffix == ".parquet":
                said = str(pyarrow.parquet.ParquetFile(file).read().to_pylist()) + str(
                    pyarrow.parquet.read_metadata(file)
                )
                said += "".join(str(row_group_statistics(file)))
            if text in said:
                found.append(file.name)
    return found


def row_group_statistics(file: Path) -> list[str]:
    metadata = pyarrow.parquet.read_metadata(file)
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    columns = [group.column(at) for group in groups for at in range(group.num_columns)]
    return [f"{each.statistics.min} {each.statistics.max}" for each in columns if each.is_stats_set]


GONE = (1_000_000_000, 1_000_000_001)
"""Of rows that go: numbers that stand in no other row, and nowhere by chance."""


def test_what_is_left_goes_with_a_later_run(spark: SparkSession, lake: Path) -> None:
    """Vectors, a change feed, statistics: nothing of a row that went is in any file once its time is over."""
    raw(spark, lake, around(), start=GONE[0])
    pseudonymize.run(spark, conf(lake, kept=None), "t")
    at = f"delta.`{lake}/treated/t`"
    properties = {"enableDeletionVectors": "true", "enableChangeDataFeed": "true"}
    properties |= {"deletedFileRetentionDuration": "interval 0 hours", "logRetentionDuration": "interval 1 hours"}
    stated = ", ".join(f"'delta.{name}' = '{value}'" for name, value in properties.items())
    spark.sql(f"ALTER TABLE {at} SET TBLPROPERTIES ({stated})")
    spark.sql(f"DELETE FROM {at} WHERE num = {GONE[0]}")  # hidden by a vector, and past its time
    own = conf(lake)
    (done,) = retain.run(spark, own, ["t"], day=DAY)
    assert done.rows == 1
    kinds = {each.kind for each in done.remains}
    assert {"log", "checksum"} <= kinds, "the log of today stays"
    for number in GONE:
        assert all(name.endswith((".json", ".crc")) for name in holds(lake, str(number))), "no file, no change file"
    assert holds(lake, str(GONE[0])), "the log has it as the least value"
    made_old(lake)
    retain.run(spark, own, ["t"], day=DAY)
    made_old(lake)
    (last,) = retain.run(spark, own, ["t"], day=DAY)
    for number in GONE:
        assert not holds(lake, str(number))
    assert last.is_done
    assert numbers(spark, lake) == [GONE[0] + n for n in (2, 3, 4, 5)]


def test_a_log_is_cleaned_up_to_what_its_time_still_reaches(spark: SparkSession, lake: Path) -> None:
    """Versions 0 and 1 are 60 days old: it was version 1 until yesterday, so that one stays."""
    for start in range(4):
        raw(spark, lake, [FIRST], start)
    place, now = lake / "raw" / "t", time.time()
    for version, days in enumerate((60, 60, 1, 0)):
        for file in (place / "_delta_log").glob(f"*{version:020}.*"):
            os.utime(file, (now - days * 86400, now - days * 86400))
    for _ in range(2):  # the second finds nothing
        begun = delta_commit.begin(spark, str(place), None)
        assert begun is not None
        log_left.cleaned(begun)
        assert [file.name[19] for file in sorted((place / "_delta_log").glob("*.json"))] == ["1", "2", "3"]
        counts = [spark.read.option("versionAsOf", at).format("delta").load(str(place)).count() for at in (2, 3)]
        assert counts == [3, 4]
    assert not [*(place / "_delta_log").glob("*00.crc")]


@pytest.mark.sweep
def test_files_written_anew_for_vectors_have_no_bounds_of_who_is_in_them(spark: SparkSession, lake: Path) -> None:
    """Of columns that identify, in the footers of what REORG writes; nothing is past its time."""
    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None), "t")
    at, folder = f"delta.`{lake}/treated/t`", lake / "treated" / "t"
    spark.sql(f"ALTER TABLE {at} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM {at} WHERE num = 2")
    before = {*folder.glob("*.parquet")}
    (done,) = retain.run(spark, conf(lake), ["t"], day=DAY - datetime.timedelta(days=90))
    assert done.rows == 0
    anew = {*folder.glob("*.parquet")} - before
    assert anew
    assert [row_group_statistics(file) for file in anew] == [[]] * len(anew)


@pytest.mark.sweep
def test_a_source_may_be_quiet_for_longer_than_old_versions_are_kept(
    spark: SparkSession, lake: Path, on_day: None
) -> None:
    own = conf(lake, {**KEPT, "versions_days": 7}, target={"mode": "incremental"})
    raw(spark, lake, around())
    pseudonymize.run(spark, own, "t")
    for _ in range(2):
        retain.run(spark, own, ["t"], day=DAY)
        made_old(lake)
    retain.run(spark, own, ["t"], day=DAY)
    raw(spark, lake, around(), start=10)
    result = pseudonymize.run(spark, own, "t")
    assert (result.mode, numbers(spark, lake)) == ("incremental", [2, 3, 4, 5, 12, 13, 14, 15])
    retain.run(spark, own, ["t"], day=DAY)
    assert lakes.properties(spark, lake)["delta.logRetentionDuration"] == "interval 7 days"


def test_a_log_is_kept_back_to_what_the_next_run_goes_on_from() -> None:
    """Of a quiet source its days grow before the run is past, by steps; after a new run they are the rule's again."""
    told, stated = [], 30
    for age in (1, 5, 6, 12, 13, 40, 1):
        stated = needed.days(7, age, stated)
        told.append(stated)
        assert stated >= age + needed.SPARE
    assert told == [7, 7, 14, 14, 28, 82, 7]
    assert needed.days(7, 0, 30) == 7, "of a table that needs none"
    run = commits.Commit(3, 1, 1, 0, None, 3, "WRITE", {}, {"mode": "incremental"})
    kept_out = dataclasses.replace(run, run={"erased_list": {"id": "x"}})
    assert needed.version(History(3, (run,), ours=frozenset({3})), "incremental") == 3
    assert needed.version(History(3, (run,), ours=frozenset({3})), "full") is None
    assert needed.version(History(3, (kept_out,), ours=frozenset({3})), "full") == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("part-0.parquet", True),
        ("_day=1/part-0.parquet", True),
        ("_change_data/cdc-0.parquet", True),
        ("_SUCCESS", False),
        ("_symlink_format_manifest/manifest", False),
        (".part-0.tmp", False),
        ("deletion_vector_0.bin", False),
    ],
)
def test_what_vacuum_never_takes_is_not_due(name: str, expected: bool) -> None:
    assert old_versions.is_vacuumed(table_files.File(f"file:/t/{name}", name, 0)) == expected


# -- what the entry may say -------------------------------------------------------------------------------------------

LTZ, NTZ, MONTH = T.TimestampType(), T.TimestampNTZType(), {"technique": "generalize_date", "unit": "month"}
BERLIN = {**MONTH, "unit": "year", "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("treatment", "kind", "before"),
    [
        ("keep", T.DateType(), "2026-10-29"),
        ("keep", LTZ, "2026-10-29T00:00:00.000000"),
        ("keep", NTZ, "2026-10-29T00:00:00.000000"),
        (MONTH, T.DateType(), "2026-10-01"),  # all of October waits for its last day
        (MONTH, LTZ, "2026-10-01T00:00:00.000000"),
        (BERLIN, LTZ, "2025-12-31T23:00:00.000000"),  # where the year began there
        ({**MONTH, "unit": "week"}, T.DateType(), "2026-10-26"),  # a Monday
        ({**MONTH, "unit": "decade"}, T.DateType(), "2020-01-01"),
    ],
)
def test_nothing_goes_before_the_last_day_of_its_unit(
    lake: Path, treatment: Any, kind: T.DataType, before: str
) -> None:
    entry = conf(lake, columns={**COLUMNS, "at": treatment}).tables["t"]
    assert kept_rows.Boundary(entry.kept.path, kind, kept_rows._first(entry, kind, DAY)).text == before  # type: ignore[union-attr]


def test_a_long_time_ends_at_the_first_date(lake: Path) -> None:
    entry = conf(lake, {"days": 36500, "by": "at"}).tables["t"]
    assert kept_rows._first(entry, T.DateType(), datetime.date(50, 1, 1)) == datetime.date(1, 1, 1)


def test_a_span_in_words_is_read_as_ever_and_nothing_is_carried_out(lake: Path) -> None:
    own = conf(lake, "7 years")
    assert (own.tables["t"].retention, own.tables["t"].kept) == ("7 years", None)
    assert conf(lake).tables["t"].retention == "30 days"
    with pytest.raises(BadUsage, match="no table that is asked for"):
        aged.found(None, own, ["t"], DAY)  # type: ignore[arg-type]


@pytest.mark.sweep
@pytest.mark.parametrize("execution", ["columnar", "spark"])
def test_every_kind_of_date_on_both_paths(spark: SparkSession, lake: Path, on_day: None, execution: str) -> None:
    """The last instant that is past its time, the first that is within it, and none."""
    edges = ["2026-10-28 23:59:59.999999", "2026-10-29 00:00:00", None]
    rows = [(text, number) for number, text in enumerate(edges)]
    made = spark.createDataFrame(rows, "text string, num int").selectExpr(
        "cast(text || ' UTC' as timestamp) ts",
        "cast(text as timestamp_ntz) ntz",
        "cast(text as date) day",
        "named_struct('at', cast(text as date)) deep",
        "cast(text as timestamp_ntz) coarse",
        "num",
    )
    made.coalesce(1).write.format("delta").save(str(lake / "raw" / "t"))
    columns = dict.fromkeys(("ts", "ntz", "day", "deep.at", "num"), "keep") | {"coarse": MONTH}
    for by in ("ts", "ntz", "day", "deep.at", "coarse"):
        shutil.rmtree(lake / "treated" / "t", ignore_errors=True)
        own = conf(lake, {"days": 30, "by": by}, columns, execution=execution)
        result = pseudonymize.run(spark, own, "t")
        expected = [0, 1, 2] if by == "coarse" else [1, 2]
        assert (numbers(spark, lake), result.execution) == (expected, execution), by
        assert history(spark, lake)[-1][1]["retention"]["left_out"] == ("< 10" if len(expected) < 3 else 0)
        (done,) = retain.run(spark, own, ["t"], day=DAY + datetime.timedelta(days=3))  # past all of October
        assert done.rows == len(expected) - 1
        assert numbers(spark, lake) == [2]


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.sweep
def test_what_cannot_be_carried_out_is_refused_before_anything_is_written(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, around())
    own = conf(lake)
    (nothing,) = retain.run(spark, own, ["t"], day=DAY)
    assert not nothing.is_there
    pseudonymize.run(spark, conf(lake, kept=None), "t")
    other = conf(lake, columns={**COLUMNS, "at": MONTH})
    with pytest.raises(Refused, match="record says that at was treated otherwise"):
        retain.run(spark, other, ["t"], day=DAY)
    with pytest.raises(Refused, match=r"retention \(catalog/t.yaml:1\): num is int: expected a date"):
        retain.run(spark, conf(lake, {"days": 3, "by": "num"}), ["t"], day=DAY)
    with pytest.raises(LakenymError, match="num is int: expected a date"):
        pseudonymize.run(spark, conf(lake, {"days": 3, "by": "num"}), "t")
    raw(spark, lake, [datetime.date(2000, 1, 1)], name="old")
    old = conf(lake, kept=None)
    stated = old.tables["t"].source.model_copy(update={"path": f"{lake}/raw/old"})
    entry = dataclasses.replace(old.tables["t"], source=stated)
    pseudonymize.run(spark, dataclasses.replace(old, tables={"t": entry}), "t")
    with pytest.raises(Refused, match="every row of it is past its time"):
        retain.run(spark, conf(lake), ["t"], day=DAY)
    assert len(numbers(spark, lake)) == 1
    (done,) = retain.run(spark, conf(lake), ["t"], day=DAY, all_rows=True)
    assert done.rows == 1
    assert not numbers(spark, lake)


# -- beside others ----------------------------------------------------------------------------------------------------


@pytest.mark.sweep
def test_what_others_deleted_and_a_longer_time_are_told_apart(spark: SparkSession, lake: Path, on_day: None) -> None:
    """A run in full brings none of the rows back that went; it would, of others, and is refused."""
    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None), "t")
    retain.run(spark, conf(lake), ["t"], day=DAY)
    with pytest.raises(Refused, match="rows were deleted"):
        pseudonymize.run(spark, conf(lake, {"days": 31, "by": "at"}), "t")
    with pytest.raises(Refused, match="rows were deleted"):
        pseudonymize.run(spark, conf(lake, kept=None), "t")
    pseudonymize.run(spark, conf(lake, {"days": 29, "by": "at"}), "t")
    assert numbers(spark, lake) == [3, 4, 5]
    spark.sql(f"DELETE FROM delta.`{lake}/treated/t` WHERE num = 4")
    with pytest.raises(Refused, match="rows were deleted"):
        pseudonymize.run(spark, conf(lake), "t")


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["incremental", "changes", "stream"])
def test_later_runs_go_on(spark: SparkSession, lake: Path, on_day: None, mode: str) -> None:
    target = {"mode": mode, **({"key": ["num"]} if mode == "changes" else {})}
    spark.createDataFrame([], "id string, at date, num int").write.format("delta").option(
        "delta.enableChangeDataFeed", "true"
    ).save(str(lake / "raw" / "t"))
    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None, target=target), "t")
    own = conf(lake, target=target)
    retain.run(spark, own, ["t"], day=DAY)
    raw(spark, lake, around(), start=10)
    if mode == "changes":
        spark.sql(f"UPDATE delta.`{lake}/raw/t` SET id = 'C-new' WHERE num IN (0, 3)")
    result = pseudonymize.run(spark, own, "t")
    assert numbers(spark, lake) == [2, 3, 4, 5, 12, 13, 14, 15]
    said = history(spark, lake)[result.version][1]
    assert (said["mode"], said["retention"]["before"]) == ("incremental" if mode == "stream" else mode, "2026-10-29")
    assert retain.run(spark, own, ["t"], day=DAY)[0].rows == 0


def test_who_comes_second_says_that_nothing_is_due(spark: SparkSession, lake: Path, monkeypatch: Any) -> None:
    """Another took the rows between the count and the deletion, which then finds none."""
    own = conf(lake)
    entry = own.tables["t"]
    assert entry.kept is not None
    boundary = kept_rows.Boundary(entry.kept.path, T.DateType(), FIRST)
    one = aged.Aged("t", entry, TargetState(Address(path=f"{lake}/treated/t")), boundary)
    monkeypatch.setattr(row_deletion, "delete", lambda *given: None)
    monkeypatch.setattr(aged, "counted", lambda *given: aged.Counted(rows=4))
    counted = aged.Counted(rows=6, past=2)
    assert carried_out._rows_taken(spark, one, counted, trail.Trail(None, own), "a run") == (None, 0)


@pytest.mark.sweep
def test_who_commits_meanwhile_is_looked_at_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run in full between the look and the commit; and rows past their time that others add."""
    raw(spark, lake, around())
    old = conf(lake, kept=None)
    pseudonymize.run(spark, old, "t")
    calls = before_the_first(monkeypatch, lambda: pseudonymize.run(spark, old, "t"))
    (done,) = retain.run(spark, conf(lake), ["t"], day=DAY)
    assert calls == [1]
    assert (done.rows, done.due) == (2, 0)
    assert numbers(spark, lake) == [2, 3, 4, 5]


def before_the_first(patch: pytest.MonkeyPatch, meanwhile: Any) -> list[int]:
    """Somebody commits once, between the look of the first deletion and its commit."""
    calls: list[int] = []
    made = row_deletion.table

    def table(spark: SparkSession, address: Any) -> Any:
        found = made(spark, address)
        if not calls:
            calls.append(1)
            meanwhile()
        return found

    patch.setattr(row_deletion, "table", table)
    return calls


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("step", "is_after"),
    [
        ("delete", False),
        ("delete", True),
        ("has_vectors", False),
        ("state_properties", True),
        ("vacuumed", False),
        ("done", False),
    ],
)
def test_killed_at_any_step_and_run_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, step: str, is_after: bool
) -> None:
    class Killed(BaseException):
        pass

    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None), "t")
    own = conf(lake, {**KEPT, "versions_days": 7})
    rooms = (row_deletion, old_versions, aged, trail.Trail, delta_commit)
    (room,) = (each for each in rooms if hasattr(each, step))
    whole = getattr(room, step)

    def broken(*given: Any, **more: Any) -> Any:
        if is_after:
            whole(*given, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(room, step, broken)
        with contextlib.suppress(Killed):
            retain.run(spark, own, ["t"], day=DAY)
    retain.run(spark, own, ["t"], day=DAY)
    assert numbers(spark, lake) == [2, 3, 4, 5]
    assert sum(operation == "DELETE" for operation, _ in history(spark, lake)) == 1
    properties = lakes.properties(spark, lake)
    assert properties["delta.logRetentionDuration"] == properties["delta.deletedFileRetentionDuration"]
    assert properties["delta.logRetentionDuration"] == "interval 7 days"


# -- what others say of it --------------------------------------------------------------------------------------------


@pytest.mark.sweep
def test_partitions_go_by_the_log_alone_and_verify_passes(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake, around())
    own = conf(lake, target={"partition_by": ["at"]})
    monkeypatch.setattr(planned, "today", lambda: DAY - datetime.timedelta(days=10))
    pseudonymize.run(spark, own, "t")
    assert len(numbers(spark, lake)) == 6
    before = {file.name for file in (lake / "treated" / "t").rglob("part-*.parquet")}
    for day in (DAY - datetime.timedelta(days=1), DAY):
        (done,) = retain.run(spark, own, ["t"], day=day)
        assert done.rows == 1
        report = verify.run(spark, own, "t")
        outcomes = {check.name: check.outcome for check in report.checks}
        assert (outcomes["counts"], outcomes["rows anew"]) == ("holds", "holds"), report.checks
    assert {file.name for file in (lake / "treated" / "t").rglob("part-*.parquet")} == before, "none is written anew"


@pytest.mark.sweep
def test_a_conflict_is_tried_again_and_a_lost_answer_is_found(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delta says that others were faster: once before anything was committed, and once of our own commit."""
    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None), "t")
    made, calls = row_deletion.table, list[int]()

    class Beaten:
        def __init__(self, found: Any) -> None:
            self.found = found

        def delete(self, which: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                self.found.delete(which)
            raise PySparkException("DELTA_CONCURRENT_APPEND")

    monkeypatch.setattr(row_deletion, "PAUSE", 0)
    monkeypatch.setattr(row_deletion, "table", lambda *given: Beaten(made(*given)))
    monkeypatch.setattr(old_versions, "vacuumed", lambda *given: None)
    (done,) = retain.run(spark, conf(lake), ["t"], day=DAY)
    assert (done.rows, done.due, len(calls)) == (2, 0, 2)
    assert sum(operation == "DELETE" for operation, _ in history(spark, lake)) == 1


@pytest.mark.sweep
def test_a_table_by_name_with_odd_columns(spark: SparkSession, lake: Path, on_day: None) -> None:
    rows = [(f"C-{at}", day, at) for at, day in enumerate(around())]
    made = spark.createDataFrame(rows, "id string, `made at.` date, num int").coalesce(1)
    made.write.format("delta").option("delta.columnMapping.mode", "name").save(str(lake / "raw" / "t"))
    spark.sql("CREATE DATABASE IF NOT EXISTS kept_by_name")
    columns = {"id": {"domain": "customer"}, "`made at.`": "keep", "num": "keep"}
    kept = {"days": 30, "by": "`made at.`", "versions_days": 7}
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    try:
        for stated in (None, kept):
            entry = lakes.table("t", lake, columns, source=source, **({} if stated is None else {"retention": stated}))
            own = lakes.configured(lake, entry | {"target": {"table": "kept_by_name.t"}})
            if stated is None:
                pseudonymize.run(spark, own, "t")
        (done,) = retain.run(spark, own, ["t"], day=DAY)
        assert done.rows == 2
        pseudonymize.run(spark, own, "t")
        assert sorted(row[0] for row in spark.table("kept_by_name.t").select("num").collect()) == [2, 3, 4, 5]
    finally:
        spark.sql("DROP DATABASE kept_by_name CASCADE")


# -- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.sweep
def test_the_audit_log_has_it_and_the_house_is_watched(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake, around())
    conf(lake)
    own = audits.with_log(lake)
    monkeypatch.setattr(planned, "today", lambda: DAY - datetime.timedelta(days=10))
    pseudonymize.run(spark, own, "t")
    assert retain.main(["--conf", str(lake / "conf"), "--all", "--plan", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["tables"]
    assert (told["rows"], "version" in told) == (6, False)
    assert not audits.listed(spark, own, kinds=["retention"]), "a plan tells nothing"
    receipt = lake / "receipt.json"
    retain.run(spark, own, ["t"], day=DAY, receipt=receipt)
    rows = audits.listed(spark, own, kinds=["retention"])
    assert sorted(row["outcome"] for row in rows) == ["begun", "done", "receipt"]
    assert not audits.wrong(spark, own)
    assert "C-" not in json.dumps(rows)
    assert json.dumps(rows).count("< 10") == 2, "no small count"
    now = datetime.datetime.now(datetime.timezone.utc)
    for days, expected in ((1, []), (8, ["retention"])):
        found = log_watch.findings(spark, own, ["t"], now + datetime.timedelta(days=days))
        assert [each.what for each in found] == expected
    assert retain.main(["--conf", str(lake / "conf"), "--table", "t"]) == 0
    assert "there was nothing" not in capsys.readouterr().err
    check = ["--conf", str(lake / "conf"), "--all", "--verify-receipt", str(receipt)]
    assert retain.main([*check, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    outcomes = [(each["outcome"], each["table"]) for each in told["checks"]]
    assert (told["mode"], outcomes[0], {each for each, _ in outcomes}) == ("retention", ("ok", "t"), {"ok", "waits"})
    receipt.write_text(receipt.read_text(encoding="utf-8").replace("urn", "arn", 1)[:-1] + "x", encoding="utf-8")
    assert retain.main(check) == 1
