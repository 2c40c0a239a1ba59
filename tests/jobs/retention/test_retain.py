"""Rows past their time go, once, from the table and in the end from its files; runs leave them out."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize, retain
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from tests.helpers import lakes

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


def conf(lake: Path, kept: Any = KEPT, columns: dict[str, Any] = COLUMNS, target: Any = {}, **more: Any) -> Config:
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
    from jobs.table_run import planned

    monkeypatch.setattr(planned, "today", lambda: DAY)


def test_rows_go_to_the_day_and_the_next_run_brings_none_back(
    spark: SparkSession, lake: Path, on_day: None
) -> None:
    raw(spark, lake, around())
    pseudonymize.run(spark, conf(lake, kept=None), "t")  # before there was such a rule
    own = conf(lake)
    (plan,) = retain.plan(spark, own, ["t"], DAY)
    assert (plan.rows, plan.before, plan.counted.undated, plan.counted.to_come) == (2, "2026-10-29", 1, 1)
    assert plan.files_until is not None and plan.log_until is not None
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
    assert said["retention"] == {"by": "at", "before": "2026-10-29", "left_out": 2}


def aged(lake: Path) -> None:
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
                said = str(pyarrow.parquet.ParquetFile(file).read().to_pylist()) + str(pyarrow.parquet.read_metadata(file))
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
    properties |= {"deletedFileRetentionDuration": "interval 0 hours", "logRetentionDuration": "interval 0 hours"}
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
    aged(lake)
    retain.run(spark, own, ["t"], day=DAY)
    aged(lake)
    (last,) = retain.run(spark, own, ["t"], day=DAY)
    for number in GONE:
        assert not holds(lake, str(number))
    assert last.is_done
    assert numbers(spark, lake) == [GONE[0] + n for n in (2, 3, 4, 5)]
