"""What people are told before they sign, and what is believed of what they give; without Spark."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import reidentify
from jobs.audit_log.leaves import Leaf
from jobs.configuration.models import KeyEntry
from jobs.console.exit_codes import BadUsage, Refused
from jobs.reversal import asked, review, signer, trail, words
from jobs.reversal.approval import Approval
from jobs.reversal.asked import Rows
from jobs.reversal.carried_out import TurnedBack
from privacy_udfs.techniques import BY_NAME

NOON = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.timezone.utc)
APPROVAL = Approval(
    "a" * 32, "t", "file:/t", "b" * 64, ("email",), (), Rows(where="a = 1"), "bob", "case", "clear", 5, NOON, NOON, True
)


def said(unproven: tuple[str, ...] = (), **more: Any) -> list[str]:
    return list(words.lines(dataclasses.replace(APPROVAL, **more), "ann", {}, unproven))


def test_no_text_passes_for_a_line_of_ours() -> None:
    where = "a = 1 or a = '\nat most: 1 rows, in one run\u202e'"
    told = said(rows=Rows(where=where), purpose="x\r\nrows: none", actor="bob\x1b[2J")
    assert len(told) == len(said())
    assert all(line.isprintable() for line in told)
    assert "rows: all with a = 1 or a = '\\nat most: 1 rows, in one run\\u202e'" in told


def test_a_row_may_hold_many_values() -> None:
    told = said(columns=("email", "orders[].sku", "tags{value}"), beside=("tags{key}", "home.zip"))
    assert [line.endswith("of each row with ALL its elements") for line in told[1:4]] == [False, True, True]
    assert told[4].endswith("has them: tags{key}, of each row with ALL its elements, home.zip")


def test_what_is_not_proven_is_said() -> None:
    assert not any(line.startswith("not proven") for line in said())
    (line,) = [line for line in said(unproven=("card",)) if line.startswith("not proven")]
    assert "card: a pseudonym that was changed comes out as another value" in line


def test_what_is_not_proven_is_said_when_it_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for unproven in ((), ("card",)):
        done = TurnedBack("run", 1, NOON, "file:/out", unproven=unproven)
        monkeypatch.setattr("jobs.command_line.arguments.loaded", lambda folder: None)
        monkeypatch.setattr("jobs.spark_app.session.start", lambda name: None)
        monkeypatch.setattr(reidentify, "run", lambda *given, done=done, **more: done)
        what = ["--table", "t", "--columns", "card", "--where", "a = 1", "--actor", "bob", "--purpose", "case"]
        assert reidentify.main(["--conf", "conf", *what, "--output", "/out"]) == 0
        assert ("not proven: card" in capsys.readouterr().out) == bool(unproven)


def test_which_techniques_prove_what_they_give_back() -> None:
    """SIV (RFC 5297) and GCM (SP 800-38D) hold a tag; FF1 (SP 800-38G) holds none."""
    reversible = {name: each.authenticates for name, each in BY_NAME.items() if each.reversible}
    assert reversible == {
        "deterministic_encryption": True,
        "randomized_encryption": True,
        "format_preserving_encryption": False,
    }


def test_a_hash_of_tokens_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(b"x\r\ny\nx\n")
    found = asked.of_tokens(file)
    assert found.tokens == ("x", "y")
    assert found.tokens_sha256 == hashlib.sha256(b"x\r\ny\nx\n").hexdigest()
    assert found == Rows(tokens_sha256=found.tokens_sha256), "as an approval has it"
    with pytest.raises(BadUsage, match="others than those of the hash"):
        Rows(tokens_sha256=found.tokens_sha256, content=b"z")
    assert Rows(tokens_sha256=found.tokens_sha256).tokens == ()


@pytest.mark.parametrize(
    ("actor", "runner", "is_mine"), [("Bob", "x", True), ("eve", "job", True), ("eve", "x", False)]
)
def test_a_glass_is_not_broken_again_before_a_look(
    monkeypatch: pytest.MonkeyPatch, actor: str, runner: str, is_mine: bool
) -> None:
    body = {"actor": "bob", "expires": "2026-11-29T12:00:00Z"}
    before = Leaf("break_glass", "", "job", "1", "t", "run-1", "started", body)
    monkeypatch.setattr(trail, "leaves", lambda *given: [before])
    told: Any = SimpleNamespace(log=SimpleNamespace(actor=runner), asked=SimpleNamespace(actor=actor))
    policy: Any = SimpleNamespace(reversal=None)
    if is_mine:
        with pytest.raises(Refused, match="nobody has looked at run run-1"):
            review.check_none_due(told, policy)
    else:
        review.check_none_due(told, policy)


@pytest.mark.parametrize("reference", ["log", "same", "file:/k/log.json"])
def test_the_key_of_the_log_approves_nothing(reference: str) -> None:
    entry = KeyEntry(keyset="file:/k/log.json")
    conf: Any = SimpleNamespace(audit=SimpleNamespace(signing_key="log"), keys={"log": entry, "same": entry})
    with pytest.raises(Refused, match="signs the audit log"):
        signer.key(conf, "ann", reference, None)
