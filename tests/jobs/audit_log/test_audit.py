"""The log of runs: what each kind of run leaves in it, that appends at once are exact, and what happens without it."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import audit, pseudonymize
from jobs.audit import Asked
from jobs.audit_log import log as audit_log
from jobs.audit_log import merkle, settling
from jobs.audit_log.leaves import now
from jobs.audit_log.log import LogProblem
from jobs.configuration import config
from jobs.console.exit_codes import FAILED, REFUSED, Refused
from jobs.lake import audit_table
from jobs.record.record_reader import RecordProblem
from jobs.run_events.events import Event, Warned
from jobs.signatures import checkpoints, envelopes, keys
from jobs.table_run import audited as told_by_runs
from privacy_udfs.errors import LakenymError
from tests.helpers import quarantines
from tests.helpers.audits import COLUMNS, ORIGIN, audited, envelope, kinds, listed, raw, verified, with_log, wrong
from tests.helpers.lakes import column, properties, table, treated

OF_RUN = ["run_started", "key_use", "run_committed"]


def trusted(spark: SparkSession, conf: config.Config) -> tuple[keys.PublicKey, ...]:
    return keys.parsed([audit.run(spark, conf, "key")])


def test_a_run_is_told_of_and_all_of_it_is_proven(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    raw(spark, lake)
    conf = audited(lake)
    first = pseudonymize.run(spark, conf, "t")
    start, use, end = listed(spark, conf)
    assert [start["kind"], use["kind"], end["kind"]] == OF_RUN
    assert {start["run_id"], use["run_id"], end["run_id"]} == {first.run_id}
    assert start["body"]["version"] == -1
    assert use["body"]["key"] == "crm"
    assert use["body"]["for"] == [["keyed_hash", "customer"]]
    assert end["body"] | {"version": 0, "rows": 3, "mode": "full", "checkpoint": True} == end["body"]
    assert end["body"]["columns"] == {"id": [3, 0, 0]}  # what is kept is not counted
    assert end["body"]["configuration_sha256"] == properties(spark, lake)["privacy.config.sha256"]
    assert end["body"]["files"] == file_sums(lake, 0)
    # a statement, a checkpoint, and nothing is wrong
    note = (lake / "checkpoints" / "checkpoint-00000000000000000003.txt").read_text()
    tree = checkpoints.opened(note, ORIGIN, trusted(spark, conf))
    assert (tree.size, tree.more[0].split()[1]) == (3, "0")
    assert base64.b64decode(tree.more[0].split()[2]).hex() == end["body"]["files"]["sha256"]
    statement = envelopes.opened(envelope(lake), trusted(spark, conf))
    assert statement["subject"][0] == {"name": "t@0", "digest": {"sha256": end["body"]["files"]["sha256"]}}
    assert statement["predicate"]["record"] == json.loads(properties(spark, lake)["privacy.record"])
    assert json.loads(audit.run(spark, conf, "statement", Asked(row=2))) == envelope(lake)
    assert verified(spark, conf).findings == ()
    # more of it, another policy, and proofs
    policy = lake / "conf" / "policy.yaml"
    policy.write_text(policy.read_text().replace("2026-11", "2026-12"))
    conf = config.load(lake / "conf")
    pseudonymize.run(spark, conf, "t")
    rows = listed(spark, conf)
    assert [row["kind"] for row in rows] == [*OF_RUN, "policy_change", *OF_RUN]
    assert [row["index"] for row in listed(spark, conf, kinds=["run_committed"], tables=["t"])] == [2, 6]
    assert listed(spark, conf, since=rows[3]["time"]) == rows[3:]
    key = audit.run(spark, conf, "key")
    proof = audit.run(spark, conf, "prove", Asked(row=4))
    assert audit.check(Asked(proof=json.dumps(proof), trusted=[key])) == f"leaf 4 is in the log {ORIGIN} of 7 leaves"
    proof = audit.run(spark, conf, "prove", Asked(earlier=note))
    told = f"the log {ORIGIN} of 7 leaves begins with that of 3"
    assert audit.check(Asked(proof=json.dumps(proof), trusted=[key])) == told
    with pytest.raises(Refused, match="this proves nothing"):
        audit.check(Asked(proof=json.dumps({**proof, "path": proof["path"][1:]}), trusted=[key]))
    assert "C-100" not in json.dumps(rows)
    assert verified(spark, conf).findings == ()


def file_sums(lake: Path, version: int) -> dict[str, Any]:
    """By the log's own file, with no code of ours: as docs/audit.md says."""
    import hashlib

    lines = (lake / "treated" / "t" / "_delta_log" / f"{version:020}.json").read_text().splitlines()
    files = sorted((add["path"], add["size"]) for line in lines if (add := json.loads(line).get("add")))
    text = "".join(f'["{path}",{size},""]\n' for path, size in files)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"count": len(files), "bytes": sum(size for _, size in files), "sha256": digest}


