"""`jobs.configuration.unaccepted`: a draft blocks its own table alone, and nothing makes decisions of it unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import check, keys, plan
from jobs.configuration import config
from jobs.configuration.config import ConfigError
from tests.helpers.lakes import table, write_conf

DRAFT = """\
table: d
draft: true
owner: ""
source: {path: "${NOT_SET}/raw/d", format: parquet}
target: {path: ""}
columns:
  a: {class: undecided, treatment: undecided, why: ""}
  b: {class: non_personal, treatment: keep, why: the measure}
  c: {class: undecided, treatment: keep, why: the measure}
  d: {class: nonsense, treatment: {tecnique: x}, why: " "}
"""
LINE = (
    "catalog/d.yaml: a draft, 1 of 4 columns accepted: no job works on its table yet; jobs/accept.py --table d goes on"
)


@pytest.fixture
def conf(lake: Path) -> Path:
    made = write_conf(lake, table("t", lake, {"a": {"domain": "customer"}, "b": "keep"}))
    (made / "catalog" / "d.yaml").write_text(DRAFT)
    return made


def test_the_others_load_and_the_draft_is_told_in_a_line(conf: Path) -> None:
    found = config.load(conf)
    assert list(found.tables) == ["t"]
    assert [str(each) for each in found.drafts] == [LINE]
    with pytest.raises(ConfigError, match="d: a draft, 1 of 4 columns accepted"):
        config.chosen(found, ["d"])
    assert config.chosen(found, None) == ["t"]


def test_jobs_tell_it_and_go_on(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--conf", str(conf)]) == 0
    assert capsys.readouterr().out == f"{conf}/{LINE}\n1 table: 0 refused, 0 warnings; 1 not accepted yet\n"
    assert check.main(["--conf", str(conf), "--json"]) == 0
    assert '"drafts": [{"file": "catalog/d.yaml", "table": "d"' in capsys.readouterr().out
    assert keys.main(["list", "--conf", str(conf)]) == 0
    told = capsys.readouterr()
    assert (told.err, "crm" in told.out) == (f"{conf}/{LINE}\n", True)
    assert plan.main(["--conf", str(conf), "--table", "d"]) == 2
    assert f"has no table d: {LINE.partition(': ')[2]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("draft: true", "draft: true # soon"),
        ("draft: true", '"draft": true'),
        ('why: ""', "why: ok"),
        ("owner", "\towner"),
        ("columns:", "columns: {"),
        ("draft: true", "draft: true\ndraft: false"),
        ("draft: true", "draft: false\ndraft: true"),
        ("\n", "\r\n"),
        ("table: d", "table: &x d"),
    ],
)
def test_it_stays_a_draft(conf: Path, before: str, after: str) -> None:
    (conf / "catalog" / "d.yaml").write_bytes(DRAFT.replace(before, after).encode())
    found = config.load(conf)
    assert (list(found.tables), [each.table for each in found.drafts]) == (["t"], ["d"])


@pytest.mark.parametrize("written", ["draft: false", "", "Draft: true", 'draft: "true"', "draft: 1", "# draft: true"])
def test_without_the_mark_all_of_it_must_be_sound(conf: Path, written: str) -> None:
    (conf / "catalog" / "d.yaml").write_text(DRAFT.replace("draft: true", written))
    with pytest.raises(ConfigError, match="owner: expected text that is not blank"):
        config.load(conf)


def test_drafts_alone_are_no_tables(lake: Path) -> None:
    conf = write_conf(lake)
    (conf / "catalog" / "d.yaml").write_text(DRAFT)
    with pytest.raises(ConfigError, match="holds no accepted table, and one draft"):
        config.chosen(config.load(conf), None)
