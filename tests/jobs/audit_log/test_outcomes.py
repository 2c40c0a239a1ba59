"""How a run ended is told as far as it is certain: of what may have been committed nobody says that it failed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs import audit, pseudonymize
from jobs.audit_log import log as audit_log
from jobs.audit_log import settling
from jobs.audit_log.leaves import now
from jobs.audit_log.log import LogProblem
from jobs.configuration.config import Config
from jobs.lake import audit_table
from jobs.lake.delta_commit import replace_all
from jobs.lake.java import DELTA, java_class
from jobs.lake.problems import AnswerLost
from jobs.run_events.events import Event, Warned
from jobs.table_run.audited import Trail
from tests.helpers.audits import COLUMNS, audited, kinds, listed, raw, verified
from tests.helpers.lakes import table
from tests.helpers.sweeps import but_for

STARTED = ["run_started", "key_use"]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on nobody waits for a run to tell itself how it ended."""

    def hurry() -> None:
        monkeypatch.setattr(settling, "PATIENCE", settling.PATIENCE * 0)
        monkeypatch.setattr(settling.settle, "__defaults__", (None, settling.PATIENCE))

    return hurry


def told_to_have_begun(spark: SparkSession, lake: Path, conf: Config, run_id: str, **body: Any) -> None:
    """By a run that died then."""
    log = audit_log.opened(spark, conf)
    assert log is not None
    location = (lake / "treated" / "t").as_uri().replace("file:///", "file:/")
    told = {"location": location, "mode": "full", **body}
    log.append(lambda state: [log.leaf("run_started", now(), table="t", run_id=run_id, body=told)])


def commit(lake: Path, version: int) -> Path:
    return lake / "treated" / "t" / "_delta_log" / f"{version:020}.json"


def test_a_run_that_may_have_committed_is_not_told_to_have_failed(
    spark: SparkSession, lake: Path, at_once: Callable[[], None]
) -> None:
    """Only where the history tells of all that came after the version that it looked at, it is certain."""
    raw(spark, lake)
    conf = audited(lake)
    pseudonymize.run(spark, conf, "t")
    stood = hashlib.sha256(commit(lake, 0).read_bytes()).hexdigest()
    told_to_have_begun(spark, lake, conf, "of no table", version=-1)
    told_to_have_begun(spark, lake, conf, "of this one", version=0, commit_sha256=stood)
    told_to_have_begun(spark, lake, conf, "of one before", version=0, commit_sha256="0" * 64)
    told_to_have_begun(spark, lake, conf, "of an older log", version=0)
    assert audit.run(spark, conf, "settle") == [], "each of them may be at work"
    pseudonymize.run(spark, conf, "t")
    ends = {row["run_id"]: row for row in listed(spark, conf) if row["kind"] in ("run_failed", "run_unknown")}
    assert {name: row["kind"] for name, row in ends.items()} == {"of this one": "run_failed"}
    at_once()
    settled = {leaf.run_id: leaf for leaf in audit.run(spark, conf, "settle")}
    unknown = ["of an older log", "of no table", "of one before"]
    assert sorted(settled) == unknown
    assert {(leaf.kind, leaf.outcome) for leaf in settled.values()} == {("run_unknown", "unknown")}
    assert all(leaf.body["reason"].startswith("outcome unknown: its commit is no") for leaf in settled.values())
    found = verified(spark, conf)
    assert (found.is_whole, found.unchecked) == (True, ())
    notes = sorted(str(each) for each in found.findings)
    assert [note.partition(":")[0] for note in notes] == [f"run {name}" for name in unknown]
    assert all("has an unknown outcome" in note and "that is no failure" in note for note in notes)


