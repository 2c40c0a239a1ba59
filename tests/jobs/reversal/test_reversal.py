"""The way back: each reversible technique and type, each refusal told and with nothing shown, once only."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime
import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize, reidentify
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import restricted
from jobs.monitoring import reversals as watched
from jobs.reversal.asked import of_tokens
from jobs.signatures import envelopes
from privacy_udfs.errors import LakenymError
from tests.helpers import reversals
from tests.helpers.audits import envelope, verified
from tests.helpers.lakes import properties
from tests.helpers.reversals import (
    ANN,
    BACK,
    BOB,
    EVE,
    NOW,
    SCHEMA,
    approved,
    asked,
    configured,
    reloaded,
    rows,
    signing_key,
    told,
    turned,
)
from tests.helpers.sweeps import but_for

HOUR = datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A treated table, which no test of this module changes, and a log that all of them add to."""
    made = tmp_path_factory.mktemp("reversal")
    spark.createDataFrame(rows(), SCHEMA).coalesce(1).write.parquet(f"{made}/raw/t")
    pseudonymize.run(spark, configured(made), "t")
    return made


@pytest.fixture
def conf(lake: Path) -> Config:
    return configured(lake)


def by_amount(found: list[Any]) -> dict[int, dict[str, Any]]:
    return {row["amount"]: row.asDict(recursive=True) for row in found}


