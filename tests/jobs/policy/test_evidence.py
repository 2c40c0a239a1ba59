"""What the inventory saw against what the catalog says, and reasons that give none. No Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import check
from jobs.configuration import config, evidence_file
from jobs.configuration.config import ConfigError
from jobs.configuration.evidence_file import Seen
from jobs.policy import whys
from tests.helpers.lakes import write_conf

MAIL = {"kind": "email", "class": "direct_identifier", "by": "content", "seen": "2026-11-28",
        "reasons": ["98% of the values are e-mail addresses"], "evidence": {"match": {"email": 0.98}}}  # fmt: skip
FEMALE = {"kind": "gender", "class": "quasi_identifier", "by": "name", "seen": "2026-11-28"}
UNKNOWN = {"kind": "unknown", "class": "undecided", "by": "content", "seen": "2026-11-28"}


def rule(class_: str, treatment: Any, why: str = "asked for by the shop", **more: Any) -> dict[str, Any]:
    return {"class": class_, "treatment": treatment, "why": why, **more}


def told(lake: Path, columns: dict[str, Any], seen: dict[str, Any], *more: str) -> tuple[int, list[str]]:
    entry = {"table": "t", "owner": "me", "source": {"path": "/raw", "format": "delta"}, "target": {"path": "/t"}}
    conf = write_conf(lake, {**entry, "columns": columns})
    (conf / "evidence").mkdir()
    (conf / "evidence" / "t.json").write_text(json.dumps({"table": "t", "columns": seen}))
    assert config.load(conf).tables["t"].evidence.keys() == seen.keys()
    found = check.run(config.load(conf))
    lines = [str(each) for each in found if each.place is not None and each.place.file.startswith("catalog")]
    return check.main(["--conf", str(conf), *more]), lines


def test_a_direct_identifier_that_is_kept_as_something_less_is_refused(lake: Path) -> None:
    code, (line,) = told(lake, {"email": rule("non_personal", "keep")}, {"email": MAIL})
    assert code == 1
    assert "refused: columns.email: class non_personal, keep, and the inventory of 2026-11-28 saw email" in line
    assert line.endswith(
        "(direct_identifier): 98% of the values are e-mail addresses: mend the class and the treatment, or say in "
        "'evidence_overruled' why the inventory is wrong"
    )


@pytest.mark.parametrize(
    ("column", "seen"),
    [
        (rule("quasi_identifier", "redact"), MAIL),
        (rule("quasi_identifier", {"technique": "truncate", "keep": 2}), MAIL),
        (rule("non_personal", "keep"), FEMALE),
        (rule("non_personal", "drop"), FEMALE),
    ],
)
def test_other_disagreement_is_warned_of_and_strict_fails(lake: Path, column: Any, seen: Any) -> None:
    code, (line,) = told(lake, {"a": column}, {"a": seen}, "--strict")
    assert "warning: columns.a: class" in line
    assert code == 1


@pytest.mark.parametrize(
    ("column", "seen"),
    [
        (rule("direct_identifier", "redact"), MAIL),
        (rule("quasi_identifier", "keep"), FEMALE),
        (rule("non_personal", "keep"), UNKNOWN),
        (rule("non_personal", "keep", evidence_overruled="the mailboxes of our own shops"), MAIL),
    ],
)
def test_what_agrees_or_is_overruled_for_a_reason_passes(lake: Path, column: Any, seen: Any) -> None:
    assert told(lake, {"a": column}, {"a": seen, "gone": MAIL}, "--strict") == (0, [])


@pytest.mark.parametrize(
    ("overruled", "lacking"), [("ok", "says nothing"), ("Asked for, by the shop!", "only repeats 'why'")]
)
def test_overruling_needs_a_reason_of_its_own(lake: Path, overruled: str, lacking: str) -> None:
    code, (line,) = told(lake, {"a": rule("non_personal", "keep", evidence_overruled=overruled)}, {"a": MAIL})
    assert code == 1
    assert f"'evidence_overruled' {lacking}: say what the values are instead" in line


def test_each_case_of_a_column_is_held_against_it(lake: Path) -> None:
    cases = [{"rows": "eu", "treatment": "redact"}, {"rows": "not eu", "treatment": "keep"}]
    column = {"class": "non_personal", "why": "asked for by the shop", "when": cases}
    _, lines = told(lake, {"a": column, "eu": rule("non_personal", "keep")}, {"a": MAIL})
    assert [line.split(": ")[1:3] for line in lines] == [
        ["warning", "columns.`a{when 1}`"],
        ["refused", "columns.`a{when 2}`"],
    ]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"table": "u", "columns": {}}', '{"table": "t", "columns": {"a": {"kind": "secret@x.org"}}}'],
)
def test_a_broken_file_is_a_fault_and_shows_nothing_of_it(lake: Path, text: str) -> None:
    conf = write_conf(lake)
    (conf / "evidence").mkdir()
    (conf / "evidence" / "t.json").write_text(text)
    with pytest.raises(ConfigError, match=r"evidence/t.json: .*restore it, or let jobs/inventory.py") as error:
        config.load(conf)
    assert "secret" not in str(error.value)


def test_what_is_written_is_read_again() -> None:
    seen = {name: Seen.model_validate(each, by_alias=True) for name, each in (("a", MAIL), ("`b c`", UNKNOWN))}
    data = json.loads(evidence_file.as_text("t", seen))
    assert {name: Seen.model_validate(each, by_alias=True) for name, each in data["columns"].items()} == seen


@pytest.mark.parametrize(
    "why",
    [
        "ok",
        "OK!",
        "x",
        ".",
        "-",
        "todo",
        "TODO: TBD",
        "asdf",
        "n/a",
        "aaaa",
        "12",
        "reviewed",
        "ok ok",
        "…",
        "🙂",
        "no",
    ],
)
def test_fillers_say_nothing(why: str) -> None:
    assert whys.says_nothing(why)


@pytest.mark.parametrize(
    "why", ["age analysis", "join key", "maps", "regions", "主键", "ключ", "not needed", "id of the shop"]
)
def test_short_reasons_are_reasons(why: str) -> None:
    assert not whys.says_nothing(why)


def test_fillers_are_one_line_a_file_and_strict_fails(lake: Path) -> None:
    columns = {f"c{at}": rule("non_personal", "keep", why) for at, why in enumerate(("ok", "x", "keep", "c3", "todo"))}
    code, (line,) = told(lake, columns, {}, "--strict")
    assert "warning: columns: the 'why' of 5 columns says nothing (c0, c1, c2 and 2 more): say what" in line
    assert code == 1


def test_one_reason_for_unlike_columns_is_warned_of(lake: Path) -> None:
    text = "needed by our analysts"
    columns = {f"c{at}": rule("non_personal", "keep", text) for at in range(4)}
    _, lines = told(lake, {**columns, "d": rule("direct_identifier", "redact", text)}, {})
    assert ["5 of 5 columns, treated in 2 ways, share one 'why'" in line for line in lines] == [True]


def test_and_for_like_ones_it_is_not(lake: Path) -> None:
    columns = {f"c{at}": rule("direct_identifier", "drop", "not needed") for at in range(9)}
    assert told(lake, columns, {}) == (0, [])


def test_three_hundred_blank_reasons_are_one_line(lake: Path) -> None:
    columns = {f"c{at:03}": rule("non_personal", "keep", "") for at in range(285)}
    columns["e"] = {"class": "undecided", "treatment": "undecided", "why": "a reason"}
    with pytest.raises(ConfigError) as error:
        told(lake, columns, {})
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    assert "columns: the 'why' of 285 columns is blank (c000, c001, c002 and 282 more): say of each why" in lines[1]


def test_the_demo_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Path(check.__file__).parents[1] / "conf" / "catalog"
    for path in catalog.glob("*.yaml"):
        for name, column in yaml.safe_load(path.read_text())["columns"].items():
            assert not whys.says_nothing(column["why"]), (path, name)
