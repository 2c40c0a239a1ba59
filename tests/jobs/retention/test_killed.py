"""Retention that dies by SIGKILL between its commit and its receipt: the next run tells what went, and leaves one."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize, retain
from jobs.audit_log.leaves import Leaf
from jobs.configuration.config import Config
from jobs.erasure import of_retention, receipt_job
from jobs.lake import commits_of_runs, row_deletion
from jobs.retention import killed
from jobs.retention.killed import Begun
from jobs.run_events.events import Event, Warned
from tests.helpers import audits, kills, lakes

LONG_AGO = datetime.date(2020, 1, 1)
COLUMNS: dict[str, Any] = {"id": {"domain": "customer"}, "at": "keep", "num": "keep"}


def leaf(run_id: str, outcome: str, table: str = "t", **body: Any) -> Leaf:
    return Leaf("retention", "2026-11-28T00:00:00.000000Z", "me", "s", table, run_id, outcome, body)


def test_what_earlier_runs_left_untold_is_known_by_the_audit_log() -> None:
    rows = [
        leaf("whole", "begun", receipt="R1"), leaf("whole", "done", rows=20), leaf("R1", "receipt", ""),
        leaf("no receipt was asked for", "begun"), leaf("no receipt was asked for", "done", rows=20, version=8),
        leaf("killed before it told", "begun", receipt="R2"),
        leaf("killed before its receipt", "begun", "u", receipt="R3"),
        leaf("killed before its receipt", "done", "u", rows=7),
        leaf("told of by a later one", "begun", receipt="R4"), leaf("told of by a later one", "done", rows=7),
        leaf("R5", "receipt", "", also=["told of by a later one"]),
        leaf("of an earlier release", "begun", "v"),
        leaf("told of up to a version", "begun", receipt="R6"),
        leaf("told of up to a version", "done", version=7, rows=3, told_by="another"),
        leaf("told of up to a version", "done", version=9, rows=0),
        leaf("R7", "receipt", "", also=["told of up to a version"], up_to={"told of up to a version": 7}),
    ]  # fmt: skip
    ever = commits_of_runs.EVER
    assert killed.by_table(rows) == {
        "t": {
            "whole": Begun({"receipt": "R1"}, ever, ever, True),
            "no receipt was asked for": Begun({}, 8, -1, True),
            "killed before it told": Begun({"receipt": "R2"}),
            "told of by a later one": Begun({"receipt": "R4"}, ever, ever, True),
            "told of up to a version": Begun({"receipt": "R6"}, 9, 7, True),
        },
        "u": {"killed before its receipt": Begun({"receipt": "R3"}, ever, -1, True)},
        "v": {"of an earlier release": Begun({})},
    }


def made(spark: SparkSession, lake: Path, past: int = 3) -> Config:
    """Rows that are past their time, three unless said otherwise, and two that are not."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    rows = [(f"C-{num}", LONG_AGO if num < past else today, num) for num in range(past + 2)]
    frame = spark.createDataFrame(rows, "id string, at date, num int").coalesce(1)
    frame.write.format("delta").save(str(lake / "raw" / "t"))
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    for kept in ({}, {"retention": {"days": 30, "by": "at"}}):
        lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, source=source, **kept))
        conf = audits.with_log(lake)
        if not kept:
            pseudonymize.run(spark, conf, "t")
    return conf


def die(lake: Path, step: str, when: str = "before") -> None:
    words = ["--conf", str(lake / "conf"), "--all", "--receipt", str(lake / "never.json")]
    said = kills.killed_verb("retain", step, when, 1, *words)
    assert "C-" not in said
    assert not (lake / "never.json").exists()


def retention(spark: SparkSession, conf: Config) -> list[dict[str, Any]]:
    return sorted(audits.listed(spark, conf, kinds=["retention"]), key=lambda row: row["time"])


