"""One rule for a subject: what has one pseudonym has one date shift; and placeholders. Real Spark and Delta."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from jobs.pseudonymize import run
from jobs.spark_app.failures import RunFailed
from tests.helpers import lakes
from tests.helpers.lakes import configured, table

CUSTOMER = {"domain": "customer"}  # normalize: [nfc, trim]
SHIFT = {"technique": "date_shift", "max_days": 2000, "key": "crm", "domain": "moves"}
DAY, PLACEHOLDER = datetime.date(2020, 6, 15), datetime.date(1900, 1, 1)
SCHEMA = "row int, customer string, born date, seen timestamp, amount bigint, visit string"
SUBJECTS = ["Ann", "Ann   ", "\u3000Ann", "A\u030ake", "\u00c5ke", "Bo"]
COLUMNS: dict[str, Any] = {
    "row": "keep",
    "customer": CUSTOMER,
    "born": {**SHIFT, "keep_dates": ["1900-01-01"], "null_dates": ["9999-12-31"]},
    "seen": {"technique": "generalize_date", "unit": "hour", "timezone": "Europe/Berlin"},
    "amount": {"technique": "add_noise", "scale": 1e9, "key": "crm"},
    "visit": {**SHIFT, "domain": "text_moves", "input_format": "%d.%m.%Y", "empty": None},
}


def written(spark: SparkSession, lake: Path, subjects: list[str], days: list[datetime.date], name: str = "t") -> None:
    seen = datetime.datetime(2024, 10, 27, 1, 30, tzinfo=datetime.timezone.utc)
    rows = [
        (n, who, day, seen, 100, "" if n == 0 else f"{DAY:%d.%m.%Y}")
        for n, (who, day) in enumerate(zip(subjects, days, strict=True))
    ]
    spark.createDataFrame(rows, SCHEMA).coalesce(1).write.mode("overwrite").parquet(str(lake / "raw" / name))


def treated(spark: SparkSession, lake: Path, name: str = "t") -> list[Row]:
    return lakes.treated(spark, lake, name).orderBy("row").collect()


def parameters(spark: SparkSession, lake: Path, path: str, name: str = "t") -> dict[str, Any]:
    found: dict[str, Any] = lakes.record(spark, lake, name)["columns"][path]["parameters"]
    return found


def groups(values: list[Any]) -> list[int]:
    return [values.index(value) for value in values]


def test_one_pseudonym_one_shift_and_one_noise(spark: SparkSession, tmp_path: Path) -> None:
    written(spark, tmp_path, SUBJECTS, [DAY] * len(SUBJECTS))
    run(spark, configured(tmp_path, table("t", tmp_path, COLUMNS, subject="customer")), "t")
    rows = treated(spark, tmp_path)
    assert groups([row.customer for row in rows]) == [0, 0, 0, 3, 3, 5]
    assert groups([row.born for row in rows]) == groups([row.amount for row in rows]) == [0, 0, 0, 3, 3, 5]
    assert rows[0].visit is None
    assert groups([row.visit for row in rows][1:]) == [0, 0, 2, 2, 4]
    assert parameters(spark, tmp_path, "born")["normalize"] == ["nfc", "trim"]
    assert parameters(spark, tmp_path, "amount")["normalize"] == ["nfc", "trim"]
    berlin = datetime.datetime(2024, 10, 27, 1, 0, tzinfo=datetime.timezone.utc)
    assert {row.seen.astimezone(datetime.timezone.utc) for row in rows} == {berlin}


def test_a_subject_that_is_not_normalized_keeps_its_record(spark: SparkSession, tmp_path: Path) -> None:
    columns = {**COLUMNS, "customer": "keep", "born": SHIFT}
    written(spark, tmp_path, SUBJECTS, [DAY] * len(SUBJECTS))
    run(spark, configured(tmp_path, table("t", tmp_path, columns, subject="customer")), "t")
    assert parameters(spark, tmp_path, "born") == {
        "on_refused": "stop",
        "max_days": 2000,
        "exclude_zero": False,
        "normalize": [],
    }
    assert len({row.born for row in treated(spark, tmp_path)}) == len(SUBJECTS)


def test_placeholders_show_no_shift(spark: SparkSession, tmp_path: Path) -> None:
    days = [PLACEHOLDER, datetime.date(9999, 12, 31), DAY]
    written(spark, tmp_path, ["Ann", "Bo", "Cy"], days)
    config = configured(tmp_path, table("t", tmp_path, COLUMNS, subject="customer"))
    run(spark, config, "t")
    born = [row.born for row in treated(spark, tmp_path)]
    assert born[:2] == [PLACEHOLDER, None]
    assert born[2] not in (None, DAY)


def test_text_that_is_no_date_stops_the_run(spark: SparkSession, tmp_path: Path) -> None:
    columns = {**COLUMNS, "visit": {**SHIFT, "domain": "text_moves", "input_format": "%Y-%m-%d", "empty": None}}
    written(spark, tmp_path, ["Ann", "Bo"], [DAY, DAY])
    with pytest.raises(RunFailed) as caught:
        run(spark, configured(tmp_path, table("t", tmp_path, columns, subject="customer")), "t")
    assert "date_shift cannot treat 1 of 2 values" in str(caught.value)
    assert "2020" not in str(caught.value)


def test_an_empty_subject_is_the_null_that_its_pseudonym_is(spark: SparkSession, tmp_path: Path) -> None:
    own = {"technique": "keyed_hash", "key": "crm", "normalize": ["trim"], "empty": None}
    born, noise = {**SHIFT, "on_refused": None}, {**COLUMNS["amount"], "on_refused": None}
    columns = {**COLUMNS, "customer": own, "born": born, "amount": noise, "visit": "redact"}
    written(spark, tmp_path, ["", "  ", "Bo"], [DAY] * 3)
    run(spark, configured(tmp_path, table("t", tmp_path, columns, subject="customer")), "t")
    rows = treated(spark, tmp_path)
    for name in ("customer", "born", "amount"):
        assert [row[name] is None for row in rows] == [True, True, False]
    assert parameters(spark, tmp_path, "born")["empty_subject"] == "null"
