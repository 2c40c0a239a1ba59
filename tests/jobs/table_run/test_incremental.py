"""Runs that add what the source gained: the table is then the one that a run in full makes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.models import Execution, Mode
from jobs.lake import gained
from jobs.lake.gained import Line
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.growing import COLUMNS, GAINED, PATHS, check_as_in_full, grown, ran, rows, rows_of, run, told
from tests.helpers.kills import killed
from tests.helpers.sweeps import but_for


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_what_a_delta_table_gained_is_added(spark: SparkSession, lake: Path, execution: Execution) -> None:
    grown(spark, lake, 0, 50)
    first = run(spark, lake, execution)
    assert (first.mode, first.rows, first.version) == ("full", 50, 0)
    grown(spark, lake, 50, 70)
    grown(spark, lake, 70, 75)
    second = run(spark, lake, execution)
    assert (second.mode, second.rows, second.version, second.execution) == ("incremental", 25, 1, execution)
    assert second.counts["id"] == (25, 0, 0)
    check_as_in_full(spark, lake)
    again = run(spark, lake, execution)
    assert (again.execution, again.rows, again.version) == ("none", 0, 1), "nothing new, nothing written"
    said = told(spark, lake)
    assert [each["mode"] for each in said] == ["full", "incremental"]
    assert [each["source_position"]["version"] for each in said] == [0, 2]
    assert [each["rows"] for each in said] == [50, 25]


KILLED: list[tuple[Execution, Mode]] = [(path, mode) for path in PATHS for mode in ("full", "incremental")]


@pytest.mark.parametrize(("execution", "mode"), but_for([], KILLED))
def test_killed_between_the_last_file_and_the_commit(
    spark: SparkSession, lake: Path, execution: Execution, mode: Mode
) -> None:
    """The old version is whole, with what was written beside it; the next run is as if none had been broken."""
    target, entry = {"mode": mode}, {"execution": execution}
    grown(spark, lake, 0, 20)
    run(spark, lake, execution, target=target, entry=entry)
    before, files = rows_of(spark, lake), set((lake / "treated" / "t").glob("*.parquet"))
    grown(spark, lake, 20, 30)
    killed(lake, "jobs.lake.delta_commit.before_commit", "look", "before")
    assert rows_of(spark, lake) == before
    assert len(told(spark, lake)) == 1
    assert set((lake / "treated" / "t").glob("*.parquet")) > files, "all that it wrote is there"
    again = run(spark, lake, execution, target=target, entry=entry)
    assert (again.version, again.execution, again.rows) == (1, execution, 10 if mode == "incremental" else 30)
    check_as_in_full(spark, lake)


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_compacted_and_partitioned_and_renamed(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Files that OPTIMIZE replaced are read as they were added, and only once; names are those of the newest schema."""
    writer = rows(spark, 0, 30).write.format("delta").option("delta.columnMapping.mode", "name").partitionBy("day")
    writer.save(str(lake / "raw" / "t"))
    target = {"partition_by": ["day"]}
    columns = {**COLUMNS, "day": lakes.column("keep", "non_personal")}
    run(spark, lake, execution, target=target, columns=columns)
    for start in (30, 40, 50):
        grown(spark, lake, start, start + 10)
    spark.sql(f"OPTIMIZE delta.`{lake}/raw/t`").collect()
    grown(spark, lake, 60, 65)
    assert run(spark, lake, execution, target=target, columns=columns).rows == 35
    ours = lakes.treated(spark, lake)
    assert ours.count() == 65
    assert ours.select("id").distinct().count() == 65
    spark.sql(f"OPTIMIZE delta.`{lake}/raw/t`").collect()
    spark.sql(f"OPTIMIZE delta.`{lake}/treated/t`").collect()
    empty = run(spark, lake, execution, target=target, columns=columns)
    assert (empty.execution, empty.rows) == ("none", 0), "versions that gained nothing are no reason for a commit"
    grown(spark, lake, 65, 70)
    assert run(spark, lake, execution, target=target, columns=columns).rows == 5


