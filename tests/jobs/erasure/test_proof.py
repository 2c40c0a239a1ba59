"""An erasure with all that it leaves behind: the list, the audit log, a receipt; and what comes of a receipt later."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import erase, history, pseudonymize, verify
from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import carried_out, off_list, off_list_approval, proof, receipt_check, receipt_job, trail
from jobs.erasure.carried_out import Wanted
from jobs.erasure.outcome import TableErased
from jobs.erasure.receipt import Receipt
from jobs.lake import erased_list, log_left, state, table_files
from jobs.report_pages.facts import run_history
from jobs.report_pages.facts.evidence_facts import Runs
from jobs.run_events import events
from jobs.signatures.keys import SigningKey
from jobs.signatures.problem import NotSigned
from jobs.subjects.asked import Asked
from tests.helpers import audits, erased_lists, lakes
from tests.helpers.reversals import ANN, BOB, approver, edit, signing_key

COLUMNS = {"id": {"domain": "customer"}, "number": "keep"}


def wanted(ids: Sequence[str]) -> Wanted:
    return Wanted(Asked("customer", pa.array(list(ids))))


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Config:
    spark.range(20).selectExpr("concat('C-', id) AS id", "int(id) AS number").write.format("delta").save(
        str(lake / "raw" / "t")
    )
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, source=source))
    erased_lists.stated(lake, erased_lists.listed(spark, lake))
    return audits.with_log(lake)


def there(spark: SparkSession, lake: Path) -> set[int]:
    return {row.number for row in lakes.treated(spark, lake).collect()}


def test_who_is_erased_is_out_told_and_proven(spark: SparkSession, lake: Path, conf: Config) -> None:
    pseudonymize.run(spark, conf, "t")
    file = lake / "receipt.json"
    made = erase.run(spark, conf, wanted(["C-3", "C-5"]), receipt=file)
    assert there(spark, lake) == {*range(20)} - {3, 5}
    again = pseudonymize.run(spark, conf, "t")
    assert (again.rows, again.kept_out) == (18, "< 10"), "no --accept-deleted-rows: they are kept out"
    checks = {each.name: each.outcome for each in verify.run(spark, conf, "t").checks}
    assert {checks["rows anew"], checks["counts"]} == {"holds"}, checks
    found, told, among = receipt_job.verified(spark, conf, file, asked=Asked("customer", pa.array(["C-5", "C-6"])))
    assert made.nowhere == 0, "a receipt does not say it"
    assert found.outcome == dataclasses.replace(made, moment=made.moment.replace(microsecond=0), nowhere=None)
    assert among == (1, 2)
    assert {each.outcome for each in told} <= {"ok", "waits", "unknown"}, told
    assert not [each for each in told if "anew" in each.told], "a run in full since says that it left them out"
    log = audit_log.opened(spark, conf)
    assert log is not None
    rows = erasure_rows.leaves(log)
    assert [each.outcome for each in rows] == ["began", "erased", "waits"]
    assert len({each.body["same"] for each in rows}) == 1
    assert rows[1].body["rows"] == "< 10"
    gone = {"version": 1, "what": "erasure", "rows": "< 10", "receipt": made.run_id}
    assert history.run(spark, conf, "erasures") == [{"table": "t", **gone}], "never who, nor when"
    shown = run_history.of_table(dict.fromkeys(range(3), "then"), state.inspect(spark, conf.tables["t"].target))
    assert isinstance(shown, Runs)
    assert [(each.version, each.at, each.by) for each in shown.shown] == [
        (2, "then", "a run"), (1, "not told", "an erasure"), (0, "then", "a run")
    ]  # fmt: skip
    for text in (*(each.text() for each in rows), file.read_text(encoding="utf-8")):
        assert "C-3" not in text
        assert "C-5" not in text
    with pytest.raises(BadUsage, match="there is a file already"):
        erase.run(spark, conf, wanted(["C-3"]), receipt=file)
    conf, key = approved(lake, conf)
    request = off_list.Request(Asked("customer", pa.array(["C-3", "C-5"])), BOB, "customers again")
    text = off_list_approval.signed(off_list.to_sign(conf, request, key, 24)[0], key)
    assert made.until is not None
    assert off_list.taken_off(spark, conf, request, text).not_purged == made.until.isoformat()
    assert receipt_job.LET_GO in [each.told for each in receipt_job.verified(spark, conf, file)[1]]


def approved(lake: Path, conf: Config) -> tuple[Config, SigningKey]:
    """With somebody who may approve that subjects are taken off the list, and their key."""
    stated = conf.policy.erasure
    assert stated is not None
    own = {**stated.model_dump(exclude_none=True), "approvers": [approver(lake, ANN, domains=["customer"])]}
    edit(lake / "conf" / "policy.yaml", erasure=own)
    return config.load(lake / "conf"), signing_key(lake, ANN)


def test_who_comes_back_is_taken_off_the_list(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a second person's word, once, that knew of each erasure; and a later one keeps them out again."""
    conf, key = approved(lake, conf)
    for at, ids in enumerate((["C-3", "C-5"], ["C-3"])):
        erased_lists.put(spark, conf, ids, run=f"run-{at}")
    assert pseudonymize.run(spark, conf, "t").rows == 18

    def request(*ids: str, actor: str = BOB) -> off_list.Request:
        return off_list.Request(Asked("customer", pa.array(list(ids))), actor, "a customer again")

    with pytest.raises(Refused, match="for themselves"):
        off_list.to_sign(conf, request("C-3", actor=ANN), key, 24)
    made, by = off_list.to_sign(conf, request("C-3"), key, 24)
    assert (by, "C-3" in made.statement()) == (ANN, False)
    text = off_list_approval.signed(made, key)
    for other in (request("C-5"), request("C-3", "C-5")):
        with pytest.raises(Refused, match="of other ids"):
            off_list.taken_off(spark, conf, other, text)
    with pytest.raises(Refused, match="there is no approval"):
        off_list.taken_off(spark, conf, request("C-3"), None)
    done = off_list.taken_off(spark, conf, request("C-3"), text)
    assert (done.subjects, done.found) == (1, 1)
    with pytest.raises(Refused, match="counts once"):
        off_list.taken_off(spark, conf, request("C-3"), text)
    assert pseudonymize.run(spark, conf, "t").rows == 19
    assert there(spark, lake) == {*range(20)} - {5}
    log = audit_log.opened(spark, conf)
    assert log is not None
    rows = erasure_rows.leaves(log)
    assert [each.outcome for each in rows] == ["off_list_began", "off_list"]
    assert not [*erasure_rows.standing(rows)], "monitors wait for no end of it"
    assert "C-3" not in "".join(each.text() for each in rows)
    early = off_list_approval.signed(off_list.to_sign(conf, request("C-3"), key, 24)[0], key)
    erased_lists.put(spark, conf, ["C-3"], run="run-9")
    assert pseudonymize.run(spark, conf, "t").rows == 18, "erased anew"
    with pytest.raises(Refused, match="erased again since it was signed"):
        off_list.taken_off(spark, conf, request("C-3"), early)
    text = off_list_approval.signed(off_list.to_sign(conf, request("C-3"), key, 24)[0], key)
    take_off = erased_list.take_off

    def slow(*given: Any) -> Any:
        erased_lists.put(spark, conf, ["C-3"], run="run-10")
        return take_off(*given)

    with monkeypatch.context() as patched:
        patched.setattr(erased_list, "take_off", slow)
        with pytest.raises(Refused, match="erased again meanwhile"):
            off_list.taken_off(spark, conf, request("C-3"), text)
    with pytest.raises(Refused, match="erased again since it was signed"):
        off_list.taken_off(spark, conf, request("C-3"), text)
    text = off_list_approval.signed(off_list.to_sign(conf, request("C-5"), key, 24)[0], key)
    trail.opened(spark, conf, "run-11", "customer", None, events.silent).began(["t"], 1)
    with pytest.raises(Refused, match="has put nobody on the list yet"):
        off_list.taken_off(spark, conf, request("C-5"), text)
    assert conf.policy.erasure is not None
    assert conf.policy.erasure.list is not None
    assert len(erased_list.looked(spark, conf.policy.erasure.list).codes({"customer"})) == 2, "both stand there"


