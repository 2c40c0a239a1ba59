"""Streams: the table is the one that a run in full makes, whatever cut it into batches and wherever it was cut off."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.run_events.events import Begun, Committed, Event, Unchanged, Warned
from jobs.table_run.streaming import once
from privacy_udfs.errors import LakenymError
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.keyset_versions import added as added_version
from privacy_udfs.keysets.keyset_versions import promoted
from tests.helpers import lakes
from tests.helpers.growing import COLUMNS, PATHS, check_as_in_full, delta, grown, ran, rows, run, told
from tests.helpers.streams import added, going_on, idle, streamed
from tests.helpers.sweeps import but_for


def test_batches_of_whole_commits(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    assert streamed(spark, lake, files_per_batch=1).rows == 20, "a new target takes all"
    for start in range(20, 70, 10):
        grown(spark, lake, start, start + 10)  # two files each
    spark.sql(f"OPTIMIZE delta.`{lake}/raw/t`").collect()
    result = streamed(spark, lake, files_per_batch=5)
    assert (result.rows, result.version, result.counts["id"]) == (50, 3, (50, 0, 0))
    said = told(spark, lake)
    assert [each["rows"] for each in said] == [20, 20, 20, 10]
    assert [each["source_version"] for each in said] == [0, 2, 4, 6]
    assert [each["source_position"]["version"] for each in said] == [0, 2, 4, 6]
    assert streamed(spark, lake, files_per_batch=1).execution == "none"
    check_as_in_full(spark, lake)


def test_a_commit_that_is_larger_than_a_batch_is_taken_whole(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 4)
    streamed(spark, lake)
    grown(spark, lake, 4, 10)
    rows(spark, 0, 4).where("false").write.format("delta").mode("append").save(str(lake / "raw" / "t"))
    grown(spark, lake, 10, 12)
    streamed(spark, lake, files_per_batch=1)
    assert added(spark, lake) == [4, 6, 2]


def test_batches_of_a_folder_end_between_two_times(spark: SparkSession, lake: Path) -> None:
    folder, format_ = lake / "raw" / "t", "csv"
    put(spark, folder, format_, (0, 1000))
    ran(spark, lake, format_, mode="stream")
    put(spark, folder, format_, (1, 2000), (2, 2000), (3, 3000), (4, 4000), (5, 5000))
    result = ran(spark, lake, format_, mode="stream", files_per_batch=2)
    assert (result.rows, added(spark, lake)) == (10, [2, 4, 4, 2])
    put(spark, folder, format_, (6, 6000), (7, 6000))
    assert ran(spark, lake, format_).rows == 4, "incremental goes on where the stream stopped"
    check_as_in_full(spark, lake, format_)


def put(spark: SparkSession, folder: Path, format_: str, *files: tuple[int, int]) -> None:
    """Files of two rows each, by number and time."""
    for number, seconds in files:
        made = rows(spark, 2 * number, 2 * number + 2).selectExpr("id", "note", "string(day) AS day").coalesce(1)
        made.write.format(format_).option("header", "true").mode("append").save(str(folder))
        newest = max(folder.glob(f"*.{format_}"), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (seconds, seconds))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(1, 6))])
def test_random_histories_end_as_in_full(spark: SparkSession, lake: Path, seed: int) -> None:
    chance = random.Random(seed)
    grown(spark, lake, 0, 10)
    last, steps = 10, ("grow", "grow", "grow", "stream", "stream", "incremental", "optimize raw", "optimize treated")
    run(spark, lake)
    for _ in range(10):
        step = chance.choice(steps)
        if step == "grow":
            more = chance.randrange(1, 9)
            grown(spark, lake, last, last + more)
            last += more
        elif step.startswith("optimize"):
            spark.sql(f"OPTIMIZE delta.`{lake}/{step.partition(' ')[2]}/t`").collect()
        else:
            files = chance.choice((None, 1, 3)) if step == "stream" else None
            run(spark, lake, chance.choice(PATHS), mode=step, files_per_batch=files)
    streamed(spark, lake, files_per_batch=2)
    assert lakes.treated(spark, lake).count() == last
    check_as_in_full(spark, lake)


def test_a_stream_goes_on_and_idle_triggers_write_nothing(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    seen: list[int] = []
    result, events = going_on(
        spark,
        lake,
        lambda: grown(spark, lake, 20, 25),
        idle,
        lambda: seen.append(len(told(spark, lake))),
        lambda: spark.sql(f"OPTIMIZE delta.`{lake}/raw/t`").collect(),
        lambda: grown(spark, lake, 25, 32),
    )
    assert (result.rows, result.version, seen) == (32, 2, [2])
    kinds = [type(event) for event in events]
    assert kinds == [Begun, Committed, Begun, Committed, Unchanged, Begun, Committed], "OPTIMIZE alone was looked at"
    assert [event.rows for event in events if isinstance(event, Committed)] == [20, 5, 7]
    check_as_in_full(spark, lake)


def test_a_folder_that_is_streamed(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t"
    put(spark, folder, "parquet", (0, 1000))
    result, events = going_on(
        spark, lake, idle, lambda: put(spark, folder, "parquet", (1, 2000)), idle, source={"format": "parquet"}
    )
    assert (result.rows, [type(event) for event in events]) == (4, [Begun, Committed] * 2)


def restored(spark: SparkSession, lake: Path) -> None:
    delta(spark, lake / "treated" / "t").restoreToVersion(0)


def treated_otherwise(spark: SparkSession, lake: Path) -> None:
    run(spark, lake, mode="full", columns={**COLUMNS, "note": "drop"})


def dropped(spark: SparkSession, lake: Path) -> None:
    (lake / "treated" / "t").rename(lake / "treated" / "dropped")


def new_column(spark: SparkSession, lake: Path) -> None:
    spark.sql(f"ALTER TABLE delta.`{lake}/raw/t` ADD COLUMN more STRING")


def rotated(spark: SparkSession, lake: Path) -> None:
    path = lake / "keys" / "crm.json"
    path.write_text(promoted(*added_version(Keyset.from_json(path.read_text()))).to_json())


FAULTS: dict[str, tuple[Any, str]] = {
    "the target is restored": (restored, "RESTORE.* changed its rows since the last run.*--mode full"),
    "the target is treated otherwise": (treated_otherwise, "were treated otherwise than new ones would be: note"),
    "the target is gone": (dropped, "no longer there: start the stream again"),
    "the source has another column": (new_column, "more"),
    "the key has a new version": (rotated, r"were treated otherwise.* id \(key_id, key_check\)"),
}


@pytest.mark.parametrize("name", but_for(["the key has a new version"], FAULTS))
def test_what_happens_between_two_batches_stops_it(spark: SparkSession, lake: Path, name: str) -> None:
    fault, why = FAULTS[name]
    grown(spark, lake, 0, 10)

    def happens() -> None:
        grown(spark, lake, 15, 20)
        fault(spark, lake)

    with pytest.raises(LakenymError, match=why):
        going_on(spark, lake, lambda: grown(spark, lake, 10, 15), happens, lambda: pytest.fail("it went on"))
    if name != "the target is gone":
        assert lakes.treated(spark, lake).where("day is null").isEmpty()
        assert lakes.treated(spark, lake).count() <= 20


def test_a_target_written_in_full_meanwhile_is_gone_on_with(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 10)

    def in_full() -> None:
        grown(spark, lake, 10, 15)
        run(spark, lake, mode="full")
        grown(spark, lake, 15, 18)

    result, _ = going_on(spark, lake, in_full)
    assert (result.rows, result.version) == (13, 2)
    check_as_in_full(spark, lake)


def test_two_streams_on_one_target_add_each_row_once(spark: SparkSession, lake: Path) -> None:
    """The other one commits while the first writes, once further and once less far than that is about to."""
    grown(spark, lake, 0, 10)
    streamed(spark, lake)
    for start in range(10, 30, 5):
        grown(spark, lake, start, start + 5)
    others = [2, 100]
    events: list[Event] = []

    def report(event: Event) -> None:
        events.append(event)
        if isinstance(event, Begun) and others:
            files = others.pop(0)
            if files == 100:
                grown(spark, lake, 30, 35)
            other = threading.Event()
            streamed(spark, lake, files_per_batch=files, stopping=other, report=lambda each: stop_after(each, other))

    result = streamed(spark, lake, files_per_batch=4, report=report)
    assert result.execution == "none", "the other was always faster"
    assert sum(isinstance(event, Warned) for event in events) == 2
    check_as_in_full(spark, lake)
    assert lakes.treated(spark, lake).count() == 35


def stop_after(event: Event, stopping: threading.Event) -> None:
    if isinstance(event, Committed):
        stopping.set()


def test_conflicts_without_end_stop_it(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 10)
    streamed(spark, lake)
    grown(spark, lake, 10, 20)
    count = 0

    def report(event: Event) -> None:
        nonlocal count
        if isinstance(event, Begun):
            count += 1
            text = f"COMMENT ON TABLE delta.`{lake}/treated/t` IS 'changed {count} times'"
            spark.sql(text)

    with pytest.raises(LakenymError, match="this run committed nothing"):
        streamed(spark, lake, report=report)
    assert count == 4
    assert lakes.treated(spark, lake).count() == 10
    assert streamed(spark, lake).rows == 10


def test_rows_of_a_batch_that_are_refused_stop_it_and_leave_those_before(spark: SparkSession, lake: Path) -> None:
    columns = {**COLUMNS, "note": {"technique": "truncate_ip"}}
    for start in (0, 5):
        good = rows(spark, start, start + 5).selectExpr("id", "day", "'10.1.2.3' AS note")
        good.write.format("delta").mode("append").save(str(lake / "raw" / "t"))
        if not start:
            streamed(spark, lake, columns=columns)
    grown(spark, lake, 10, 15)
    with pytest.raises(LakenymError, match=r"note.*it stands first in part-"):
        streamed(spark, lake, columns=columns, files_per_batch=2)
    assert added(spark, lake) == [5, 5]


def test_a_retreat_counts_for_the_first_batch_alone(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 10)
    streamed(spark, lake)
    other = {**COLUMNS, "note": "drop"}

    def back() -> None:
        grown(spark, lake, 10, 12)
        run(spark, lake, mode="full")

    with pytest.raises(LakenymError, match="were treated otherwise"):
        going_on(spark, lake, back, columns=other, retreat=True)
    assert [each["mode"] for each in told(spark, lake)] == ["full", "full", "full"]
    check_as_in_full(spark, lake)


def test_a_warning_is_told_once() -> None:
    events: list[Event] = []
    report = once(events.append)
    for event in (Warned("t", "a"), Unchanged("t", 1), Warned("t", "a"), Warned("u", "a"), Unchanged("t", 1)):
        report(event)
    assert events == [Warned("t", "a"), Unchanged("t", 1), Warned("u", "a"), Unchanged("t", 1)]


def test_several_tables_by_the_entry(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of which one is no stream."""

    def put(name: str, start: int) -> None:
        rows(spark, start, start + 5).write.format("delta").mode("append").save(str(lake / "raw" / name))

    entries = []
    for name, mode in (("a", "stream"), ("b", "full")):
        put(name, 0)
        source = {"format": "delta", "path": str(lake / "raw" / name)}
        target = {"path": str(lake / "treated" / name), "mode": mode}
        entries.append(lakes.table(name, lake, COLUMNS, source=source, target=target))
    given = ["--conf", str(lakes.write_conf(lake, *entries)), "--all", "--files-per-batch", "2"]
    assert pseudonymize.main([*given, "--dry-run"]) == 0
    assert not (lake / "treated").exists()
    assert pseudonymize.main(given) == 0
    put("a", 5)
    put("a", 10)
    capsys.readouterr()
    assert pseudonymize.main(given) == 0
    said = capsys.readouterr().out
    assert (said.count('"committed"'), said.count('"unchanged"')) == (2, 1), "two batches of the stream"
    assert [lakes.treated(spark, lake, name).count() for name in "ab"] == [15, 5]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--trigger", "1 hour"], "are for streams"),
        (["--files-per-batch", "1"], "are for streams"),
        (["--mode", "stream", "--trigger", "now"], "expected available-now"),
    ],
)
def test_what_nothing_would_heed(lake: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--conf", str(lakes.write_conf(lake, lakes.table("t", lake, COLUMNS))), "--table", "t"]
    assert pseudonymize.main([*given, *words]) == 2
    assert why in capsys.readouterr().out