def test_without_it_nothing_changes(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    conf = audited(lake)
    (lake / "conf" / "audit.yaml").unlink()
    pseudonymize.run(spark, config.load(lake / "conf"), "t")
    assert not (lake / "audit").exists()
    assert conf.audit is not None


def test_a_dry_run_writes_nothing(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw(spark, lake)
    audited(lake, table("t", lake, {"id": COLUMNS["id"]}))
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "t", "--dry-run"]) == REFUSED
    assert not (lake / "audit").exists()
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "t"]) == REFUSED
    conf = config.load(lake / "conf")
    assert kinds(spark, conf) == ["run_refused"]
    assert listed(spark, conf)[0]["body"]["reason"].startswith("t: ")
    assert verified(spark, conf).is_whole


@pytest.mark.sweep
def test_a_run_that_fails_is_told_of(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    conf = audited(lake, table("t", lake, {**COLUMNS, "id": column(FPE, "direct_identifier")}))
    with pytest.raises(LakenymError):
        pseudonymize.run(spark, conf, "t")
    found = listed(spark, conf)
    assert [row["kind"] for row in found] == ["run_started", "key_use", "run_failed"]
    assert "C-100" not in json.dumps(found)
    assert found[2]["body"]["error"] in ("RunFailed", "RefusedAt")
    (noted,) = verified(spark, conf).findings
    assert (noted.level, noted.where) == ("note", "checkpoints"), "only runs that commit leave one"


FPE = {"technique": "format_preserving_encryption", "key": "crm", "alphabet": "digits"}


def test_a_log_that_cannot_be_written_stops_the_run(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    conf = audited(lake)
    (lake / "audit").mkdir()
    (lake / "audit" / "other").write_text("x")
    with pytest.raises(LogProblem, match="the audit log cannot be written, and nothing was committed") as caught:
        pseudonymize.run(spark, conf, "t")
    assert caught.value.exit_code == FAILED
    assert not (lake / "treated").exists()
    shutil.rmtree(lake / "audit")
    (lake / "keys" / "log.json").unlink()
    with pytest.raises(LogProblem, match="nothing was committed"):
        pseudonymize.run(spark, conf, "t")
    assert not (lake / "treated").exists()


def test_an_end_that_cannot_be_told_is_told_by_the_next_run(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake)
    conf = audited(lake)
    append, calls = audit_log.Log.append, []

    def once(self: Any, make: Any) -> Any:
        calls.append(make)
        if len(calls) == 2:
            raise RuntimeError("the disk is full of C-1001")
        return append(self, make)

    with monkeypatch.context() as patch:
        patch.setattr(audit_log.Log, "append", once)
        with pytest.raises(LogProblem, match="version 0 was committed, and the audit log does not say so") as caught:
            pseudonymize.run(spark, conf, "t")
    assert "C-1001" not in str(caught.value)
    assert caught.value.exit_code == FAILED
    assert treated(spark, lake).count() == 3
    assert kinds(spark, conf) == ["run_started", "key_use"]
    notes = [str(each) for each in verified(spark, conf).findings]
    assert len(notes) == 2
    assert "nothing was held against a signature" in notes[0]
    assert notes[1].endswith("of t was started and has not told how it ended")
    assert audit.run(spark, conf, "settle") == []  # it may be about to tell
    monkeypatch.setattr(settling, "PATIENCE", settling.PATIENCE * 0)
    monkeypatch.setattr(settling.settle, "__defaults__", (None, settling.PATIENCE))
    pseudonymize.run(spark, conf, "t")
    assert kinds(spark, conf) == ["run_started", "key_use", *OF_RUN, "run_committed"]
    settled = listed(spark, conf)[-1]
    assert settled["run_id"] == listed(spark, conf)[0]["run_id"]
    assert (settled["body"]["version"], settled["body"]["rows"]) == (0, 3)
    assert settled["body"]["files"] == file_sums(lake, 0)
    assert verified(spark, conf).findings == ()


@pytest.mark.sweep
def test_a_log_that_was_cut_is_not_written_on(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    conf = audited(lake)
    pseudonymize.run(spark, conf, "t")
    shutil.rmtree(lake / "audit")
    with pytest.raises(LogProblem, match="has 0 rows, and a checkpoint of 3 was signed: rows were taken away"):
        pseudonymize.run(spark, conf, "t")
    assert wrong(spark, conf)


def test_appends_at_once_take_no_index_twice(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As drivers of their own do: nothing but Delta's commit keeps them apart."""

    class Free:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    conf = audited(lake, checkpoints=None)
    monkeypatch.setattr(audit_table, "APPENDING", Free())
    monkeypatch.setattr(audit_table, "ATTEMPTS", 60)

    def add(at: int) -> None:
        log = audit_log.opened(spark, conf)
        assert log is not None
        for each in range(3):
            leaf = log.leaf("key_use", now(), run_id=f"{at}-{each}")
            log.append(lambda state, leaf=leaf: [leaf])  # type: ignore[misc]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    found = listed(spark, conf)
    assert [row["index"] for row in found] == list(range(12))
    assert sorted(row["run_id"] for row in found) == sorted(f"{at}-{each}" for at in range(4) for each in range(3))
    noted = verified(spark, conf).findings
    assert [each.level for each in noted] == ["note"], "that nothing is signed is all there is to say"


@pytest.mark.sweep
def test_tables_side_by_side_and_a_stream(spark: SparkSession, lake: Path) -> None:
    names = ("a", "b")
    for name in names:
        raw(spark, lake, name)
    grows = {"path": str(lake / "treated" / "b"), "mode": "stream"}
    conf = audited(lake, table("a", lake, COLUMNS), table("b", lake, COLUMNS, target=grows))
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--all", "--parallel", "2"]) == 0
    raw(spark, lake, "b", [("C-1004", 4)])
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "b"]) == 0
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "b"]) == 0  # nothing is new
    ends = [
        (row["table"], row["body"]["mode"], row["body"]["rows"]) for row in listed(spark, conf, kinds=["run_committed"])
    ]
    assert sorted(ends) == [("a", "full", 3), ("b", "full", 3), ("b", "incremental", 1)]
    assert verified(spark, conf).findings == ()
    assert merkle.root_of([]) != verified(spark, conf).root


