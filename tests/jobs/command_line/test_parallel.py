"""``--parallel``: several tables side by side come to what they come to one after the other."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.console.exit_codes import DONE, FAILED, REFUSED
from jobs.lake.delta_commit.scala import java
from jobs.lake.replace import USER_METADATA
from jobs.run_events import events
from jobs.run_events.events import Warned
from jobs.spark_app import lanes
from privacy_udfs import wording
from tests.helpers.lakes import properties, table, treated, write_conf

BAD = "no address of mine"
COLUMNS = {"id": {"domain": "customer"}, "ip": {"technique": "truncate_ip"}, "note": "redact"}


def raw(lake: Path, name: str, ips: list[str], file: str = "a.parquet") -> None:
    folder = lake / "raw" / name
    folder.mkdir(parents=True)
    numbers = list(range(len(ips)))
    pq.write_table(pa.table({"id": numbers, "ip": ips, "note": ["x"] * len(ips)}), folder / file)


def ips(count: int) -> list[str]:
    return [f"10.0.{at % 7}.9" for at in range(count)]


def conf(lake: Path, names: Iterable[str]) -> Path:
    return write_conf(lake, *[table(name, lake, COLUMNS) for name in names])


def run(folder: Path, parallel: int, *more: str) -> int:
    return pseudonymize.main(["--conf", str(folder), "--all", "--parallel", str(parallel), *more])


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The events of a run; each line is a whole one."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_side_by_side_gives_what_one_after_the_other_gives(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, records, and the counts of each table in its own commit."""
    names = [f"t{at}" for at in range(4)]
    seen: list[Any] = []
    for parallel in (1, 3):
        lake = tmp_path / "lake"  # the same place, so that records and configurations are the same
        folder = conf(lake, names)
        for at, name in enumerate(names):
            if parallel == 1:
                raw(lake, name, ips(10 + at))
        assert run(folder, parallel, "--even-unchanged") == DONE
        events_of = told(capsys)
        first_written = next(at for at, event in enumerate(events_of) if event["event"] == "planned")
        assert all(event["event"] == "checked" for event in events_of[:first_written])
        assert first_written == len(names), "all are checked before the first is written"
        results = {event["table"]: event for event in events_of if event["event"] == "committed"}
        for name in names:
            commit = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/{name}` LIMIT 1").collect()[0]
            run_of = json.loads(commit["userMetadata"])
            assert run_of["run_id"] == results[name]["run_id"]
            known = {key: value for key, value in run_of.items() if key not in ("run_id", "made_from")}
            rows = sorted(map(tuple, treated(spark, lake, name).collect()))
            record = {key: value for key, value in properties(spark, lake, name).items() if key.startswith("privacy.")}
            seen.append((name, known, rows, record, treated(spark, lake, name).schema))
    alone, beside = seen[: len(names)], seen[len(names) :]
    assert alone == beside
    assert [known["rows"] for _, known, *_ in alone] == [10 + at for at in range(4)]


def test_two_that_fail_at_once_are_each_told_by_their_own_place(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One bad table among many does not stop the others; the exit code is the highest."""
    names = [f"t{at}" for at in range(5)]
    for name in names:
        raw(lake, name, ips(20) + [BAD] * (name in ("t1", "t2")), f"of_{name}.parquet")
    assert run(conf(lake, names), 2) == FAILED
    found = told(capsys)
    failed = {event["table"]: event["message"] for event in found if event["event"] == "failed"}
    refused = "truncate_ip cannot treat 1 of 21 values in this batch (ValueRefused); nothing was committed"
    assert failed == {
        name: f"{name}: ip: {refused}; it stands first in of_{name}.parquet, row 20 counted from 0"
        for name in ("t1", "t2")
    }
    assert {event["table"] for event in found if event["event"] == "committed"} == {"t0", "t3", "t4"}
    assert not [*(lake / "treated" / "t1").rglob("*.json")], "no commit"


def test_nothing_is_written_where_one_of_many_is_refused(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"t{at}" for at in range(4)]
    for name in names:
        raw(lake, name, ips(5))
    folder = conf(lake, names)
    assert run(folder, 2, "--dry-run") == DONE
    write_conf(lake, table("t2", lake, {"id": {"domain": "customer"}, "ip": "keep"}))  # one column is undecided
    capsys.readouterr()
    assert run(folder, 4) == REFUSED
    found = told(capsys)
    assert [event["table"] for event in found if event["event"] == "failed"] == ["t2"]
    assert sorted(event["table"] for event in found if event["event"] == "checked") == ["t0", "t1", "t3"]
    assert not (lake / "treated").exists()


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5", "²"])
def test_no_number_of_tables(number: str, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pseudonymize.main(["--conf", str(lake), "--all", f"--parallel={number}"])
    assert ended.value.code == 2
    assert f"--parallel: expected a whole number from 1 on, got '{number}'" in capsys.readouterr().err


def test_lines_of_many_threads_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    report = events.one_at_a_time(events.terminal)
    lines = 200

    def tell(table: str) -> None:
        for _ in range(lines):
            report(Warned(table, "one\n  two"))

    threads = [threading.Thread(target=tell, args=(f"t{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = capsys.readouterr().err
    assert sorted(text.split("  two\n")[:-1]) == sorted(f"t{at}: one\n" for at in range(4) for _ in range(lines))


def test_as_many_lanes_as_cores_but_no_more_than_tables(spark: SparkSession) -> None:
    cores = spark.sparkContext.defaultParallelism
    marks: dict[SparkSession, str] = {}

    def step(own: SparkSession, item: int) -> int:
        assert marks.setdefault(own, wording.mark()) == wording.mark(), "a lane has one mark"
        found = java(own).org.apache.spark.sql.classic.SparkSession.getActiveSession().get()
        assert found.sessionUUID() == own._jsparkSession.sessionUUID()
        return item

    found = [len(lanes.open_for(spark, *asked).sessions) for asked in [(9, None), (1, None), (2, 5), (9, 3)]]
    assert found == [min(cores, lanes.MOST), 1, 2, 3]
    opened = lanes.open_for(spark, 9, 3)
    assert opened.each(range(9), step) == 8
    sessions = list(opened.sessions)
    assert opened.each(range(9), step, lambda item: sessions[item % 3]) == 8
    assert set(marks) == set(sessions)
    assert len(set(marks.values()) | {wording.mark()}) == 4


@pytest.mark.parametrize("at", [0, 1])
def test_ctrl_c_ends_all_lanes(spark: SparkSession, at: int) -> None:
    """What waits is not begun, and what runs is cancelled, whichever lane is told of it."""
    opened, begun, finished = lanes.open_for(spark, 9, 2), list[int](), list[int]()

    def step(own: SparkSession, item: int) -> int:
        begun.append(item)
        if item == at:
            raise KeyboardInterrupt
        own.range(0, 50_000, 1, 50_000).foreach(lambda _: None)  # a task each: minutes, unless it is cancelled
        finished.append(item)
        return DONE

    with pytest.raises(KeyboardInterrupt):
        opened.each(range(9), step)
    assert len(begun) <= 3
    assert not finished


def test_two_threads_of_a_notebook_keep_their_settings_apart(spark: SparkSession, tmp_path: Path) -> None:
    """By `pseudonymize.run` at once, from sessions with other settings than those of a run: each table and each commit
    is that of its own run, and the sessions are as they were."""
    for name in ("columns", "rows"):
        (tmp_path / "raw" / name).mkdir(parents=True)
        hours = pa.array([at * 3600 for at in range(27)], pa.timestamp("s", "UTC"))
        pq.write_table(pa.table({"id": range(27), "at": hours}), tmp_path / "raw" / name / "a.parquet")
    some, columns = "date(at) = date'1970-01-01'", {"id": {"domain": "customer"}, "at": "keep"}
    entries = [  # of that day there are 24 rows in UTC, 22 in New York
        table("columns", tmp_path, columns, execution="columnar"),
        table("rows", tmp_path, columns, execution="spark", rows=some),
    ]
    conf = config.load(write_conf(tmp_path, *entries))
    delta = "spark.databricks.delta.write"
    mine = {
        "columns": {"spark.sql.session.timeZone": "Asia/Tokyo", USER_METADATA: "mine"},
        "rows": {
            "spark.sql.session.timeZone": "America/New_York",
            f"{delta}.txnAppId": "i",
            f"{delta}.txnVersion": "7",
        },
    }
    sessions = {name: spark.newSession() for name in mine}
    for name, settings in mine.items():
        for key, value in settings.items():
            sessions[name].conf.set(key, value)
    before = {name: dict(own.conf.getAll) for name, own in sessions.items()}
    both = threading.Barrier(2, timeout=120)
    done: dict[str, list[pseudonymize.Result]] = {name: [] for name in mine}

    def report(event: events.Event) -> None:
        if isinstance(event, events.Begun):
            both.wait()  # from here on both write

    def twice(name: str) -> None:
        try:
            done[name] += [pseudonymize.run(sessions[name], conf, name, report=report) for _ in range(2)]
        except BaseException:
            both.abort()  # the other one is not to wait for it
            raise

    with ThreadPoolExecutor(2) as threads:
        for ended in [threads.submit(twice, name) for name in mine]:
            ended.result()
    for name, execution, rows in (("columns", "columnar", 27), ("rows", "spark", 24)):
        history = spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path}/treated/{name}`").orderBy("version").collect()
        told = [json.loads(row["userMetadata"]) for row in history]
        assert [each["run_id"] for each in told] == [result.run_id for result in done[name]]
        assert {(each["execution"], each["mode"], each["rows"]) for each in told} == {(execution, "full", rows)}
        assert [each["counts"]["id"] for each in told] == [[rows, 0, 0]] * 2
        assert treated(spark, tmp_path, name).count() == rows
        assert dict(sessions[name].conf.getAll) == before[name]
