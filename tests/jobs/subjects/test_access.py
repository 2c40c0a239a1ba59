"""What is held of one person, given to them: approved, told to the log, and only what is theirs."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import approve, reidentify, subject
from jobs.configuration.config import Config
from jobs.configuration.reversal_entry import Approver
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import restricted, restricted_texts
from jobs.monitoring import reversals as reversals_watched
from jobs.subject_access.request import Request
from jobs.subject_access.trail import Trail
from jobs.subjects.asked import Asked
from tests.helpers import reversals
from tests.helpers.audits import listed
from tests.helpers.persons import DOMAINS, PURPOSE, name
from tests.helpers.reversals import ANN, BOB, NOW

LATER = NOW + datetime.timedelta(minutes=1)


def request(*ids: str, domain: str = "person", actor: str = BOB) -> Request:
    return Request(Asked(domain, pa.array(ids or (name(3),))), actor, PURPOSE)


def approved(spark: SparkSession, lake: Path, conf: Config, wanted: Request, at_most: int = 10, hours: int = 24) -> str:
    key = reversals.signing_key(lake, ANN)
    return approve.of_person(spark, conf, wanted, key, at_most, hours, lambda told: None, NOW)


def told(spark: SparkSession, conf: Config) -> list[dict[str, Any]]:
    return listed(spark, conf, kinds=["subject_access"])


def test_all_that_is_held_of_one_person(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    approval, place = approved(spark, lake, conf, request()), tmp_path / "given"
    assert name(3) not in approval
    warned = list[Any]()
    given = subject.run(spark, conf, request(), approval, str(place), warned.append, LATER)
    assert not warned
    assert {each.name for each in place.iterdir() if not each.name.startswith((".", "_"))} == {
        "index.json",
        "rows.t.jsonl",
    }
    assert place.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in place.glob("*.json*")} == {0o600}
    rows = [json.loads(line) for line in (place / "rows.t.jsonl").read_text().splitlines()]
    own, other = sorted(rows, key=lambda row: len(row), reverse=True)
    stored = {row["other"]: row for row in spark.read.format("delta").load(f"{lake}/treated/t").collect()}
    mine, theirs = stored[3], stored[2]["id"]
    assert own["id"] == own["odd.name `x`"] == mine["id"] == other["lines"][0]["who"]
    assert own["lines"] == [{"who": mine["id"], "n": 1}]
    assert own["m"] == [{"key": mine["id"], "value": "x"}]
    assert [[each["v"] for each in level["x"] or ()] for level in own["deep"]] == [["a"], [], []]
    assert json.loads(own["doc"])["who"] == [{"id": mine["id"]}]
    assert own["amount"] == 3
    assert "docs" not in own, "mail addresses in an array: whose they are nobody knows"
    assert other.keys() == {"lines", "m", "deep", "doc"}, "the row of somebody else, in which the person stands"
    assert other["lines"] == [{"who": mine["id"], "n": 2}]
    assert theirs not in (place / "rows.t.jsonl").read_text()
    index = json.loads((place / "index.json").read_text())
    (table,) = index["tables"]
    assert (table["table"], table["rows"], table["purposes"]) == ("t", 2, "not stated")
    assert {column["column"]: column["pseudonyms"] for column in table["columns"]}["id"] == [mine["id"]]
    assert "docs" in table["withheld_since_about_others"]
    leaves = told(spark, conf)
    assert [leaf["outcome"] for leaf in leaves[-2:]] == ["started", "done"]
    text = json.dumps(leaves)
    assert not any(secret in text for secret in (name(3), mine["id"]))
    assert "rows" not in leaves[-2]["body"]
    with pytest.raises(Refused, match="the approval counts once, and was used"):
        subject.run(spark, conf, request(), approval, str(tmp_path / "again"), now=LATER)
    assert not (tmp_path / "again").exists()
    with pytest.raises(Refused, match="may be there until"):
        subject.expire(spark, conf, str(place), LATER)
    assert reidentify.expire(spark, conf, str(place), NOW + datetime.timedelta(hours=25)) == given.run_id
    assert not place.exists()
    nobody, out = request("nobody"), str(tmp_path / "of nobody")
    subject.run(spark, conf, nobody, approved(spark, lake, conf, nobody), out, warned.append, LATER)
    assert ["no row was found" in each.message for each in warned] == [True], "an id may be spelled otherwise"


def test_what_was_not_approved_is_refused(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    """Each refusal is told to the log, and nothing is written."""
    approval, out = approved(spark, lake, conf, request(), at_most=1), str(tmp_path / "out")
    cases: list[tuple[Request, str | None, datetime.datetime, str]] = [
        (request(), None, LATER, "there is no approval"),
        (request(), approval.replace("payload", "payloax", 1), LATER, "signed by no approver"),
        (request(name(4)), approval, LATER, "it is of another person"),
        (request(name(3), name(4)), approval, LATER, "it is of another person"),
        (request(domain="mail"), approval, LATER, "it is of another person"),
        (request(actor="eve@example.org"), approval, LATER, "it is for another actor"),
        (request(), approval, NOW + datetime.timedelta(hours=24), "it expired at"),
        (request(), approval, NOW - datetime.timedelta(hours=1), "it counts from"),
        (request(), approval, LATER, "more rows than the 1 that are allowed"),
    ]
    before = len(told(spark, conf))
    for wanted, given, now, why in cases:
        with pytest.raises(Refused, match=why):
            subject.run(spark, conf, wanted, given, out, now=now)
    assert [leaf["outcome"] for leaf in told(spark, conf)[before:]] == ["refused"] * len(cases)
    assert not Path(out).exists()


def test_who_may_not_sign(spark: SparkSession, lake: Path, conf: Config) -> None:
    with pytest.raises(Refused, match=f"does not let {ANN} approve t: nr"):
        approved(spark, lake, bounded(lake, conf, domains=["person", "mail"]), request("70000000003", domain="number"))
    with pytest.raises(Refused, match="would sign it for themselves"):
        approved(spark, lake, conf, request(actor="ANN@example.org"))
    with pytest.raises(Refused, match=r"up to 51 rows, and policy\.yaml allows 50; .* more than the 72 hours"):
        approved(spark, lake, conf, request(), at_most=51, hours=73)
    with pytest.raises(BadUsage, match="those of one person"):
        request(*map(name, range(101)))


def test_who_signs_may_approve_all_that_a_row_gives_out(spark: SparkSession, lake: Path, conf: Config) -> None:
    """Not the searched columns alone. ``gone`` is dropped, so that no row has it."""
    others = [name for name in (*DOMAINS, "token") if name != "mail"]
    for bounds, columns in (
        ({"domains": others}, "t: mail; t: home.who; t: docs[]:$.who[*].id"),
        ({"classes": ["direct_identifier", "quasi_identifier", "sensitive"]}, "t: amount; t: lines[].n"),
    ):
        with pytest.raises(Refused, match="does not let") as refused:
            approved(spark, lake, bounded(lake, conf, **bounds), request())
        told = str(refused.value).partition(" approve ")[2]
        assert {*told.split("; ")} == {*columns.split("; ")}


def bounded(lake: Path, conf: Config, **bounds: Any) -> Config:
    """The same where Ann may approve less."""
    access = conf.policy.subject_access
    assert access is not None
    ann = Approver.model_validate(reversals.approver(lake, ANN, **bounds))
    policy = conf.policy.model_copy(update={"subject_access": access.model_copy(update={"approvers": (ann,)})})
    return dataclasses.replace(conf, policy=policy)


def test_a_run_that_fails_leaves_nothing(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval, place = approved(spark, lake, conf, request()), tmp_path / "out"
    written = restricted_texts._written

    def fails(*given: Any) -> None:
        written(*given)
        raise OSError(name(3))

    monkeypatch.setattr(restricted_texts, "_written", fails)
    with pytest.raises(OSError, match="person"):
        subject.run(spark, conf, request(), approval, str(place), now=LATER)
    assert not place.exists()
    last = told(spark, conf)[-1]
    assert (last["outcome"], last["body"]["left"]) == ("failed", False)
    assert name(3) not in json.dumps(last)


def test_what_a_killed_run_left_is_watched_and_removed(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the first file: nobody tells how it ended, and nothing is taken away."""
    approval, place, written = approved(spark, lake, conf, request()), tmp_path / "out", restricted_texts._written

    def dies(*given: Any) -> None:
        written(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(restricted_texts, "_written", dies)
    monkeypatch.setattr(restricted, "undo", lambda *given: None)
    monkeypatch.setattr(Trail, "failed", lambda *given, **more: None)
    with pytest.raises(KeyboardInterrupt):
        subject.run(spark, conf, request(), approval, str(place), now=LATER)
    assert (place / "rows.t.jsonl").exists()
    assert not (place / "index.json").exists()
    after = NOW + datetime.timedelta(hours=25)
    assert [each.message for each in reversals_watched.findings(spark, conf, after) if str(place) in each.message]
    subject.expire(spark, conf, str(place), after)
    assert not place.exists()
    assert not [each for each in reversals_watched.findings(spark, conf, after) if str(place) in each.message]


def test_a_plan_reads_nobody(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text(f"id\n{name(3)}\n")
    plan = ["--conf", str(lake / "conf"), "--domain", "area", "--ids", str(ids), "--plan"]
    assert subject.main(plan) == 0
    out = capsys.readouterr().out
    assert "no table can be searched for domain area\nnot searched: t: area: truncate gives different" in out
    assert subject.main([*plan[:3], "person", *plan[4:], "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["column"] for each in said["tables"][0]["columns"]][:2] == ["`odd.name ``x```", "deep[].x[].who"]
    assert name(3) not in json.dumps(said)
