"""Rows of the erased that were set aside: found by their ids, sealed as they are, and taken out of quarantine."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize, verify
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.erasure import quarantines as within
from jobs.erasure.carried_out import Wanted
from jobs.lake import table_files
from jobs.subjects.asked import Asked
from tests.helpers import erased_lists, lakes, quarantines


def wanted(*ids: str) -> Wanted:
    return Wanted(Asked("customer", pa.array(list(ids))))


def set_aside(spark: SparkSession, lake: Path) -> Config:
    """Rows 3, 4 and 5 of 20 stand in quarantine."""
    quarantines.put(quarantines.rows(spark, 0, 20, "id in (3, 4, 5)"), lake)
    quarantines.configured(lake)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    assert pseudonymize.run(spark, conf, "t").quarantined == 3
    return conf


def test_rows_that_were_set_aside_are_erased_too(spark: SparkSession, lake: Path) -> None:
    conf = set_aside(spark, lake)
    warned: list[Any] = []
    made = erase.run(spark, conf, wanted("4", "8"), report=warned.append)
    assert not any("rows of others" in str(each) for each in warned), "each row names its own subject alone"
    assert {each.name: each.rows_deleted for each in made.tables} == {"t": 1, "quarantine of t": 1}
    assert {row.row_in_file for row in quarantines.aside(spark, lake)} == {3, 5}
    checks = {each.name: each.outcome for each in verify.run(spark, conf, "t").checks}
    assert {checks["rows anew"], checks["counts"]} == {"holds"}, checks
    quarantines.configured(lake, columns=quarantines.NULLED)
    assert conf.policy.erasure is not None
    assert conf.policy.erasure.list is not None
    conf = erased_lists.stated(lake, conf.policy.erasure.list.id)
    requeued = pseudonymize.run(spark, conf, "t", mode="incremental", requeue=True)
    assert (requeued.rows, quarantines.aside(spark, lake)) == (2, []), "after an erasure it goes on"


@pytest.mark.sweep
def test_what_older_versions_of_a_quarantine_hold_goes_on_its_day(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = set_aside(spark, lake)
    before = [bytes(row.sealed) for row in quarantines.aside(spark, lake) if row.row_in_file == 4]
    planned = erase.plan(spark, conf, wanted("4", "8"))
    assert {each.name: each.rows_deleted for each in planned.tables} == {"t": 1, "quarantine of t": 1}
    (due,) = (each for each in planned.tables if each.name == "quarantine of t")
    assert all(each.until is not None for each in due.remains)
    assert {each.kind for each in due.remains} >= {"data_file"}, "with the day, as of any table"
    assert len(quarantines.aside(spark, lake)) == 3, "a plan writes nothing"
    made = erase.run(spark, conf, wanted("4", "8"))
    (aside,) = (each for each in made.tables if each.name == "quarantine of t")
    assert {each.kind for each in aside.remains} >= {"data_file"}
    again = erase.run(spark, conf, wanted("4", "8"))
    (left,) = (each for each in again.tables if each.name == "quarantine of t")
    assert (left.rows_deleted, left.remains) == (0, aside.remains), "found in older versions, by opening them"
    later = max(each.until for _, each in again.all_remains if each.until is not None) + datetime.timedelta(days=40)
    night = datetime.datetime.combine(later, datetime.time(), datetime.timezone.utc)
    monkeypatch.setattr(table_files, "now", lambda: int(night.timestamp() * 1000))
    last = erase.run(spark, conf, wanted("4", "8"))
    assert not [each for each in last.tables if each.name == "quarantine of t" and each.remains]
    files = b"".join(each.read_bytes() for each in (lake / "quarantine").rglob("*.parquet"))
    assert before
    assert not any(each[:64] in files for each in before)


@pytest.mark.sweep
def test_an_id_that_was_itself_refused_is_found(spark: SparkSession, lake: Path) -> None:
    """And a row of somebody else goes with it where it names one of them."""
    spark.range(20).selectExpr(
        "if(id = 7, 'no number', concat('100000', id)) AS id", "concat('note-', id) AS note",
        "if(id = 9, 'no number', null) AS by",
    ).write.format("delta").save(str(lake / "raw" / "t"))  # fmt: skip
    quarantines.configured(lake)
    (lake / "conf" / "catalog" / "t.yaml").write_text(
        yaml.safe_dump(
            {
                **lakes.table(
                    "t", lake, {"id": {"domain": "customer"}, "note": "keep", "by": {"domain": "customer"}},
                    source={"format": "delta", "path": str(lake / "raw" / "t")}, subject="id",
                ),
                "on_refused": "quarantine",
                "quarantine": {"path": str(lake / "quarantine"), "key": "aside", "at_most": 0.5},
            }
        )
    )  # fmt: skip
    digits = {"technique": "format_preserving_encryption", "alphabet": "digits", "key": "crm"}
    domains = lake / "conf" / "domains.yaml"
    domains.write_text(yaml.safe_dump({**yaml.safe_load(domains.read_text()), "customer": digits}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    made = pseudonymize.run(spark, conf, "t")
    assert (made.rows, made.quarantined) == (18, 2)
    warned: list[Any] = []
    told = erase.run(spark, conf, wanted("no number"), report=warned.append)
    assert any("some may be rows of others" in str(each) for each in warned)
    assert {each.name: each.rows_deleted for each in told.tables}["quarantine of t"] == 2
    assert quarantines.aside(spark, lake) == []
    assert "no number" not in str(erase.as_data(told))


@pytest.mark.parametrize(
    ("path", "value", "is_so"),
    [
        ("c", "a", False), ("c", ["a"], True), ("c", {"x": "a"}, True), ("c", None, False), ("other", "a", False),
        ("c.x", {"x": "a"}, False), ("c.x", {"y": "a"}, False), ("c.x", "a", True), ("c.x", {"x": ["a"]}, True),
        ("c[]", ["a"], False), ("c[]", "a", True), ("c[].x", [{"x": "a"}], False), ("c[].x", ["a", None], True),
        ("c[].x", [None], False), ("c:$.x", {"x": "a"}, True), ("c:$.x", "text", False),
    ],
)  # fmt: skip
def test_a_column_that_was_of_another_shape_is_told(path: str, value: Any, is_so: bool) -> None:
    """In a row that was set aside when its source was otherwise."""
    row = pa.RecordBatch.from_pylist([{"c": value}])
    assert within._is_of_another_shape(row, ColumnPath.parse(path)) is is_so