@pytest.mark.parametrize("format_", but_for(["json"], ["parquet", "csv", "json", "orc"]))
def test_what_a_folder_gained_is_added(spark: SparkSession, lake: Path, format_: str) -> None:
    schema = "id string, note string, day string" if format_ == "json" else None
    source = {"schema": schema} if schema else {}

    def put(start: int, end: int) -> None:
        made = rows(spark, start, end).selectExpr("id", "note", "string(day) AS day")
        options = {"header": "true"} if format_ == "csv" else {}
        made.write.mode("append").format(format_).options(**options).save(str(lake / "raw" / "t"))

    put(0, 20)
    first = ran(spark, lake, format_, source=source)
    assert (first.mode, first.rows) == ("full", 20)
    assert ran(spark, lake, format_, source=source).execution == "none"
    put(20, 31)
    second = ran(spark, lake, format_, source=source)
    assert (second.mode, second.rows) == ("incremental", 11)
    assert (second.execution == "columnar") == (format_ in ("parquet", "csv")), second.not_columnar
    check_as_in_full(spark, lake, format_, source=source)


def test_columns_that_new_files_lack(spark: SparkSession, lake: Path) -> None:
    rows(spark, 0, 5).write.parquet(str(lake / "raw" / "t"))
    ran(spark, lake, "parquet")
    rows(spark, 5, 9).drop("note").write.mode("append").parquet(str(lake / "raw" / "t"))
    assert ran(spark, lake, "parquet").rows == 4
    check_as_in_full(spark, lake, "parquet")