@pytest.mark.parametrize("of_source", but_for([False], [False, True]))
def test_every_type_comes_back_as_it_was(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, of_source: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if of_source:
        monkeypatch.setattr("jobs.record.original_types.of", lambda properties: {})
    else:
        assert json.loads(properties(spark, lake)["privacy.types"])["paid"] == "decimal(12,2)"
    wanted = asked(*BACK, beside=("amount",))
    done = turned(spark, conf, wanted, approved(spark, lake, conf, wanted), output=str(tmp_path / "out"))
    found = spark.read.format("delta").load(str(tmp_path / "out"))
    kept = [name for name in spark.createDataFrame([], SCHEMA).columns if name != "code"]
    assert found.columns == kept
    original = spark.createDataFrame(rows(), SCHEMA).selectExpr(
        *(name for name in kept if name not in ("home", "orders")),
        "IF(home IS NULL, NULL, struct(home.street AS street)) AS home",
        "transform(orders, each -> struct(each.sku AS sku)) AS orders",
    )
    assert by_amount(found.collect()) == by_amount(original.select(*kept).collect())
    assert [f.dataType.simpleString() for f in found.schema] == [
        f.dataType.simpleString() for f in original.select(*kept).schema
    ]
    assert done.rows == 3


def test_what_is_written_is_for_one_person_and_a_time(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    wanted, out = asked("email", "orders[].sku", where="amount = 10"), tmp_path / "out"
    before = len(told(spark, conf))
    done = turned(spark, conf, wanted, approved(spark, lake, conf, wanted), output=str(out))
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o700
    shown = {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES delta.`{out}`").collect()}
    assert (
        shown
        | {
            "lakenym.reversal.actor": BOB,
            "lakenym.reversal.purpose": reversals.PURPOSE,
            "lakenym.reversal.approval": done.approval,
            "lakenym.reversal.expires": "2026-11-29T12:00:00Z",
            "lakenym.reversal.run": done.run_id,
        }
        == shown
    )
    log = "".join(path.read_text() for path in (out / "_delta_log").glob("*.json"))
    assert len(list((out / "_delta_log").glob("*.json"))) == 1, "one commit"
    assert "canary" not in log, "Delta's statistics would tell values"
    started, ended = told(spark, conf)[before:]
    assert [started["outcome"], ended["outcome"]] == ["started", "done"]
    assert {started["run_id"], ended["run_id"]} == {done.run_id}
    body = started["body"]
    assert body | {"approver": ANN, "actor": BOB, "rows": 1, "columns": ["email", "orders[].sku"]} == body
    assert body["rows_sha256"] == hashlib.sha256(b"amount = 10").hexdigest()
    assert "canary" not in json.dumps([started, ended])
    # its time
    with pytest.raises(Refused, match="may be there until 2026-11-29T12:00:00Z"):
        reidentify.expire(spark, conf, str(out), NOW + HOUR)
    assert out.exists()
    reidentify.expire(spark, conf, str(out), NOW + 25 * HOUR)
    assert not out.exists()
    assert told(spark, conf)[-1]["outcome"] == "removed"
    out.mkdir()
    (out / "of_another").touch()
    with pytest.raises(Refused, match="was removed before"):
        reidentify.expire(spark, conf, str(out), NOW + 25 * HOUR)
    with pytest.raises(Refused, match="knows of no run that wrote"):
        reidentify.expire(spark, conf, str(tmp_path), NOW)
    assert verified(spark, conf).is_whole


def test_what_a_killed_run_leaves_is_watched_and_removed(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of its files, no table, nothing cleaned up. Not another's folder at the same place."""
    wanted, out = asked("email", where="amount = 10"), tmp_path / "killed"

    def killed(*given: object, **more: object) -> None:
        (out / "part-0.parquet").write_bytes(b"canary")
        raise BadUsage("killed")

    with monkeypatch.context() as patched:
        patched.setattr("jobs.lake.replace.replace", killed)
        patched.setattr(restricted, "_delete", lambda *given: None)
        with pytest.raises(BadUsage, match="killed"):
            turned(spark, conf, wanted, approved(spark, lake, conf, wanted), output=str(out))
    row = told(spark, conf)[-1]
    assert (row["outcome"], row["body"]["left"]) == ("failed", True)
    late = NOW + 25 * HOUR
    assert any(str(out) in each.message for each in watched.findings(spark, conf, late) if each.level == "alert")
    marker = (out / restricted.MARKER).rename(tmp_path / "marker")
    with pytest.raises(Refused, match="is not what run"):
        reidentify.expire(spark, conf, str(out), late)
    assert (out / "part-0.parquet").exists()
    marker.rename(out / restricted.MARKER)
    assert reidentify.expire(spark, conf, str(out), late) == row["run_id"]
    assert not out.exists()
    assert not any(str(out) in each.message for each in watched.findings(spark, conf, late))


def test_a_run_that_is_late_takes_nothing_of_a_faster_one_away(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found the place free; the other one has closed it, and writes its files."""
    wanted, out, real = asked("email", where="amount = 10"), tmp_path / "both", restricted.closed

    def late(of: SparkSession, place: str, run_id: str) -> None:
        real(of, place, "another run")
        (out / "part-0.parquet").write_bytes(b"of another run")
        real(of, place, run_id)

    with monkeypatch.context() as patched:
        patched.setattr(restricted, "closed", late)
        with pytest.raises(LakenymError):
            turned(spark, conf, wanted, approved(spark, lake, conf, wanted), output=str(out))
    assert (out / "part-0.parquet").read_bytes() == b"of another run"
    assert restricted.run_of(spark, str(out)) == "another run"
    row = told(spark, conf)[-1]
    assert (row["outcome"], row["body"]["left"]) == ("failed", True)


def test_tokens_choose_rows_and_values_may_be_masked(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    treated = {row["amount"]: row for row in spark.read.format("delta").load(f"{lake}/treated/t").collect()}
    (tmp_path / "tokens").write_text(f"{treated[20]['email']}\nnone\n{treated[20]['email']}\n")
    wanted = asked("email", rows=of_tokens(tmp_path / "tokens"), form="masked", beside=("amount",))
    approval = approved(spark, lake, conf, wanted)
    found = turned(spark, conf, wanted, approval).shown
    assert found is not None
    assert found.to_pylist() == [{"email": "****************.org", "amount": 20}]
    (tmp_path / "tokens").write_text(f"{treated[10]['email']}\n")
    with pytest.raises(Refused, match="it is of other rows"):
        turned(spark, conf, asked("email", rows=of_tokens(tmp_path / "tokens"), form="masked"), approval)
    with pytest.raises(Refused, match="only text is masked"):
        approved(spark, lake, conf, asked("id", form="masked"))
    with pytest.raises(Refused, match="cannot be shown beside as it is too"):
        approved(spark, lake, conf, asked("home.street", beside=("home",)))
    with pytest.raises(Refused, match="a map has keys and values: name both"):
        approved(spark, lake, conf, asked("tags{value}"))


# -- what is refused --------------------------------------------------------------------------------------------------


def flipped(part: str, at: int) -> Callable[[str], str]:
    """One bit of a part of the envelope changed."""

    def change(text: str) -> str:
        told = json.loads(text)
        place, name = (told["signatures"][0], part) if part in ("sig", "keyid") else (told, part)
        if name in ("payload", "sig"):
            raw = bytearray(base64.b64decode(place[name]))
            raw[at] ^= 1
            place[name] = base64.b64encode(raw).decode()
        else:
            place[name] = place[name][:at] + chr(ord(place[name][at]) ^ 1) + place[name][at + 1 :]
        return json.dumps(told)

    return change


def same(text: str) -> str:
    return text


Case = tuple[str, dict[str, Any], dict[str, Any], Callable[[str], str]]
CASES: dict[str, Case] = {
    "expired": ("it expired at 2026-11-29T12:00:00Z", {}, {"now": NOW + 24 * HOUR}, same),
    "too early": ("it counts from", {}, {"now": NOW - HOUR}, same),
    "another column": ("it does not name born", {"columns": ("born",)}, {}, same),
    "one column more": ("it does not name born", {"columns": ("email", "born")}, {}, same),
    "a column beside": ("it does not name amount as a column to be shown", {"beside": ("amount",)}, {}, same),
    "another condition": ("it is of other rows", {"where": "amount < 101"}, {}, same),
    "another actor": ("it is for another actor", {"actor": "mallory"}, {}, same),
    "the approver": ("signed it for themselves", {"actor": ANN.upper()}, {}, same),
    "another purpose": ("it is for another purpose", {"purpose": "court order"}, {}, same),
    "a purpose of nobody": ("the purpose is none of those", {"purpose": "curiosity"}, {}, same),
    "in clear": ("it allows values masked, and they are asked for clear", {}, {"form": "masked"}, same),
    "no technique back": ("keyed_hash cannot be turned back", {"columns": ("code",)}, {}, same),
    "no such column": ("no such column; did you mean 'email'?", {"columns": ("emial",)}, {}, same),
    "over the cap": ("more rows than the 2 that are allowed", {}, {"at_most": 2}, same),
    "payload, first bit": ("signed by no approver", {}, {}, flipped("payload", 0)),
    "payload, at its end": ("signed by no approver", {}, {}, flipped("payload", -2)),
    "signature": ("signed by no approver", {}, {}, flipped("sig", 5)),
    "key id": ("signed by no approver", {}, {}, flipped("keyid", 3)),
    "payload type": ("signed by no approver", {}, {}, flipped("payloadType", 4)),
    "no JSON": ("cannot be read", {}, {}, lambda text: text[:-5]),
}


QUICK = ("expired", "another column", "the approver", "over the cap", "payload, first bit", "key id")
"""Of the cases those that are no part of the sweep alone."""


@pytest.mark.parametrize(
    ("why", "other", "made", "change"),
    [pytest.param(*case, id=name, marks=() if name in QUICK else pytest.mark.sweep) for name, case in CASES.items()],
)
def test_what_was_not_approved_is_refused_and_told(
    spark: SparkSession,
    lake: Path,
    conf: Config,
    tmp_path: Path,
    why: str,
    other: dict[str, Any],
    made: dict[str, Any],
    change: Callable[[str], str],
) -> None:
    now = made.pop("now", NOW) if "now" in (made := dict(made)) else NOW
    form = made.pop("form", "clear")
    text = change(approved(spark, lake, conf, asked("email", form=form), **made))
    other = dict(other)
    wanted = asked(*other.pop("columns", ("email",)), **other)
    refused_and_told(spark, conf, tmp_path, lambda out: turned(spark, conf, wanted, text, output=out, now=now), why)


def refused_and_told(
    spark: SparkSession, conf: Config, folder: Path, step: Callable[[str], Any], why: str, kind: str = "reversal"
) -> None:
    before = len(told(spark, conf))
    with pytest.raises(LakenymError, match=why):
        step(str(folder / "out"))
    assert not (folder / "out").exists()
    (row,) = told(spark, conf)[before:]
    assert (row["kind"], row["outcome"]) == (kind, "refused")
    assert why.split(";")[0].rstrip("?") in row["body"]["why"]
    assert "canary" not in json.dumps(row)


def test_without_an_approval(spark: SparkSession, conf: Config, tmp_path: Path) -> None:
    step = lambda out: turned(spark, conf, asked(), None, output=out)  # noqa: E731
    refused_and_told(spark, conf, tmp_path, step, "there is no approval")


def test_what_our_other_statements_say_is_no_approval(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    """An approver's key, and the kind of statement that a run leaves; the same words as an approval of another kind."""
    payload = base64.b64decode(envelope(lake)["payload"]).decode()
    signed = json.dumps(envelopes.sign(payload, signing_key(lake, ANN)))
    step = lambda out: turned(spark, conf, asked(), signed, output=out)  # noqa: E731
    refused_and_told(spark, conf, tmp_path, step, "what was signed is another statement")
    own = json.loads(base64.b64decode(json.loads(approved(spark, lake, conf, asked()))["payload"]))
    own["predicate"]["more"] = 1
    extra = json.dumps(envelopes.sign(json.dumps(own), signing_key(lake, ANN)))
    step = lambda out: turned(spark, conf, asked(), extra, output=out)  # noqa: E731
    refused_and_told(spark, conf, tmp_path, step, "not in the form of version 1")


def test_what_the_policy_does_not_allow(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    """Also where it did when the approval was made."""
    text = approved(spark, lake, conf, asked(), hours=48)
    for changed, why in (
        ({"keys": ["log"]}, "email: key crm"),
        ({"at_most_rows": 5}, "it is of up to 10 rows, and policy.yaml allows 5"),
        ({"at_most_hours": 47}, "it counts for more than the 47 hours"),
        ({"approvers": [reversals.approver(lake, EVE)]}, "signed by no approver"),
        ({"approvers": [reversals.approver(lake, ANN, classes=["sensitive"])]}, "does not let ann@example.org approve"),
    ):
        now = configured(lake, **changed)
        step = lambda out: turned(spark, now, asked(), text, output=out)  # noqa: B023, E731
        refused_and_told(spark, now, tmp_path, step, why)
    reversals.edit(lake / "conf" / "policy.yaml", reversal=None)
    nothing = reloaded(lake)
    step = lambda out: turned(spark, nothing, asked(), text, output=out)  # noqa: E731
    refused_and_told(spark, nothing, tmp_path, step, "policy.yaml has no 'reversal'")
    configured(lake)
    reversals.edit(lake / "conf" / "keys.yaml", crm={"keyset": f"file:{lake}/keys/crm.json"})
    closed = reloaded(lake)
    step = lambda out: turned(spark, closed, asked(), text, output=out)  # noqa: E731
    refused_and_told(spark, closed, tmp_path, step, "does not say where key crm is opened for the way back")


def test_without_a_log_nothing_is_turned_back(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    text = approved(spark, lake, conf, asked())
    (lake / "conf" / "audit.yaml").unlink()
    with pytest.raises(Refused, match=r"there is no audit\.yaml"):
        turned(spark, reloaded(lake), asked(), text, output=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_approval_counts_once(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    """Also of two that begin at once."""
    text = approved(spark, lake, conf, asked())
    before = len(told(spark, conf))

    def one(name: str) -> str:
        try:
            return f"{turned(spark, conf, asked(), text, output=str(tmp_path / name)).rows} rows"
        except Refused as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(one, "ab"))
    assert found == ["3 rows", "the approval counts once, and was used"]
    assert one("c") == found[1]
    assert len(list(tmp_path.iterdir())) == 1
    outcomes = [row["outcome"] for row in told(spark, conf)[before:]]
    assert sorted(outcomes) == ["done", "refused", "refused", "started"]
    many = approved(spark, lake, conf, asked(), once=False)
    assert [turned(spark, conf, asked(), many).rows for _ in range(2)] == [3, 3]


def test_who_approves_is_not_who_asks(spark: SparkSession, lake: Path, conf: Config) -> None:
    with pytest.raises(Refused, match="a second person has to approve"):
        approved(spark, lake, conf, asked(actor=ANN.title()))
    with pytest.raises(Refused, match=r"policy\.yaml does not let eve@example\.org approve email of t"):
        approved(spark, lake, conf, asked(), by=EVE)
    with pytest.raises(Refused, match=r"names no approver bob@example\.org with this key"):
        approved(spark, lake, conf, asked(), by=BOB)
    user = str(spark.sparkContext.sparkUser())
    own = configured(lake, approvers=[reversals.approver(lake, user)])
    text = approved(spark, lake, own, asked(), by=user)
    with pytest.raises(Refused, match="approved it, and runs it"):
        turned(spark, own, asked(), text)


def test_nothing_is_written_over(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    text = approved(spark, lake, conf, asked(), once=False)
    (tmp_path / "there").mkdir()
    for place, why in (
        (tmp_path / "there", "is there already"),
        (lake / "treated" / "t", "is there already"),
        (lake / "treated" / "t" / "in", "lies in"),
    ):
        with pytest.raises(LakenymError, match=why):
            turned(spark, conf, asked(), text, output=str(place))
    assert not (lake / "treated" / "t" / "in").exists()