@pytest.mark.sweep
def test_a_run_whose_commit_left_the_history(spark: SparkSession, lake: Path, at_once: Callable[[], None]) -> None:
    """Once as its log was cleaned, once as the table was made anew; a later word of the run itself counts."""
    raw(spark, lake)
    conf = audited(lake)
    pseudonymize.run(spark, conf, "t")
    stood = hashlib.sha256(commit(lake, 0).read_bytes()).hexdigest()
    for name in ("cleaned", "anew"):
        told_to_have_begun(spark, lake, conf, name, version=0, commit_sha256=stood)
    at_once()
    assert audit.run(spark, conf, "settle") == [], "it may be about to commit"
    pseudonymize.run(spark, conf, "t")
    shutil.rmtree(lake / "treated")
    java_class(spark._jvm, f"{DELTA}.DeltaLog").clearCache()
    assert audit.run(spark, conf, "settle") == []  # both are told already: the second run replaced what they looked at
    told_to_have_begun(spark, lake, conf, "anew again", version=1, commit_sha256=stood)
    pseudonymize.run(spark, conf, "t")
    assert [row["run_id"] for row in listed(spark, conf, kinds=["run_unknown"])] == ["anew again"]


class Late:
    """The store takes a commit, and nobody sees it until it arrives."""

    def __init__(self, lake: Path, error: BaseException) -> None:
        self.file, self.error = commit(lake, 0), error

    def __call__(self, *_: object) -> None:
        self.file.rename(self.file.with_suffix(".late"))
        raise self.error

    def arrive(self, spark: SparkSession) -> None:
        self.file.with_suffix(".late").rename(self.file)
        java_class(spark._jvm, f"{DELTA}.DeltaLog").clearCache()


LOST = Py4JError("timed out with C-1001")


@pytest.mark.parametrize("error", but_for([LOST], [LOST, KeyboardInterrupt()]), ids=["lost", "stopped"])
def test_what_may_be_on_its_way_is_settled_later(
    spark: SparkSession,
    lake: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_once: Callable[[], None],
    error: BaseException,
) -> None:
    raw(spark, lake)
    conf, heard, late = audited(lake), list[Event](), Late(lake, error)
    with monkeypatch.context() as patch:
        patch.setattr(replace_all, "check_stands", late)
        with pytest.raises((AnswerLost, KeyboardInterrupt)) as caught:
            pseudonymize.run(spark, conf, "t", report=heard.append)
    if isinstance(error, Py4JError):
        assert "was asked for and ended with an error (Py4JError): whether it was made is not known" in str(
            caught.value
        )
        assert "C-1001" not in str(caught.value)
    assert kinds(spark, conf) == STARTED
    warned = [each.message for each in heard if isinstance(each, Warned)]
    assert warned[-1].startswith("nobody knows whether it committed")
    assert audit.run(spark, conf, "settle") == []
    late.arrive(spark)
    at_once()
    (settled,) = audit.run(spark, conf, "settle")
    assert (settled.kind, settled.body["version"], settled.body["rows"]) == ("run_committed", 0, 3)


def test_a_run_that_was_stopped_before_it_could_commit_has_failed(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake)
    conf = audited(lake)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replace_all, "entry_of", stopped)
    with pytest.raises(KeyboardInterrupt):
        pseudonymize.run(spark, conf, "t")
    assert kinds(spark, conf) == [*STARTED, "run_failed"]


# -- a log that is gone, or cannot be written, while a run is at work --------------------------------------------------


def gone(spark: SparkSession, lake: Path) -> None:
    shutil.rmtree(lake / "audit")


def made_anew(spark: SparkSession, lake: Path) -> None:
    gone(spark, lake)
    java_class(spark._jvm, f"{DELTA}.DeltaLog").clearCache()
    log = audit_log.opened(spark, audited(lake, checkpoints=None))
    assert log is not None
    log.append(lambda state: [log.leaf("key_use", now())])


def cut(spark: SparkSession, lake: Path) -> None:
    guard = f"ALTER TABLE delta.`{lake}/audit` SET TBLPROPERTIES (delta.appendOnly = {{}})"
    for statement in (guard.format(False), f"DELETE FROM delta.`{lake}/audit` WHERE index >= 0", guard.format(True)):
        spark.sql(statement)


