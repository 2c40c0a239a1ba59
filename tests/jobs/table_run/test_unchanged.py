"""A run of all rows whose target has them already says so and writes nothing; where that is not certain, it runs."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize, verify
from jobs.console.exit_codes import Refused
from jobs.lake import folder_files
from jobs.run_events.events import Event, Unchanged
from jobs.table_run import unchanged
from jobs.table_run.planned import stays_at
from tests.helpers import lakes
from tests.helpers.audits import audited, listed, wrong
from tests.helpers.growing import COLUMNS, delta, grown

RANDOM = {**COLUMNS, "note": {"technique": "randomized_encryption", "key": "crm"}}


def entry(lake: Path, format_: str = "delta", columns: Any = None, **more: Any) -> dict[str, Any]:
    source = {"format": format_, "path": str(lake / "raw" / "t")}
    return lakes.table("t", lake, columns or RANDOM, source=source, **more)


def nightly(spark: SparkSession, lake: Path, one: dict[str, Any], **more: Any) -> tuple[str, int]:
    """What the run did, and the target's version after it."""
    events: list[Event] = []
    conf = lakes.configured(lake, one)
    done = pseudonymize.run(spark, conf, "t", report=events.append, even_unchanged=False, **more)
    told = [each for each in events if isinstance(each, Unchanged)]
    assert bool(told) == (done.execution == "none")
    assert all(each.version == done.version for each in told)
    return ("unchanged" if told else "ran"), done.version


def files(lake: Path) -> set[Path]:
    return set((lake / "treated").rglob("*"))


def aged(lake: Path, seconds: int = 3600) -> None:
    """All files of the source get a time so long ago."""
    then = time.time() - seconds
    for file in (lake / "raw" / "t").rglob("*"):
        os.utime(file, (then, then))