def test_what_goes_is_told_once_whoever_runs_at_once_or_is_slow(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve rows go by a run that is slow then: another one takes it for dead, and tells of it. Eleven more go by the
    slow one, which others added meanwhile. And one that died before its commit is looked for once."""
    conf, whole = made(spark, lake, past=12), row_deletion.delete
    once = iter([True])

    def slow(own: SparkSession, address: Any, *more: Any) -> Any:
        found = whole(own, address, *more)
        if next(once, False):
            retain.run(spark, conf, ["t"], receipt=lake / "second.json")
            overdue = lakes.treated(spark, lake).limit(1).selectExpr("explode(array_repeat(id, 11)) as id")
            rows = overdue.selectExpr("id", "date'2020-01-01' as at", "99 as num")
            rows.write.format("delta").mode("append").save(str(lake / "treated" / "t"))
        return found

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(row_deletion, "delete", dies)
        with pytest.raises(KeyboardInterrupt):
            retain.run(spark, conf, ["t"], receipt=lake / "never.json")
    with monkeypatch.context() as patch:
        patch.setattr(row_deletion, "delete", slow)
        (first,) = retain.run(spark, conf, ["t"], receipt=lake / "first.json")
    assert (first.rows, lakes.treated(spark, lake).count()) == (23, 2)
    rows = retention(spark, conf)
    begun = [row for row in rows if row["outcome"] == "begun"]
    done = [row for row in rows if row["outcome"] == "done"]
    dead, own = (row["run_id"] for row in begun)
    assert [(row["run_id"] == own, row["body"]["rows"], "told_by" in row["body"]) for row in done] == [
        (True, 12, True),  # by the second one, which took the first for dead
        (False, 0, True),  # of the dead one: it had taken nothing
        (False, 0, False),  # of the second one
        (True, 11, False),
    ]
    assert {row["run_id"] for row in done[1:2]} == {dead}
    (of_dead,), versions = {row["body"]["version"] for row in done[1:2]}, [done[0]["body"]["version"]]
    assert versions == [of_dead], "what it looked at"
    told = [receipt_job.verified(spark, conf, lake / name) for name in ("second.json", "first.json")]
    assert [[each.rows_deleted for each in found.outcome.tables] for found, _, _ in told] == [[12, 0], [11]]
    assert all(check.outcome in ("ok", "waits") for _, checks, _ in told for check in checks)
    retain.run(spark, conf, ["t"], receipt=lake / "last.json")
    assert [row["outcome"] for row in retention(spark, conf)[len(rows) :]] == ["done", "receipt"], "nothing is owed"
    assert [each.rows_deleted for each in receipt_job.verified(spark, conf, lake / "last.json")[0].outcome.tables] == [
        0
    ]
    assert not audits.wrong(spark, conf)


def test_receipts_that_are_made_at_once_share_nothing(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are about to tell of what a dead run took away; the slower one makes its own anew. A file without its row of
    the log is none."""
    conf, whole = made(spark, lake), of_retention._keep

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("jobs.retention.carried_out._purged", dies)
        with pytest.raises(KeyboardInterrupt):
            retain.run(spark, conf, ["t"], receipt=lake / "never.json")
    once = iter([True])

    def slow(*words: Any) -> None:
        whole(*words)
        if next(once, False):
            text = (lake / "slower.json").read_text()
            (lake / "draft.json").write_text(text)
            retain.run(spark, conf, ["t"], receipt=lake / "faster.json")

    with monkeypatch.context() as patch:
        patch.setattr(of_retention, "_keep", slow)
        retain.run(spark, conf, ["t"], receipt=lake / "slower.json")
    told = {name: receipt_job.verified(spark, conf, lake / f"{name}.json") for name in ("faster", "slower", "draft")}
    assert {name: [each.rows_deleted for each in found[0].outcome.tables] for name, found in told.items()} == {
        "faster": [3, 0], "slower": [0], "draft": [3, 0],
    }  # fmt: skip
    logged = {name: [check.outcome for check in found[1] if check.table == ""] for name, found in told.items()}
    assert logged == {"faster": ["ok"], "slower": ["ok"], "draft": ["fails"]}
    names = {file.name for file in (lake / "checkpoints").glob("retention-*")}
    assert names == {f"retention-{told[name][0].outcome.run_id}.intoto.json" for name in ("faster", "slower")}
    assert [row["outcome"] for row in retention(spark, conf)].count("receipt") == 2
    assert not audits.wrong(spark, conf)


@pytest.mark.sweep
def test_after_its_commit_and_before_it_told(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = made(spark, lake)
    die(lake, "jobs.retention.carried_out._purged")
    assert sorted(row["num"] for row in lakes.treated(spark, lake).collect()) == [3, 4], "its commit is made"
    assert [row["outcome"] for row in retention(spark, conf)] == ["begun"]
    (again,) = retain.run(spark, conf, ["t"], receipt=lake / "receipt.json")
    assert again.rows == 0
    rows = retention(spark, conf)
    assert [row["outcome"] for row in rows] == ["begun", "done", "done", "receipt"]
    first, told, own, left = rows
    assert first["run_id"] == told["run_id"]
    assert (told["body"]["version"], told["body"]["rows"]) == (first["body"]["version"] + 1, "< 10")
    assert told["body"]["told_by"] == own["run_id"] != first["run_id"]
    assert left["body"]["also"] == [first["run_id"]]
    found = receipt_job.verified(spark, conf, lake / "receipt.json")[0].outcome
    version = first["body"]["version"]
    assert [(each.name, each.before, each.after, each.rows_deleted) for each in found.tables] == [
        ("t", version, version + 1, 3), ("t", version + 1, version + 1, 0),
    ]  # fmt: skip
    check = ["--conf", str(lake / "conf"), "--all", "--verify-receipt", str(lake / "receipt.json"), "--json"]
    assert retain.main(check) == 0
    outcomes = [(each["outcome"], each["told"]) for each in json.loads(capsys.readouterr().out)["checks"]]
    assert outcomes[0] == ("ok", f"version {version + 1} is this retention's")
    retain.run(spark, conf, ["t"], receipt=lake / "later.json")
    assert [row["outcome"] for row in retention(spark, conf)[4:]] == ["done", "receipt"], "it is told once"
    assert len(receipt_job.verified(spark, conf, lake / "later.json")[0].outcome.tables) == 1
    assert not audits.wrong(spark, conf)


@pytest.mark.sweep
def test_after_it_told_and_before_its_receipt(spark: SparkSession, lake: Path) -> None:
    """The next run is one that nobody asked for a receipt."""
    conf, warned = made(spark, lake), list[Event]()
    die(lake, "jobs.console.whole_files.create")
    assert [row["outcome"] for row in retention(spark, conf)] == ["begun", "done"]
    nowhere = audits.with_log(lake, checkpoints=None)
    retain.run(spark, nowhere, ["t"], warned.append)
    assert any("before it left the receipt" in each.message for each in warned if isinstance(each, Warned))
    assert [row["outcome"] for row in retention(spark, conf)][2:] == ["done"]
    conf = audits.with_log(lake)
    for _ in range(2):
        retain.run(spark, conf, ["t"])
    rows = retention(spark, conf)[3:]
    assert [row["outcome"] for row in rows] == ["done", "receipt", "done"]
    (file,) = (lake / "checkpoints").glob("retention-*.intoto.json")
    assert file.name == f"retention-{rows[1]['run_id']}.intoto.json"
    found = receipt_job.verified(spark, conf, file)[0].outcome
    assert [each.rows_deleted for each in found.tables] == [3, 0]
    assert not audits.wrong(spark, conf)