def test_a_file_without_a_byte_is_nothing_new(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,day,note\n1,d,x\n")
    ran(spark, lake, "csv")
    (folder / "b.csv").write_bytes(b"")
    assert ran(spark, lake, "csv").execution == "none"
    (folder / "c.csv").write_text("id,day,note\n2,d,x\n")
    assert ran(spark, lake, "csv").rows == 1


def test_tables_by_name_with_rows_left_out(spark: SparkSession, lake: Path) -> None:
    spark.sql("CREATE DATABASE growing")
    try:
        rows(spark, 0, 20).write.format("delta").saveAsTable("growing.raw")
        entry = lakes.table("t", lake, COLUMNS, rows="day > date'2026-01-01'")
        entry["source"], entry["target"] = {"table": "growing.raw"}, {"table": "growing.treated", "mode": "incremental"}
        conf = lakes.configured(lake, entry)
        assert pseudonymize.run(spark, conf, "t").rows == 13
        rows(spark, 20, 26).write.format("delta").mode("append").saveAsTable("growing.raw")
        assert pseudonymize.run(spark, conf, "t").rows == 4
        assert spark.table("growing.treated").count() == 17
    finally:
        spark.sql("DROP DATABASE growing CASCADE")


def test_by_flags_of_the_job(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grown(spark, lake, 0, 20)
    entry = lakes.table("t", lake, COLUMNS, source={"format": "delta", "path": str(lake / "raw" / "t")})
    given = ["--conf", str(lakes.write_conf(lake, entry)), "--table", "t"]

    def ended(*more: str) -> tuple[int, dict[str, Any]]:
        code = pseudonymize.main([*given, *more])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    assert ended()[1]["mode"] == "full"
    assert ended("--mode", "incremental")[1]["event"] == "unchanged"
    grown(spark, lake, 20, 30)
    code, event = ended("--mode", "incremental")
    assert (code, event["mode"], event["rows"]) == (0, "incremental", 10)
    lakes.write_conf(lake, lakes.table("t", lake, {**COLUMNS, "note": "drop"}, source=entry["source"]))
    code, event = ended("--mode", "incremental")
    assert (code, event["event"]) == (1, "failed")
    assert "--retreat" in event["message"]
    code, event = ended("--mode", "incremental", "--retreat")
    assert (code, event["mode"], event["rows"]) == (0, "full", 30)


def test_values_refused_in_new_rows_stop(spark: SparkSession, lake: Path) -> None:
    columns = {**COLUMNS, "note": {"technique": "truncate_ip"}}
    made = rows(spark, 0, 5).selectExpr("id", "day", "'10.1.2.3' AS note")
    made.write.format("delta").save(str(lake / "raw" / "t"))
    run(spark, lake, columns=columns)
    grown(spark, lake, 5, 9)
    for execution in PATHS:
        with pytest.raises(LakenymError, match="note"):
            run(spark, lake, execution, columns=columns)
    assert lakes.treated(spark, lake).count() == 5


@pytest.mark.parametrize("seed", but_for([0], range(8)))
def test_random_histories_end_as_in_full(spark: SparkSession, lake: Path, seed: int) -> None:
    chance = random.Random(seed)
    grown(spark, lake, 0, 10)
    run(spark, lake)
    last, gained, columns, is_wider = 10, 0, COLUMNS, False
    steps = ["grow", "grow", "grow", "run", "run", "gain", "optimize source", "optimize target", "comment"]
    surely = chance.randrange(2, 10)

    def followed() -> None:
        execution = chance.choice(PATHS)
        if is_wider:
            with pytest.raises(LakenymError, match=r"is new.*with --retreat, or --mode full"):
                run(spark, lake, execution, columns=columns)
        heals: dict[str, Any] = chance.choice([{"retreat": True}, {"mode": "full"}]) if is_wider else {}
        assert (run(spark, lake, execution, columns=columns, **heals).mode == "full") is is_wider

    for turn in range(12):
        step, more = "gain" if turn == surely else chance.choice(steps), chance.randrange(1, 9)
        if step == "grow":
            grown(spark, lake, last, last + more, gained=gained)
            last += more
        elif step == "gain" and gained < len(GAINED):
            declared, decided = GAINED[gained]
            gained, columns, is_wider = gained + 1, {**columns, **decided}, True
            if chance.random() < 0.5:
                spark.sql(f"ALTER TABLE delta.`{lake}/raw/t` ADD COLUMNS ({declared})")
            else:
                grown(spark, lake, last, last + more, gained=gained, mergeSchema="true")
                last += more
        elif step == "run":
            followed()
            is_wider = False
        elif step == "comment":
            spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` ALTER COLUMN day COMMENT 'the day {chance.random()}'")
        elif step.startswith("optimize"):
            place = "raw" if step.endswith("source") else "treated"
            spark.sql(f"OPTIMIZE delta.`{lake}/{place}/t`").collect()
    followed()
    ours = lakes.treated(spark, lake)
    assert ours.count() == last
    target = {"path": str(lake / "treated" / "full"), "mode": "full"}
    run(spark, lake, target=target, columns=columns)
    full = spark.read.format("delta").load(str(lake / "treated" / "full"))
    assert without_comments(ours.schema.jsonValue()) == without_comments(full.schema.jsonValue())
    assert lakes.contents(ours) == lakes.contents(full)


def without_comments(schema: Any) -> Any:
    """Of a schema all but what a person said of a column of the one table."""
    if isinstance(schema, list):
        return [without_comments(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_comments(value) for key, value in schema.items() if key != "comment"}


def line(version: int, what: str, path: str, changes: bool = True) -> Line:
    text = json.dumps({what: {"path": path, "dataChange": changes}})
    adds, removes = (changes if what == kind else None for kind in ("add", "remove"))
    return Line(version, None, adds, removes, text)


def erasure(version: int, application: str | None = "lakenym", operation: str = "DELETE") -> list[Line]:
    told = Line(version, operation, None, None, None, "erasure")
    return [told, Line(version, None, None, None, None, None, application), line(version, "add", "rest")]


@pytest.mark.parametrize("of", ["new", "old"])
def test_an_erasure_of_what_new_files_were_compacted_to_is_told(of: str) -> None:
    """Read as it was first added, a new file would bring the erased back."""
    optimized = [line(2, "remove", of, False), line(2, "add", "compact", False)]
    lines = [line(1, "add", "new"), *optimized, *erasure(3), line(3, "remove", "compact")]
    left = [each for each in gained._without_erasures(lines) if each.version == 3 and each.removes]
    assert bool(left) == (of == "new")


@pytest.mark.parametrize(("application", "operation"), [(None, "DELETE"), ("x", "DELETE"), ("lakenym", "OPTIMIZE")])
def test_an_erasure_is_not_believed_by_its_word_alone(application: str | None, operation: str) -> None:
    lines = [*erasure(1, application, operation), line(1, "remove", "old")]
    assert gained._without_erasures(lines) == lines
    assert gained._without_erasures([*erasure(1), line(1, "remove", "old")]) == erasure(1)[:2]
