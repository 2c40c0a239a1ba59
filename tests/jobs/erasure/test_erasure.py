"""Persons taken out of tables: which rows and elements go, what stays until when, and that then nothing is left."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize, verify
from jobs.lake import table_files
from tests.helpers import erasures, lakes
from tests.helpers.erasures import ERASED, MANY, NUMBER, name

DAYS = {"data_file": 8, "change_file": 8, "log": 31, "checksum": 31, "checkpoint": 31}
"""From today until the first whole day after Delta's retention of files and of logs: 7 and 30 days."""


def contents(spark: SparkSession, lake: Path, table: str) -> list[str]:
    return sorted(map(str, lakes.treated(spark, lake, table).collect()))


@pytest.mark.sweep
def test_from_the_plan_to_the_day_on_which_nothing_is_left(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = erasures.made(spark, lake)
    found = erasures.needles(erasures.pseudonyms(spark, lake))
    before = erasures.traces(lake, found)
    assert {"raw data", "raw log", "treated data", "treated log", "treated checksum"} <= set(before), "they can be seen"
    wanted, today = erasures.wanted(sources=True), datetime.datetime.now(datetime.timezone.utc).date()

    there = erasures.files(lake)
    planned = erase.plan(spark, conf, wanted)
    assert erasures.files(lake) == there
    counts = {each.name: (each.rows_deleted, each.elements_removed) for each in planned.tables}
    # rows of 10 persons hold each visitor twice: as their own, and as the one before them has them
    assert counts == {
        "people": (3, 0), "visits": (0, 12), "orders": (2, 0),
        "source of people": (3, 0), "source of visits": (0, 12), "source of orders": (3, 0),
    }  # fmt: skip
    hidden = next(each for each in planned.tables if each.name == "orders")
    assert hidden.files == 3, "the file in which a vector hides a row is written anew too"

    expected = {
        "people": [row for row in contents(spark, lake, "people") if f"num={NUMBER + 0})" not in row
                   and f"num={NUMBER + 11})" not in row and f"num={NUMBER + 29})" not in row],
        "orders": sorted(map(str, lakes.treated(spark, lake, "orders").where(
            f"num NOT IN ({NUMBER}, {NUMBER + 11}, {NUMBER + 29})").collect())),
    }  # fmt: skip
    made = erase.run(spark, conf, wanted)
    assert {each.name: (each.rows_deleted, each.elements_removed) for each in made.tables} == counts
    assert all(each.is_changed for each in made.tables)
    assert {table: contents(spark, lake, table) for table in expected} == expected
    visits = lakes.treated(spark, lake, "visits")
    kept = {row["num"]: (len(row["lines"]), len(row["m"])) for row in visits.collect()}
    gone = {at: sum(each in ERASED for each in (at, (at + 1) % MANY)) for at in range(MANY)}
    assert kept == {at: (3 - gone[at], 2 - gone[at]) for at in range(MANY)}, "null elements stay, and rows of others do"
    for label, remains in made.all_remains:
        assert remains.until is not None, label
        assert (remains.until - today).days - DAYS[remains.kind] in (0, 1), label
    for each, plan_ in zip(made.tables, planned.tables, strict=True):
        assert {one.kind for one in each.remains} == {one.kind for one in plan_.remains}, each.name
    assert made.is_done
    assert not made.is_gone

    for table in erasures.TABLES:  # what goes on from the tables goes on
        erasures.raw(spark, lake, table, 31, 34)
    assert {pseudonymize.run(spark, conf, table).rows for table in erasures.TABLES} == {3}
    again = erase.run(spark, conf, wanted)
    assert not any(each.is_changed for each in again.tables)
    assert again.until == made.until

    last = made.until
    assert last is not None
    night = datetime.datetime.combine(last, datetime.time(), datetime.timezone.utc)
    monkeypatch.setattr(table_files, "now", lambda: int(night.timestamp() * 1000))
    finished = erase.run(spark, conf, wanted)
    assert finished.is_gone, finished.all_remains
    assert erasures.traces(lake, found) == {}

    there = erasures.files(lake)
    nothing = erase.run(spark, conf, wanted)
    assert (nothing.is_gone, erasures.files(lake)) == (True, there), "running again finds nothing, and writes nothing"
    people = verify.run(spark, conf, "people")
    assert people is not None
    assert name(1) not in str(people)
