"""Rows past their time go, once, from the table and in the end from its files; runs leave them out."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

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
