"""`jobs.console.next_step`: one line for who watches, nothing for others; it can be pasted as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import check
from jobs.console import next_step
from tests.helpers.lakes import table, write_conf


def test_it_is_told_at_a_terminal_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    next_step.tell("check", "--conf", "conf")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(next_step, "is_terminal", lambda: True)
    next_step.tell("plan", "--conf", Path("my conf"), "--table", "a;b")
    assert capsys.readouterr() == ("", "next: python jobs/plan.py --conf 'my conf' --table 'a;b'\n")


def test_after_check_comes_a_draft_or_else_the_plan(
    lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(next_step, "is_terminal", lambda: True)
    conf = write_conf(lake, table("t", lake, {"a": {"domain": "customer"}}))
    assert check.main(["--conf", str(conf)]) == 0
    assert capsys.readouterr().err == f"next: python jobs/plan.py --conf {conf} --all\n"
    (conf / "catalog" / "d.yaml").write_text("table: d\ndraft: true\n")
    assert check.main(["--conf", str(conf)]) == 0
    assert capsys.readouterr().err == f"next: python jobs/accept.py --conf {conf} --table d\n"
    (conf / "catalog" / "t.yaml").write_text("table: t\n")
    assert check.main(["--conf", str(conf)]) == 2
    assert capsys.readouterr().err == "", "nothing comes after what failed"
