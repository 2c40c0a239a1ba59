"""Watches over the house: of each a case that is silent, and one that is told."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs import monitor, pseudonymize
from jobs.audit_log import log as audit_log
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.lake.address import Address
from jobs.lake.history import History
from jobs.lake.log_commits import Commit
from jobs.lake.state import TargetState
from jobs.monitoring import house, log_watch, metrics
from jobs.monitoring import looked as looked_at
from jobs.monitoring.finding import Finding
from jobs.monitoring.looked import Looked, Run
from jobs.record import rotation_mark
from jobs.record.rotation_mark import TIME, Mark
from privacy_udfs.keys import load_keyset
from tests.helpers import audits, quarantines
from tests.helpers.audits import with_log
from tests.helpers.lakes import column, configured, table, write_conf
from tests.helpers.monitored import with_key

TODAY = datetime.date(2026, 11, 28)
NOW = datetime.datetime(2026, 11, 28, 3, 0, tzinfo=datetime.timezone.utc)
RECORD = {"privacy.record": "x"}
COLUMNS = {"id": column({"domain": "customer"}), "size": column("keep", "non_personal")}


def conf_of(lake: Path, policy: dict[str, Any], **entry: Any) -> Config:
    folder = write_conf(lake, table("t", lake, COLUMNS, **entry))
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **policy}))
    return config.load(folder)


def told(conf: Config, day: datetime.date = TODAY) -> list[tuple[str, str, str]]:
    return [(each.level, each.table, each.what) for each in house.of_conf(conf, ["t"], day)]


def test_nothing_to_tell_of_a_plain_configuration(lake: Path) -> None:
    assert told(conf_of(lake, {})) == []


@pytest.mark.parametrize(
    ("review_by", "found"),
    [
        ("2027-06-30", []),
        ("2026-12-20", [("warn", "t", "review")]),
        ("2026-11-20", [("warn", "t", "review")]),
        ("2026-10-01", [("alert", "t", "review")]),
    ],
)
def test_reviews(lake: Path, review_by: str, found: list[tuple[str, str, str]]) -> None:
    """By a policy that grants 30 days. A review that is due within 30 days is told, as one that is over."""
    conf = conf_of(lake, {"review_grace_days": 30}, review_by=review_by)
    assert told(conf) == found
    early = conf_of(lake, {"review_grace_days": 30, "monitoring": {"ahead_days": 1}}, review_by="2026-12-20")
    assert told(early) == []


@pytest.mark.parametrize(
    ("deprecated", "found"),
    [
        ({"technique": "keyed_hash", "warn_after": "2027-03-01"}, []),
        ({"technique": "mask", "warn_after": "2026-12-20"}, []),
        ({"technique": "keyed_hash", "warn_after": "2026-12-20"}, [("warn", "", "policy")]),
        ({"technique": "keyed_hash", "refuse_after": "2026-12-20"}, [("warn", "", "policy"), ("warn", "", "policy")]),
        ({"key": "crm", "refuse_after": "2026-11-01"}, [("alert", "", "policy")]),
    ],
)
def test_what_is_deprecated_soon(lake: Path, deprecated: dict[str, str], found: list[tuple[str, str, str]]) -> None:
    assert told(conf_of(lake, {"deprecated": [{**deprecated, "why": "a test"}]})) == found


def test_what_is_soon_says_when(lake: Path) -> None:
    conf = conf_of(lake, {"deprecated": [{"key": "crm", "refuse_after": "2026-12-20", "why": "a test"}]})
    now, soon = house.of_conf(conf, ["t"], TODAY)
    assert "deprecated and refused after 2026-12-20" in str(now)
    assert str(soon).startswith("warn: within 30 days: keys.yaml:1: refused: crm: key crm is refused after 2026-12-20")


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ("2026-11-01", []),
        ("2026-01-10", [("warn", "", "key_age")]),
        ("2025-01-10", [("alert", "", "key_age")]),
        (None, [("alert", "", "key_age")]),
    ],
)
def test_keys_near_their_age(lake: Path, made: str | None, found: list[tuple[str, str, str]]) -> None:
    conf_of(lake, {})
    key_id = load_keyset(f"file:{lake}/keys/crm.json").primary.id
    entry = {"keyset": f"file:{lake}/keys/crm.json", **({"created": {str(key_id): made}} if made else {})}
    conf = conf_of(lake, {"keys": {"max_age_days": 365, "warn_days": 60}})
    (lake / "conf" / "keys.yaml").write_text(yaml.safe_dump({"crm": entry}))
    assert told(config.load(lake / "conf")) == found
    assert conf.policy.keys is not None


def test_keys_of_profiles_and_of_the_audit_log_are_watched(lake: Path) -> None:
    """No date is stated of any of the three: crm treats columns, watch and log serve nothing but the house."""
    conf_of(lake, {"keys": {"max_age_days": 365}})
    with_log(lake)
    conf = config.load(with_key(lake / "conf"))
    found = [each for each in house.of_conf(conf, ["t"], TODAY) if each.what == "key_age"]
    assert sorted(name for each in found for name in ("crm", "log", "watch") if f": {name}: " in str(each)) == [
        *("crm", "log", "watch")
    ]


def test_a_key_that_does_not_open(lake: Path) -> None:
    conf = conf_of(lake, {"keys": {"max_age_days": 365}})
    (lake / "keys" / "crm.json").unlink()
    found = house.of_conf(conf, ["t"], TODAY)
    assert [each.what for each in found] == ["key_age"]
    assert "key crm cannot be opened" in str(found[0])


# -- logs that are made up --------------------------------------------------------------------------------------------


def commit(version: int, operation: str = "WRITE", added: int = 0, removed: int = 0, **more: Any) -> Commit:
    return Commit(version, added, added * 10, removed, more.get("record"), None, operation, {}, more.get("run", {}))


def looked(conf: Config, *after: Commit, **more: Any) -> Looked:
    """What stands at the target of ``t``, whose version 0 was a run's, and what others committed later."""
    ours = commit(0, "CREATE OR REPLACE TABLE", 1, record=RECORD, run={"run_id": "r"})
    history = History(len(after), (ours, *after), {}, frozenset({0}))
    state = TargetState(Address(path="/t"), len(after), history=history)
    run, later = history.since_last_run
    bounds = conf.tables["t"].monitoring.before(conf.policy.monitoring)
    ran_at = more.pop("ran_at", NOW)
    return Looked("t", conf.tables["t"], bounds, state, run, later, ran_at, **more)


