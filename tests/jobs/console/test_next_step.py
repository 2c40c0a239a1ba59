"""`jobs.console.next_step`: one line for who watches, nothing for others; it can be pasted as it stands."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType

import pytest

from jobs import check, plan, pseudonymize
from jobs.command_line import arguments
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


def test_what_a_plan_was_asked_for_the_run_is_asked_for_too() -> None:
    """Pasted as it stands it does what was planned, and is not refused for want of a flag."""
    words = ["--conf", "c", "--table", "t", "--mode", "partitions", "--where", "day = '2024-01-01'", "--parallel", "2"]
    asked = pseudonymize.parser().parse_args([*words, "--accept-raw-history", "--dry-run"])
    more = list(arguments.again(asked, *pseudonymize.OF_A_RUN))
    again = pseudonymize.parser().parse_args(["--conf", "c", "--table", "t", *more])
    assert vars(again) == {**vars(asked), "dry_run": False}
    flags = {"--conf", "--table", "--all", "--dry-run", "--help", "-h"}
    known = {flag.word for flag in pseudonymize.OF_A_RUN}
    assert {action.option_strings[0] for action in asked_by(pseudonymize)} - flags == known
    planned = plan.parser().parse_args(["--conf", "c", "--all", "--accept-deleted-rows"])
    assert list(arguments.again(planned, *plan.ACCEPTED)) == ["--accept-deleted-rows"]


def asked_by(job: ModuleType) -> list[argparse.Action]:
    return list(job.parser()._actions)