def test_a_refusal_that_cannot_be_told_is_warned_of(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake)
    conf, heard = audited(lake, table("t", lake, {"id": COLUMNS["id"]})), list[Event]()

    def fails(*_: object) -> None:
        raise RecordProblem("no")

    monkeypatch.setattr(told_by_runs.audit_log, "opened", fails)
    with pytest.raises(LakenymError, match="amount"):
        pseudonymize.run(spark, conf, "t", report=heard.append)
    assert [each.message for each in heard if isinstance(each, Warned)][-1].startswith(
        "the audit log does not say that"
    )


@pytest.mark.sweep
def test_every_mode_is_told_of(spark: SparkSession, lake: Path) -> None:
    """And what stands in quarantine, treated again: once in vain, then to the target."""
    quarantines.put(quarantines.rows(spark, 0, 20, "id = 3"), lake, partition="day")

    def run(columns: Any = None, mode: Any = "full", **more: Any) -> str:
        target = {"path": f"{lake}/treated/t", "partition_by": ["day"], "mode": "incremental", "key": ["id"]}
        (lake / "conf" / "audit.yaml").unlink(missing_ok=True)
        quarantines.configured(lake, target=target, columns=columns or {})
        pseudonymize.run(spark, with_log(lake), "t", mode=mode, **more)
        end = listed(spark, with_log(lake), tables=["t"])[-1]
        return f"{end['kind']} {end['body'].get('mode')} {end['body'].get('rows')} {end['body'].get('quarantined')}"

    assert run() == "run_committed full 19 1"
    quarantines.put(quarantines.rows(spark, 20, 30), lake)
    assert run(mode="incremental") == "run_committed incremental 10 0"
    assert run(mode="incremental", requeue=True) == "run_unchanged None None None"
    assert run(quarantines.NULLED, mode="incremental", requeue=True) == "run_committed requeue 1 0"
    assert run(quarantines.NULLED, mode="partitions", where="day = 1") == "run_committed partitions 10 0"
    conf = with_log(lake)
    uses = {row["body"]["key"]: row["body"]["for"] for row in listed(spark, conf, kinds=["key_use"])}
    assert uses["aside"][0][0] == "quarantine"
    assert quarantines.CANARY not in json.dumps(listed(spark, conf))
    assert verified(spark, conf).findings == ()


@pytest.mark.sweep
def test_changes_and_tables_by_name_are_told_of(spark: SparkSession, lake: Path) -> None:
    """The log is a table of the catalog too."""
    feed = "TBLPROPERTIES (delta.enableChangeDataFeed = true)"
    spark.sql(f"CREATE TABLE delta.`{lake}/raw/t` (id string, amount int) USING delta {feed}")
    spark.sql(f"INSERT INTO delta.`{lake}/raw/t` VALUES ('C-1001', 1), ('C-1002', 2)")
    spark.sql("CREATE DATABASE IF NOT EXISTS audited")
    source = {"format": "delta", "path": f"{lake}/raw/t"}
    target = {"table": "audited.t", "mode": "changes", "key": ["id"]}
    conf = audited(lake, table("t", lake, COLUMNS, source=source, target=target), table={"table": "audited.log"})
    try:
        pseudonymize.run(spark, conf, "t")
        spark.sql(f"DELETE FROM delta.`{lake}/raw/t` WHERE amount = 1")
        spark.sql(f"INSERT INTO delta.`{lake}/raw/t` VALUES ('C-1003', 3)")
        pseudonymize.run(spark, conf, "t")
        ends = listed(spark, conf, kinds=["run_committed"])
        assert [end["body"]["mode"] for end in ends] == ["full", "changes"]
        assert ends[1]["body"]["changed"] | {"inserted": 1, "deleted": 1} == ends[1]["body"]["changed"]
        assert verified(spark, conf).findings == ()
        spark.sql("ALTER TABLE audited.log SET TBLPROPERTIES (delta.appendOnly = false)")
        spark.sql("DELETE FROM audited.log WHERE index = 5")
        assert wrong(spark, conf)
        with pytest.raises(LogProblem, match="is no longer append-only"):
            pseudonymize.run(spark, conf, "t", mode="full")
    finally:
        spark.sql("DROP DATABASE audited CASCADE")