def watched(seen: Looked) -> list[tuple[str, str]]:
    return [(each.level, each.what) for watch in house.OF_TABLES for each in watch(seen, NOW)]


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ((), []),
        ((commit(1, "OPTIMIZE"), commit(2, "VACUUM END"), commit(3, "SET TBLPROPERTIES", record=RECORD)), []),
        ((commit(1, "WRITE", added=1),), [("alert", "others")]),
        ((commit(1, "RESTORE"),), [("alert", "others")]),
        ((commit(1, "UPDATE", 1, 1), commit(2, "DELETE", 1, 1)), [("warn", "others"), ("alert", "others")]),
        ((commit(1, "TRUNCATE", removed=1),), [("alert", "others")]),
        ((commit(1, "SET TBLPROPERTIES", record={"privacy.record": "y"}),), [("alert", "others")]),
    ],
)
def test_changes_by_others(lake: Path, others: tuple[Commit, ...], found: list[tuple[str, str]]) -> None:
    assert watched(looked(conf_of(lake, {}), *others)) == found


def test_a_last_run_too_long_ago(lake: Path) -> None:
    conf, week = conf_of(lake, {}), NOW - datetime.timedelta(days=7)
    assert watched(looked(conf, ran_at=week)) == []
    late = looked(conf, ran_at=week - datetime.timedelta(minutes=1))
    assert watched(late) == [("alert", "stale")]
    assert watched(looked(conf_of(lake, {}, monitoring={"stale_days": 31}), ran_at=late.ran_at)) == []
    assert watched(looked(conf, ran_at=None)) == [("alert", "stale")]


