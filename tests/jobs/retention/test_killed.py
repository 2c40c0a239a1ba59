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
from jobs.erasure import receipt_job
from jobs.retention import killed
from jobs.retention.killed import Unfinished
from jobs.run_events.events import Event, Warned
from tests.helpers import audits, kills, lakes

LONG_AGO = datetime.date(2020, 1, 1)
COLUMNS: dict[str, Any] = {"id": {"domain": "customer"}, "at": "keep", "num": "keep"}


def leaf(run_id: str, outcome: str, table: str = "t", **body: Any) -> Leaf:
    return Leaf("retention", "2026-11-28T00:00:00.000000Z", "me", "s", table, run_id, outcome, body)


def test_what_earlier_runs_left_untold_is_known_by_the_audit_log() -> None:
    rows = [
        leaf("whole", "begun", receipt="R1"), leaf("whole", "done", rows=20), leaf("R1", "receipt", ""),
        leaf("no receipt was asked for", "begun"), leaf("no receipt was asked for", "done", rows=20),
        leaf("killed before it told", "begun", receipt="R2"),
        leaf("killed before its receipt", "begun", "u", receipt="R3"),
        leaf("killed before its receipt", "done", "u", rows=7),
        leaf("told of by a later one", "begun", receipt="R4"), leaf("told of by a later one", "done", rows=7),
        leaf("R5", "receipt", "", also=["told of by a later one"]),
        leaf("of an earlier release", "begun", "v"),
    ]  # fmt: skip
    assert killed.by_table(rows) == {
        "t": Unfinished({"killed before it told": {"receipt": "R2"}}, {"killed before it told": None}),
        "u": Unfinished({}, {"killed before its receipt": 7}),
        "v": Unfinished({"of an earlier release": {}}, {}),
    }


def made(spark: SparkSession, lake: Path) -> Config:
    """Three rows that are past their time, and two that are not."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    rows = [(f"C-{num}", LONG_AGO if num < 3 else today, num) for num in range(5)]
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
