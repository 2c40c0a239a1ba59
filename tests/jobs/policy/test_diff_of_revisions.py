"""`plan --diff REV`: what a configuration changes since a git revision, by what is written in both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs import plan
from jobs.configuration import config
from jobs.policy.treatment_diff import entries_of
from tests.helpers.edits import replace
from tests.helpers.generated_catalog import write
from tests.helpers.repositories import commit, repository_of


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A configuration in a folder of a git repository with one commit, tagged ``v1``; returns the folder."""
    return repository_of(write(tmp_path / "repository" / "lake conf", tables=2))


def test_plan_against_a_revision(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(repository / "catalog" / "made.t0000.yaml", "technique: truncate, keep: 2", "technique: truncate, keep: 3")
    ask = ["--conf", str(repository), "--diff", "v1"]
    assert plan.main([*ask, "--all"]) == 0
    first, *_, second = capsys.readouterr().out.splitlines()
    assert first == "made.t0000 against revision v1: 1 column changes, 9 stay"
    assert second == "made.t0001 against revision v1: 0 columns change, 10 stay"
    assert plan.main([*ask, "--table", "made.t0001", "--fail-on-weaker"]) == 0
    assert plan.main([*ask, "--table", "made.t0000", "--fail-on-weaker", "--json"]) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [column["column"] for column in told["columns"] if column["change"] == "weaker"] == ["c0_zip"]


def test_a_table_that_is_gone_since(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "catalog" / "made.t0001.yaml").unlink()
    assert plan.main(["--conf", str(repository), "--diff", "v1", "--all", "--json"]) == 0
    gone = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {column["change"] for column in gone["columns"]} == {"removed"}


def test_bad_usage_of_diff(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        plan.main(["--conf", str(repository), "--all", "--fail-on-weaker"])
    assert plan.main(["--conf", str(repository), "--all", "--diff", "v9"]) == 2
    replace(repository / "policy.yaml", "version:", "verzion:")
    commit(repository.parent)
    replace(repository / "policy.yaml", "verzion:", "version:")
    assert plan.main(["--conf", str(repository), "--all", "--diff", "HEAD"]) == 2
    assert "the configuration at revision HEAD: " in capsys.readouterr().err


def test_entries_of_a_configuration(repository: Path) -> None:
    entries = entries_of(config.load(repository, {}), "made.t0000")
    assert entries["c0_id"].domain == "customer"
    email = entries["c0_email"]
    assert (email.domain, email.key, email.keyset) == ("made.t0000/c0_email", "crm", "file:/keys/crm.json")
    assert entries["c0_zip"].parameters["keep"] == 2
    assert entries["c0_zip"].domain is None