def test_refused_values(lake: Path) -> None:
    conf = conf_of(lake, {"monitoring": {"refused": 0.02}})
    assert watched(looked(conf, runs=(Run(0, {"size": 0.5}), Run(1, {"size": 0.02})))) == []
    assert watched(looked(conf, runs=(Run(0, {}), Run(1, {"id": 0.0, "size": 0.021})))) == [("alert", "refused")]


def test_refused_values_of_a_column_with_a_bound_of_its_own(lake: Path) -> None:
    conf = conf_of(lake, {}, monitoring={"columns": {"`size`": {"refused": 0.5}}})
    assert watched(looked(conf, runs=(Run(0, {"size": 0.5, "id": 0.009}),))) == []
    assert watched(looked(conf, runs=(Run(0, {"size": 0.51, "id": 0.02}),))) == [("alert", "refused")] * 2


def test_rows_in_quarantine(lake: Path) -> None:
    conf = conf_of(lake, {})
    assert watched(looked(conf, waiting=0)) == []
    assert watched(looked(conf, waiting=120, some_wait=True)) == [("warn", "quarantine")]
    few = [each for watch in house.OF_TABLES for each in watch(looked(conf, some_wait=True), NOW)]
    assert "fewer than 10 rows" in str(few[0])


def test_a_table_that_waits_to_be_moved(lake: Path) -> None:
    conf = conf_of(lake, {})
    for days, level in ((0, "warn"), (1, "alert")):
        since = (NOW - datetime.timedelta(days=days)).strftime(TIME)
        seen = looked(conf)
        state = dataclasses.replace(seen.state, properties=Mark("crm", (1,), 2, since).properties())
        assert watched(dataclasses.replace(seen, state=state)) == [(level, "rotation")]
    for text in ("x", "null", '{"key": "crm"}', '{"key":"c","from":[1],"to":2,"since":"2026-13-01T00:00:00Z"}'):
        assert rotation_mark.of({"privacy.rotation": text}) is None


@pytest.mark.parametrize(
    ("treated", "refused", "share"),
    [
        (3, 12, 12 / 21),  # as of nine: any number from 1 to 9 gives the same
        (9, 12, 12 / 21),
        (0, 12, 1.0),
        (10, 12, 12 / 22),
        (3, 9, 0.0),
        (1000, 9, 0.0),
    ],
)
def test_no_small_count_follows_from_a_share_of_refused_values(treated: int, refused: int, share: float) -> None:
    run = commit(1, run={"counts": {"size": [treated, 5, refused]}})
    assert looked_at._refused(run) == {"size": share}


@dataclasses.dataclass(frozen=True)
class Overtaken:
    """A target's address, whose newest commit is another one than that which was looked at."""

    versions: tuple[int, ...]

    def history(self, spark: SparkSession, newest: int | None = None) -> DataFrame:
        rows = [f"select {each}L version, timestamp_seconds({each * 60}) timestamp" for each in self.versions]
        return spark.sql(" union all ".join(rows[: newest or len(rows)]))


@pytest.mark.parametrize(("versions", "minutes"), [((7,), 7), ((9, 8, 7), 7), ((9, 8), None)])
def test_a_commit_between_two_looks(spark: SparkSession, versions: tuple[int, ...], minutes: int | None) -> None:
    stands = TargetState(cast(Address, Overtaken(versions)), 7)
    found = looked_at._committed_at(spark, stands, commit(7))
    assert found == (None if minutes is None else datetime.datetime.fromtimestamp(minutes * 60, datetime.timezone.utc))


# -- the audit log ----------------------------------------------------------------------------------------------------