@pytest.mark.sweep
def test_an_approval_that_was_begun_does_not_outlive_a_later_erasure(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudonymize.run(spark, conf, "t")
    conf, key = approved(lake, conf)
    erase.run(spark, conf, wanted(["C-3"]))
    request = off_list.Request(Asked("customer", pa.array(["C-3"])), BOB, "a customer again")
    text = off_list_approval.signed(off_list.to_sign(conf, request, key, 24)[0], key)
    take_off = erased_list.take_off

    def killed(*given: Any) -> None:
        take_off(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erased_list, "take_off", killed)
        for _ in range(2):  # it goes on
            with pytest.raises(KeyboardInterrupt):
                off_list.taken_off(spark, conf, request, text)
    assert conf.policy.erasure is not None
    assert conf.policy.erasure.list is not None
    assert erased_list.looked(spark, conf.policy.erasure.list).domains == frozenset(), "nobody stands there any more"
    erase.run(spark, conf, wanted(["C-3"]))
    with pytest.raises(Refused, match="was begun, and somebody of the domain was erased since"):
        off_list.taken_off(spark, conf, request, text)
    assert erased_list.looked(spark, conf.policy.erasure.list).domains == {"customer"}


@pytest.mark.sweep
def test_what_a_killed_erasure_took_out_is_told(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudonymize.run(spark, conf, "t")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(carried_out, "_of_others", killed)
    with pytest.raises(KeyboardInterrupt):
        erase.run(spark, conf, wanted(["C-3"]))
    log = audit_log.opened(spark, conf)
    assert log is not None
    assert [each.outcome for each in erasure_rows.leaves(log)] == ["began", "erased", "failed"]


@pytest.mark.sweep
def test_what_was_killed_before_it_told_is_told_by_the_run_that_goes_on(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudonymize.run(spark, conf, "t")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(proof.Proof, "erased", killed)
        with pytest.raises(KeyboardInterrupt):
            erase.run(spark, conf, wanted(["C-3", "C-5"]))
    assert there(spark, lake) == {*range(20)} - {3, 5}, "it was killed after its commit"
    erase.run(spark, conf, wanted(["C-7"]))
    file = lake / "receipt.json"
    again = erase.run(spark, conf, wanted(["C-3", "C-5"]), receipt=file)
    log = audit_log.opened(spark, conf)
    assert log is not None
    rows = erasure_rows.leaves(log)
    first = rows[0].run_id
    told = [each for each in rows if each.outcome == "erased" and each.run_id == first]
    assert [(each.table, each.body["rows"], each.body["told_by"]) for each in told] == [("t", "< 10", again.run_id)]
    assert told[0].body["version"] == told[0].body["before"] + 1
    found, checks, _ = receipt_job.verified(spark, conf, file)
    (earlier,) = found.outcome.earlier
    body = told[0].body
    assert (earlier.run_id, earlier.name, earlier.rows) == (first, "t", "< 10")
    assert (earlier.before, earlier.after) == (body["before"], body["version"])
    assert ("ok", f"version {earlier.after} is erasure {first}'s, which was killed") in [
        (each.outcome, each.told) for each in checks
    ]
    assert "nothing was taken out of it" not in [each.told for each in checks if each.table == "t"]
    later = lake / "later.json"
    erase.run(spark, conf, wanted(["C-3", "C-5"]), receipt=later)
    assert not receipt_job.verified(spark, conf, later)[0].outcome.earlier, "one receipt tells it"
    assert len([each for each in erasure_rows.leaves(log) if each.run_id == first]) == 3, "it is told once"

    def slow(own: proof.Proof, table: TableErased) -> None:
        if table.is_changed:
            erase.run(spark, conf, wanted(["C-9"]))  # which takes the first for dead
        whole(own, table)

    whole, known = proof.Proof.erased, len(erasure_rows.leaves(log))
    monkeypatch.setattr(proof.Proof, "erased", slow)
    slower = erase.run(spark, conf, wanted(["C-9"]))
    told = [each for each in erasure_rows.leaves(log)[known:] if each.outcome == "erased" and each.body["rows"]]
    assert [(each.run_id, "told_by" in each.body) for each in told] == [(slower.run_id, True)], "it is told once"


def said(spark: SparkSession, found: Receipt) -> list[tuple[str, str]]:
    """What is told of the table today."""
    told = receipt_check.checks(spark, found, datetime.date.today())
    return [(each.outcome, each.told) for each in told if each.table == "t"]


def test_what_is_there_after_its_day_is_told(spark: SparkSession, lake: Path, conf: Config) -> None:
    pseudonymize.run(spark, conf, "t")
    file = lake / "receipt.json"
    erase.run(spark, conf, wanted(["C-3"]), receipt=file)
    found = receipt_job.verified(spark, conf, file)[0]
    table = lake / "treated" / "t"
    stranger = shutil.copy2(next(table.glob("part-*.parquet")), table / "part-of-nobody.parquet")
    os.utime(stranger, (1, 1))
    later = datetime.date(2036, 1, 1)
    told = {each.told.partition(":")[0]: each.outcome for each in receipt_check.checks(spark, found, later)}
    assert told["data file"] == "fails"
    (number,) = (each.count for each in found.outcome.tables[0].remains if each.kind == "data_file")
    assert any(f"data file: {number} from before" in each.told for each in receipt_check.checks(spark, found, later))
    at, (done,) = f"delta.`{table}`", found.outcome.tables
    assert ("ok", f"version {done.after} is this erasure's") in said(spark, found)
    assert not [told for outcome, told in said(spark, found) if outcome == "unknown" and "anew" in told]
    spark.sql(f"CREATE OR REPLACE TABLE {at} USING delta AS SELECT * FROM {at} VERSION AS OF {done.before}")
    assert 3 in there(spark, lake), "they are back"
    (anew,) = [told for outcome, told in said(spark, found) if outcome == "unknown" and "anew" in told]
    assert f"version {done.after + 1} wrote the whole table anew" in anew
    spark.sql(f"RESTORE {at} TO VERSION AS OF {done.before}")
    assert any(outcome == "fails" and "put an older one back" in told for outcome, told in said(spark, found))
    assert log_left.cleared(spark, str(table), done.after + 2, table_files.now())
    unseen = [told for outcome, told in said(spark, found) if outcome == "unknown"]
    for words in ("is older than what the log keeps", "the log does not have every commit since"):
        assert any(words in told for told in unseen), words
    shutil.rmtree(lake / "treated" / "t" / "_delta_log")
    assert [each.outcome for each in receipt_check.checks(spark, found, later) if each.table == "t"] == ["fails"]
    shutil.rmtree(lake / "treated" / "t")
    assert [each.outcome for each in receipt_check.checks(spark, found, later) if each.table == "t"] == ["unknown"]
    file.write_text(file.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    with pytest.raises(NotSigned):
        receipt_job.verified(spark, conf, file)
