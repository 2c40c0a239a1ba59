"""What is printed shows every character of a name, and one event is one unindented line."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import types as T

from jobs import plan
from jobs.configuration import yaml_writer
from jobs.console import shown
from jobs.drafting import draft
from jobs.run_events import events
from jobs.treatment import treatment_plan
from tests.helpers.lakes import configured, table

MOVING = "\x1b[2J\r\x00\x7f\x85\u061c\u200e\u200f\u202a\u202e\u2028\u2029\u2066\u2069\ufeff\U000e0041"


@given(st.text())
def test_every_character_of_a_name_can_be_seen(name: str) -> None:
    assert shown.shown(name).isprintable()
    assert all(line.isprintable() for line in shown.lines(name).split("\n"))


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"))))
def test_names_that_can_be_seen_stay(name: str) -> None:
    assert shown.shown(name) == name


@given(st.recursive(st.text(alphabet=st.characters(blacklist_categories=("Cs",))), st.lists))
def test_json_stays_the_same_json(data: object) -> None:
    text = shown.as_json(data)
    assert text.isprintable()
    assert json.loads(text) == data


def test_a_log_line_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"a\n2026-01-01 orders: version 7 committed{MOVING}"
    for report in (events.terminal, events.json_lines):
        report(events.Failed("t", 1, f"t: {name}: no decision"))
        report(events.Begun(name, "1", 1, name))
    seen = capsys.readouterr()
    terminal, lines = (seen.err + seen.out).split("\n"), [x for x in seen.out.split("\n") if x.startswith("{")]
    assert [line for line in terminal if line and not line.startswith(("t: ", "  ", "a", "{"))] == []
    assert [json.loads(line)["table"] for line in lines] == ["t", name]
    assert all(line.isprintable() for line in terminal)


def test_an_odd_column_is_one_line_of_a_plan(lake) -> None:  # type: ignore[no-untyped-def]
    name = f"a\nb{MOVING}"
    conf = configured(lake, table("t", lake, {f"`{name}`": "keep"}))
    text = plan.as_text(treatment_plan.build(conf.tables["t"], T.StructType().add(name, "string"), {}))
    assert len(text.split("\n")) == 4
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\n" in text
    assert "\\u202e" in text


def test_a_draft_escapes_and_reads_back_equal() -> None:
    names = [f"a{each}b" for each in (*MOVING, "\n", "\t", "\u00a0")]
    text = yaml_writer.dump({"columns": dict.fromkeys(names, "keep")})
    keys = [draft.key(name) for name in names]
    for line in (*text.split("\n"), *keys):
        assert line.isprintable()
    assert list(yaml.safe_load(text)["columns"]) == names
    assert [yaml.safe_load(key) for key in keys] == names