def row(hours_ago: float, kind: str, table: str = "t", run_id: str = "r", outcome: str = "") -> log_watch.Row:
    at = NOW - datetime.timedelta(hours=hours_ago)
    return log_watch.Row(at.strftime(log_watch.FORMAT), kind, table, run_id, outcome)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], []),
        ([row(2, "run_started"), row(1, "run_committed")], []),
        ([row(2, "run_started"), row(1, "run_failed")], [("alert", "t", "run")]),
        ([row(900, "run_started"), row(899, "run_refused")], [("alert", "t", "run")]),
        ([row(71, "run_failed", run_id="a"), row(1, "run_unchanged")], [("warn", "t", "run")]),
        ([row(73, "run_failed", run_id="a"), row(1, "run_unchanged")], []),
        ([row(1, "run_committed"), row(2, "run_failed")], [("warn", "t", "run")]),
        ([row(1, "run_unknown")], [("alert", "t", "run")]),
        ([row(2, "run_unknown"), row(1, "run_committed")], []),
        ([row(23, "run_started")], []),
        ([row(25, "run_started")], [("warn", "t", "run")]),
        ([row(25, "run_started", run_id="a"), row(1, "run_committed", run_id="a")], []),
        ([row(1, "run_failed", "u")], []),
        ([row(71.9, "reversal")], [("warn", "t", "reversal")]),
        ([row(72.1, "reversal")], []),
        ([row(1, "reversal", "u"), row(1, "reversal", "")], [("warn", "", "reversal")] * 2),
        ([row(-0.1, "reversal")], [("warn", "t", "reversal")]),
        ([row(73, "reversal", outcome="started"), row(71, "reversal", outcome="done")], []),
        ([row(1, "break_glass", outcome="started")], [("warn", "t", "reversal")]),
    ],
)
def test_what_the_audit_log_tells(rows: list[log_watch.Row], found: list[tuple[str, str, str]]) -> None:
    """Failed, refused, open for long; reversals of the last 72 hours, of whichever table."""
    told = list(log_watch.of_rows(rows, ["t"], NOW))
    assert [(each.level, each.table, each.what) for each in told] == found


def test_what_is_said_of_runs_and_reversals() -> None:
    rows = [
        row(3, "reversal", "u"),
        row(1, "reversal", "u"),
        row(30, "run_failed"),
        row(20, "run_refused"),
        row(1, "run_failed"),
    ]
    said = [str(each) for each in log_watch.of_rows(rows, ["t"], NOW)]
    assert said[0].startswith("alert: t: its last run failed, at 2026-11-28 02:00 UTC; ")
    assert said[1].startswith(
        "warn: t: runs went wrong within 72 hours, before its last one: 1 that failed, 1 that was refused; "
    )
    assert said[2].startswith("warn: of u: 2 reversals within 72 hours, the last at 2026-11-28 02:00 UTC; ")
    turned = [row(2, "reversal", "u"), row(1, "reversal", "u", outcome="refused")]
    (both,) = log_watch.of_rows(turned, ["t"], NOW)
    assert "of u: 1 reversal and 1 that was refused within 72 hours" in str(both)
    odd = log_watch.Row("2026-11-28T\x1b[2J", "reversal", "t", "")
    assert "the last at a time that is none" in str(next(iter(log_watch.of_rows([odd], ["t"], NOW))))


def test_a_reversal_in_a_real_log(spark: SparkSession, lake: Path) -> None:
    """As a job to come will write it. A table that is not asked for has none of it, and an older one is not told."""
    conf = audits.audited(lake)
    assert log_watch.findings(spark, conf, ["t"], NOW) == [], "there is no log yet"
    log = audit_log.opened(spark, conf)
    assert log is not None
    at = (NOW - datetime.timedelta(hours=1)).strftime(log_watch.FORMAT)
    old = (NOW - datetime.timedelta(hours=73)).strftime(log_watch.FORMAT)
    leaves = [
        log.leaf("reversal", old, table="t"),
        log.leaf("reversal", at, table="t", body={"column": "id"}),
        log.leaf("run_failed", at, table="t", run_id="a", outcome="failed"),
    ]
    log.append(lambda state: leaves)
    report = monitor.run(spark, conf, ["t"], house_only=True, now=NOW)
    told = [(each.level, each.what) for each in report.findings if each.what in ("run", "reversal")]
    assert told == [("alert", "run"), ("warn", "reversal")]
    assert "1 reversal within 72 hours" in str(report.findings)
    families = metrics.text(report)
    assert 'lakenym_monitor_findings{table="t",level="warn",what="reversal"} 1' in families
    for file in (lake / "audit").glob("*.parquet"):
        file.unlink()
    (broken,) = log_watch.findings(spark, conf, ["t"], NOW)
    assert (broken.level, broken.what) == ("alert", "audit")
    assert str(lake) not in str(broken)


