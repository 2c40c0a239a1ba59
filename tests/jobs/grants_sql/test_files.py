"""The job: equal files for equal grants, what differs in a folder, and what goes on to hold when it is said no more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jobs import grants
from jobs.grants_sql import files
from tests.helpers.edits import replace
from tests.helpers.granted import sees, write_grants
from tests.helpers.lakes import column, table
from tests.helpers.places import ROOT

ROLES = {"analysts": {"sees": sees("pseudonym")}, "guests": {"sees": sees(non_personal="pseudonym")}}
PLATFORMS = ("spark", "unity", "hive", "ranger")


@pytest.fixture
def conf(lake: Path) -> Path:
    tables = [
        table(name, lake, {"id": column("redact", "direct_identifier"), "kind": column("keep", "non_personal")})
        for name in ("a.t", "a.u")
    ]
    given = {"databases": {"target": "treated"}, "roles": ROLES, "unity": {"owners": "o"}}
    return write_grants(lake, {**given, "ranger": {"service": "s", "owners": "o"}}, *tables)


def run(conf: Path, *argv: str) -> int:
    return grants.main(["--conf", str(conf), "--without-environment", *argv])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_order_of_what_is_written_makes_no_difference(conf: Path, platform: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(conf, "--for", platform, "--output", str(first)) == 0
    whole = (conf / "grants.yaml").read_text(encoding="utf-8")
    head, roles = whole.split("roles:\n")
    _, analysts, rest = roles.partition("  analysts:\n")
    guests = rest[rest.index("  guests:") : rest.index("unity:")]
    turned = "roles:\n" + guests + analysts + rest[: rest.index("  guests:")] + rest[rest.index("unity:") :]
    (conf / "grants.yaml").write_text(head + turned, encoding="utf-8")
    assert run(conf, "--for", platform, "--output", str(second)) == 0
    assert {each.name: each.read_text() for each in first.iterdir()} == {
        each.name: each.read_text() for each in second.iterdir()
    }


def test_what_differs_is_shown_and_nothing_written(
    conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(conf, "--for", "spark", "--check", str(out)) == 1, "there is nothing yet"
    assert not out.exists()
    assert run(conf, "--for", "spark", "--output", str(out)) == 0
    capsys.readouterr()
    assert run(conf, "--for", "spark", "--check", str(out)) == 0
    assert capsys.readouterr().out == ""
    before = (out / "a_t.sql").read_text()
    replace(out / "a_t.sql", "`treated`.`t`", "`raw`.`t`")
    assert run(conf, "--for", "spark", "--check", str(out)) == 1
    told = capsys.readouterr().out
    assert "-FROM `raw`.`t` AS `t`" in told
    assert "+FROM `treated`.`t` AS `t`" in told
    assert "a_u.sql" not in told
    assert run(conf, "--for", "spark", "--output", str(out)) == 0
    assert (out / "a_t.sql").read_text() == before


def test_what_is_said_no_more_is_told(conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A view and a grant stay where they were run. Files of others stay too."""
    out = tmp_path / "out"
    assert run(conf, "--for", "hive", "--output", str(out)) == 0
    (out / "of_others.sql").write_text("SELECT 1;\n")
    (conf / "catalog" / "a.u.yaml").unlink()
    replace(conf / "grants.yaml", "  guests:\n", "  visitors:\n")
    assert run(conf, "--for", "hive", "--check", str(out)) == 1
    capsys.readouterr()
    assert run(conf, "--for", "hive", "--output", str(out)) == 0
    told = capsys.readouterr().out
    ended = "said no more, and in force until somebody undoes it where it was run: "
    assert f"{ended}GRANT SELECT ON TABLE `grants`.`a_u__analysts` TO ROLE `analysts`" in told
    assert f"{ended}CREATE OR REPLACE VIEW `grants`.`a_u__analysts` AS" in told
    assert {each.name for each in out.iterdir()} == {"a_t.sql", "_roles.sql", "of_others.sql"}


def test_a_refused_configuration_writes_nothing(conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(conf / "grants.yaml", "direct_identifier: denied", "direct_identifier: clear")
    assert run(conf, "--for", "spark", "--output", str(tmp_path / "out")) == 1
    assert "no 'why' says what for" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flag", ["--output", "--check"])
def test_a_file_is_no_folder(conf: Path, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(conf, "--for", "spark", flag, str(conf / "grants.yaml")) == 2
    assert "expected a folder, and this is a file" in capsys.readouterr().err


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_grants_of_the_demo(platform: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For every platform, without a lake and with no warning."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    assert run(tmp_path / "conf", "--for", platform) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "crm_customers" in shown.out
    if platform == "ranger":
        assert json.loads(shown.out[shown.out.index("\n{") :])["policies"]


def test_masks_filters_and_tags_stay_in_force_until_another_one_is_set() -> None:
    masks = ["ALTER TABLE `a` ALTER COLUMN `b` SET MASK `f`", "ALTER TABLE `a` SET ROW FILTER `g` ON (`c`)"]
    tags = ["ALTER TABLE `a` ALTER COLUMN `b` SET TAGS ('privacy_class' = 'sensitive')"]
    before = files.said(files.as_text([*masks, *tags]))
    after = files.said(files.as_text([masks[0].replace("`f`", "`h`"), tags[0].replace("sensitive", "non_personal")]))
    assert before - after == {"ALTER TABLE `a` SET ROW FILTER"}
    assert len(after) == 2
