"""Rows of a small table read on the driver are those that Spark reads, and of every doubt nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.lake import audit_table, small_rows
from jobs.lake.address import Address
from jobs.lake.audit_table import SCHEMA
from tests.helpers.sweeps import but_for

PLAIN = T.StructType([T.StructField("number", T.LongType()), T.StructField("text", T.StringType())])


def made(spark: SparkSession, at: str, options: str = "", by: str = "") -> None:
    spark.sql(f"CREATE TABLE delta.`{at}` (number bigint, text string) USING delta {by} {options}")
    for first in (0, 10):
        spark.range(first, first + 4, 1, 1).selectExpr(
            "id AS number", "if(id % 2 = 0, null, concat('ü', id)) AS text"
        ).write.format("delta").mode("append").save(at)


def rows(spark: SparkSession, at: str) -> Any:
    return small_rows.of(spark, at, None, PLAIN)


@pytest.mark.parametrize("local", ["file:", "by Hadoop alone"])
def test_they_are_those_that_spark_reads(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: str
) -> None:
    monkeypatch.setattr(small_rows, "LOCAL", local)
    at = f"{tmp_path}/a table, 100%"
    made(spark, at)
    spark.sql(f"DELETE FROM delta.`{at}` WHERE number >= 10")  # whole files go
    found = rows(spark, at)
    told = sorted(tuple(row.values()) for row in found.to_pylist())
    assert told == sorted(map(tuple, spark.read.format("delta").load(at).collect()))
    assert told == [(0, None), (1, "ü1"), (2, None), (3, "ü3")]


def _deleted(spark: SparkSession, at: str) -> None:
    made(spark, at, "TBLPROPERTIES ('delta.enableDeletionVectors' = true)")
    spark.sql(f"DELETE FROM delta.`{at}` WHERE number = 1")


def _gone(spark: SparkSession, at: str) -> None:
    made(spark, at)
    next(Path(at).glob("*.parquet")).unlink()


def _changed(spark: SparkSession, at: str) -> None:
    made(spark, at)
    with next(Path(at).glob("*.parquet")).open("ab") as file:
        file.write(b"more")


def _wider(spark: SparkSession, at: str) -> None:
    made(spark, at)
    spark.sql(f"ALTER TABLE delta.`{at}` ADD COLUMN more int")


DOUBTS: dict[str, Callable[[SparkSession, str], None]] = {
    "deleted rows": _deleted,
    "a file is gone": _gone,
    "a file was changed": _changed,
    "another column": _wider,
    "folders": lambda spark, at: made(spark, at, by="PARTITIONED BY (text)"),
    "other names in files": lambda spark, at: made(spark, at, "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"),
    "no table": lambda spark, at: None,
}


@pytest.mark.parametrize("doubt", but_for(("deleted rows", "a file is gone", "no table"), DOUBTS))
def test_of_every_doubt_nothing_is(spark: SparkSession, tmp_path: Path, doubt: str) -> None:
    DOUBTS[doubt](spark, f"{tmp_path}/t")
    assert rows(spark, f"{tmp_path}/t") is None


def test_of_many_files_nothing_is(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(spark, f"{tmp_path}/t")
    assert rows(spark, f"{tmp_path}/t") is not None
    for name in ("FILES", "BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(small_rows, name, 1)
            assert rows(spark, f"{tmp_path}/t") is None


ASKED: tuple[tuple[dict[str, list[str]], str | None, str | None], ...] = (
    ({}, None, None),
    ({"kind": ["run_started", "reversal"], "outcome": []}, None, None),
    ({"kind": ["reversal"], "outcome": ["started"]}, None, None),
    ({"table": ["crm.nobody"]}, None, None),
    ({}, "2026-11-28T12", None),
    ({"table": ["crm.a"]}, "2026-11-28T12", "2026-11-28T13:00:00"),
)


def test_what_is_chosen_of_a_log_is_the_same(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Address(path=f"{tmp_path}/log")
    told = [
        (3, "2026-11-28T12:30:00.0Z", "reversal", "crm.a", "started"),
        (1, "2026-11-28T11:30:00.0Z", "run_started", "crm.a", ""),
        (2, None, "reversal", None, "refused"),
        (0, "2026-11-28T13:30:00.0Z", "reversal", "crm.b", "started"),
    ]
    for index, time, kind, table, outcome in told:
        row = (index, time, kind, table, "run", "someone", outcome, "{}", "state")
        spark.createDataFrame([row], SCHEMA).write.format("delta").mode("append").save(str(at.path))
    fast = [[*audit_table.chosen(spark, at, *asked)] for asked in ASKED]
    monkeypatch.setattr(small_rows, "of", lambda *given: None)
    assert fast == [[*audit_table.chosen(spark, at, *asked)] for asked in ASKED]
    assert [[row["index"] for row in found] for found in fast] == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 3], [], [0, 3], [3]]