# -- real ones --------------------------------------------------------------------------------------------------------


@pytest.mark.sweep
def test_a_target_over_its_life(spark: SparkSession, lake: Path) -> None:
    """Not there; treated, and nothing to tell; moved together, and deleted from; then written to by others."""
    conf = configured(lake, table("t", lake, COLUMNS))
    path = lake / "treated" / "t"

    def found(now: datetime.datetime | None = None) -> list[tuple[str, str]]:
        report = monitor.run(spark, conf, ["t"], house_only=True, now=now)
        assert not report.profiles
        return [(each.level, each.what) for each in report.findings]

    assert found() == [("alert", "target")]
    spark.range(100).selectExpr("cast(id as string) id", "id size").write.parquet(str(lake / "raw" / "t"))
    pseudonymize.run(spark, conf, "t")
    assert found() == []
    assert found(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=8)) == [("alert", "stale")]
    spark.sql(f"OPTIMIZE delta.`{path}`")
    assert found() == []
    spark.sql(f"DELETE FROM delta.`{path}` WHERE size = 3")
    assert found() == [("warn", "others")]
    spark.read.format("delta").load(str(path)).limit(1).write.format("delta").mode("append").save(str(path))
    assert found() == [("alert", "others"), ("warn", "others")]
    pseudonymize.run(spark, conf, "t", allow_raw_history=True, accept_deleted_rows=True)
    assert found() == []


@pytest.mark.sweep
def test_what_the_last_run_refused_and_set_aside(spark: SparkSession, lake: Path) -> None:
    """Of 200 rows 40 are refused: they stand in quarantine. With the rule mended by null, they are 40 of its values."""
    quarantines.put(quarantines.rows(spark, 0, 200, bad="id % 5 = 1"), lake, "overwrite")
    quarantines.run(spark, lake)
    conf = quarantines.configured(lake)
    report = monitor.run(spark, conf, ["t"], house_only=True)
    assert [(each.what, each.level) for each in report.findings] == [("quarantine", "warn")]
    waiting = report.looked["t"].waiting
    assert waiting == 34, "40, of which every seventh is null"
    assert quarantines.CANARY not in "".join(map(str, report.findings))
    mended = {"ip": {"technique": "truncate_ip", "on_refused": "null"}}
    quarantines.run(spark, lake, on_refused="stop", mode="full", columns=mended)
    report = monitor.run(spark, conf, ["t"], house_only=True)
    refused = [each for each in report.findings if each.what == "refused"]
    assert [(each.column, each.level) for each in refused] == [("ip", "alert")]
    assert report.looked["t"].runs[-1].refused["ip"] == pytest.approx(34 / 171)


def test_a_target_that_cannot_be_looked_at_is_told_of_and_hides_no_other(spark: SparkSession, lake: Path) -> None:
    conf = configured(lake, table("t", lake, COLUMNS), table("u", lake, COLUMNS))
    spark.range(3).write.parquet(str(lake / "treated" / "t"))
    report = monitor.run(spark, conf, ["t", "u"], house_only=True)
    assert [(each.table, each.what) for each in report.findings] == [("t", "target"), ("u", "target")]
    assert "cannot be looked at" in str(report.findings[0])


def test_findings_say_what_to_do() -> None:
    found = Finding("alert", "t", "psi", "moved", "look", "a")
    assert str(found) == "alert: t: a: moved; look"
    assert found.as_data() == {
        **{"level": "alert", "table": "t", "what": "psi", "message": "moved", "to_do": "look", "column": "a"}
    }