WHY = {gone: "is gone", made_anew: "is another table than before", cut: "no longer says that the run was started"}


@pytest.mark.parametrize(
    ("change", "execution"),
    but_for(
        [(gone, "spark"), (made_anew, "columnar")],
        [(change, execution) for change in WHY for execution in ("columnar", "spark")],
    ),
)
def test_a_log_that_was_changed_while_a_run_was_at_work_stops_its_commit(
    spark: SparkSession,
    lake: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[SparkSession, Path], None],
    execution: Any,
) -> None:
    raw(spark, lake)
    conf = audited(lake, checkpoints=None)
    attached = Trail.attached

    def changed(trail: Trail, *given: Any) -> Any:
        change(spark, lake)
        return attached(trail, *given)

    monkeypatch.setattr(Trail, "attached", changed)
    with pytest.raises(LogProblem, match="the audit log was changed meanwhile, and nothing was committed: ") as caught:
        pseudonymize.run(spark, conf, "t", execution=execution)
    assert WHY[change] in str(caught.value)
    assert not commit(lake, 0).exists()
    assert list((lake / "treated" / "t").rglob("*.parquet")) == []
    assert (lake / "audit").exists() == (change is not gone), "nobody makes it anew"


def test_a_log_that_was_taken_away_after_the_commit_is_not_made_anew(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake)
    conf = audited(lake, checkpoints=None)
    committed = Trail.committed

    def dropped_before(trail: Trail, *given: Any) -> None:
        gone(spark, lake)
        committed(trail, *given)

    monkeypatch.setattr(Trail, "committed", dropped_before)
    with pytest.raises(LogProblem, match=r"version 0 was committed, and the audit log does not say so: .* is gone"):
        pseudonymize.run(spark, conf, "t")
    assert not (lake / "audit").exists()


def modes(spark: SparkSession, lake: Path) -> Iterator[tuple[Config, dict[str, Any]]]:
    """Of one table, whose source gains rows and loses some: how each mode is asked for."""
    feed = "TBLPROPERTIES (delta.enableChangeDataFeed = true)"
    spark.sql(f"CREATE TABLE delta.`{lake}/raw/t` (id string, amount int) USING delta {feed}")
    spark.sql(f"INSERT INTO delta.`{lake}/raw/t` VALUES ('C-1001', 1), ('C-1002', 2)")
    source = {"format": "delta", "path": f"{lake}/raw/t"}
    place = {"path": f"{lake}/treated/t", "partition_by": ["amount"], "key": ["id"]}
    for mode in ("full", "full on Spark", "incremental", "stream", "changes", "partitions"):
        kind = mode.split()[0]
        conf = audited(lake, table("t", lake, COLUMNS, source=source, target={**place, "mode": kind}))
        more = {"execution": "spark"} if mode.endswith("Spark") else {}
        yield conf, {"mode": kind, **more, **({"where": "amount = 1"} if kind == "partitions" else {})}


@pytest.mark.sweep
def test_no_mode_commits_without_the_log(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where its start cannot be told, nor where the log was lost by the time of its commit."""

    def full(*_: object) -> None:
        raise OSError("no space left")

    def lost(*_: object) -> None:
        raise LogProblem("it is gone")

    def versions() -> list[str]:
        return sorted(path.name for path in (lake / "treated" / "t" / "_delta_log").glob("*.json"))

    for conf, asked in modes(spark, lake):
        if asked["mode"] not in ("full", "partitions"):
            spark.sql(f"INSERT INTO delta.`{lake}/raw/t` VALUES ('C-{len(versions())}', 1)")
        before = versions()
        for owner, name, step in ((audit_table, "append", full), (Trail, "_still_told", lost)):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, step)
                with pytest.raises(LogProblem):
                    pseudonymize.run(spark, conf, "t", **asked)
            assert versions() == before, asked
        pseudonymize.run(spark, conf, "t", **asked)
        assert len(versions()) == len(before) + 1, asked