def test_nothing_is_written_until_something_changes(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    assert nightly(spark, lake, entry(lake)) == ("ran", 0)
    before = files(lake)
    assert nightly(spark, lake, entry(lake)) == ("unchanged", 0)
    assert stays_at(spark, lakes.configured(lake, entry(lake)), "t") == 0
    assert files(lake) == before
    grown(spark, lake, 20, 30)
    assert stays_at(spark, lakes.configured(lake, entry(lake)), "t") is None
    assert nightly(spark, lake, entry(lake)) == ("ran", 1)
    assert lakes.treated(spark, lake).count() == 30
    assert nightly(spark, lake, entry(lake)) == ("unchanged", 1)
    other = entry(lake, columns={**RANDOM, "day": "redact"})
    assert nightly(spark, lake, other) == ("ran", 2)
    assert nightly(spark, lake, other) == ("unchanged", 2)
    key = lake / "keys" / "crm.json"
    held = key.read_bytes()
    key.unlink()  # another one is made
    with pytest.raises(Refused, match="is not the key that the target's record was made with"):
        nightly(spark, lake, other)
    key.write_bytes(held)
    done = pseudonymize.run(spark, lakes.configured(lake, other), "t")
    assert (done.version, done.execution != "none") == (3, True), "whoever calls it means it"
    assert nightly(spark, lake, other) == ("ran", 4), "a run that nobody asked says nothing of what it was made from"


def test_variables_and_packages_are_looked_at(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = lake / "raw" / "t"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("id,note\nC-1,NA\nC-2,x\n")
    aged(lake)
    one = entry(lake, "csv", {"id": {"domain": "customer"}, "note": "keep"})
    options = {"header": "true", "nullValue": "${NULLS}"}
    one["source"] |= {"options": options, "schema": "id string, note string"}
    monkeypatch.setenv("NULLS", "zzz")
    assert nightly(spark, lake, one) == ("ran", 0)
    assert nightly(spark, lake, one) == ("unchanged", 0)
    monkeypatch.setenv("NULLS", "NA")
    assert nightly(spark, lake, one) == ("ran", 1)
    assert {row.note for row in lakes.treated(spark, lake).collect()} == {None, "x"}
    there = unchanged._software()
    monkeypatch.setattr(unchanged, "_software", lambda: [*there, "a-model-of-names 2"])
    assert nightly(spark, lake, one) == ("ran", 2)


@pytest.mark.sweep
def test_what_others_did_to_the_target(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    assert nightly(spark, lake, entry(lake)) == ("ran", 0)
    place = lake / "treated" / "t"
    spark.sql(f"OPTIMIZE delta.`{place}`").collect()
    now = delta(spark, place).history(1).collect()[0]["version"]
    assert nightly(spark, lake, entry(lake)) == ("unchanged", now)
    delta(spark, place).delete("day = date'2026-01-01'")
    assert nightly(spark, lake, entry(lake), accept_deleted_rows=True)[0] == "ran"
    spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('a' = 'b')")
    assert nightly(spark, lake, entry(lake))[0] == "ran"
    assert lakes.treated(spark, lake).count() == 20


def renamed(folder: Path) -> None:
    """A folder that says another value of a column; times and sizes stay."""
    (folder / "day=1").rename(folder / "day=2")
    aged(folder.parent.parent)


def touched(folder: Path) -> None:
    file = next(folder.rglob("*.parquet"))
    os.utime(file, (time.time() - 1800, time.time() - 1800))


CHANGES: dict[str, Callable[[Path], None]] = {"renamed": renamed, "touched": touched}


@pytest.mark.sweep
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_folder_of_files(spark: SparkSession, lake: Path, change: Callable[[Path], None]) -> None:
    raw = lake / "raw" / "t"
    spark.range(5).selectExpr("cast(id AS string) AS id").coalesce(1).write.parquet(str(raw / "day=1"))
    one = entry(lake, "parquet", {"id": {"domain": "customer"}, "day": lakes.column("keep", "non_personal")})
    assert nightly(spark, lake, one) == ("ran", 0)
    assert nightly(spark, lake, one) == ("ran", 1), "the files were too new to be known again"
    aged(lake)
    assert nightly(spark, lake, one) == ("ran", 2)
    assert nightly(spark, lake, one) == ("unchanged", 2)
    change(raw)
    assert nightly(spark, lake, one) == ("ran", 3)
    assert nightly(spark, lake, one) == ("unchanged", 3)


def test_a_file_that_comes_while_a_run_reads_is_new_to_the_next(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = lake / "raw" / "t"
    spark.range(5).selectExpr("cast(id AS string) AS id").write.parquet(str(raw))
    aged(lake)
    one, look = entry(lake, "parquet", {"id": {"domain": "customer"}}), folder_files.fingerprint

    def comes(*given: Any) -> str | None:
        seen = look(*given)
        spark.range(5, 9).selectExpr("cast(id AS string) AS id").write.mode("append").parquet(str(raw))
        aged(lake)
        return seen

    monkeypatch.setattr(folder_files, "fingerprint", comes)
    assert nightly(spark, lake, one) == ("ran", 0)
    monkeypatch.undo()
    assert nightly(spark, lake, one) == ("ran", 1)
    assert lakes.treated(spark, lake).count() == 9


@pytest.mark.sweep
def test_a_run_that_is_long_ago_or_says_nothing_of_use_is_repeated(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before `jobs/monitor.py` calls the table stale, which it does after a week."""
    grown(spark, lake, 0, 20)
    assert nightly(spark, lake, entry(lake)) == ("ran", 0)
    now = unchanged._now
    for days, due in ((5.9, "unchanged"), (-0.1, "ran"), (6.1, "ran")):
        monkeypatch.setattr(unchanged, "_now", lambda days=days: now() + datetime.timedelta(days=days))
        assert nightly(spark, lake, entry(lake))[0] == due


def test_the_audit_log_says_that_nothing_was_written(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    conf = audited(lake, entry(lake))
    for _ in range(2):
        pseudonymize.run(spark, conf, "t", even_unchanged=False)
    (row,) = listed(spark, conf, kinds=["run_unchanged"])
    assert (row["table"], row["outcome"], row["body"]["version"]) == ("t", "unchanged", 0)
    assert len(listed(spark, conf, kinds=["run_started"])) == 1
    assert not wrong(spark, conf)


@pytest.mark.sweep
def test_by_the_command(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grown(spark, lake, 0, 20)
    given = ["--conf", str(lakes.write_conf(lake, entry(lake))), "--table", "t"]

    def ended(*more: str) -> tuple[int, str]:
        code = pseudonymize.main([*given, *more])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])["event"]

    assert ended() == (0, "committed")
    assert ended("--dry-run") == ended() == (0, "unchanged")
    assert ended("--even-unchanged") == (0, "committed")
    assert ended() == (0, "unchanged")


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_plan_and_verify_say_so_too(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    grown(spark, lake, 0, 20)
    target = {"path": str(lake / "treated" / "t"), "mode": mode}
    given = ["--conf", str(lakes.write_conf(lake, entry(lake, target=target))), "--table", "t"]

    def told(job: Any, *more: str) -> str:
        assert job.main([*given, *more]) == 0
        return str(capsys.readouterr().out)

    nothing = "nothing would be written"
    assert nothing not in told(plan)
    assert "unchanged" not in json.loads(told(plan, "--json"))
    assert pseudonymize.main(given) == 0
    capsys.readouterr()
    for _ in range(2):  # they look, and change nothing
        assert f"t: {nothing}: the source is as it was at version 0" in told(plan)
        assert f"{nothing} by a run: the source is as it was at version 0" in told(verify)
    assert json.loads(told(plan, "--json"))["unchanged"] == 0
    assert json.loads(told(verify, "--json"))["unchanged"] is True
    grown(spark, lake, 20, 30)
    assert nothing not in told(plan) + told(verify)
    assert json.loads(told(verify, "--json"))["unchanged"] is False
