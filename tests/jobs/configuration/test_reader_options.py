"""Reader options: an explicit list for each format, one spelling each, and a reason for every refusal."""

from __future__ import annotations

import pytest

from jobs.configuration import reader_options
from jobs.configuration.models import Source
from jobs.configuration.reader_options import REFUSED, SYNONYMS, TABLE, TAKEN
from tests.helpers.places import ROOT


def source(kind: str, **options: str) -> Source:
    place = {"table": "raw.t"} if kind == TABLE else {"path": "/raw/t", "format": kind}
    return Source.model_validate({**place, "options": options})


def told(kind: str, **options: str) -> list[str]:
    return [f"{name}: {message}" for name, message in reader_options.faults(kind, options)]


@pytest.mark.parametrize("kind", TAKEN)
def test_options_have_one_spelling_however_they_are_written(kind: str) -> None:
    for name in TAKEN[kind]:
        assert source(kind, **{name.upper(): "x"}).options == {name: "x"}
        assert source(kind, **{name.lower(): "x"}).options == {name: "x"}


def test_synonyms_are_one_option() -> None:
    assert source("csv", DELIMITER=";", charset="latin1").options == {"sep": ";", "encoding": "latin1"}
    assert told("csv", sep=";", Delimiter=";") == ["Delimiter: is the option 'sep' once more: state it once"]
    assert told("csv", SEP=";", sep=",") == ["sep: is the option 'SEP' once more: state it once"]


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("name", REFUSED)
def test_what_loses_or_guesses_is_refused_with_its_reason(kind: str, name: str) -> None:
    assert told(kind, **{name.upper(): "true"}) == [f"{name.upper()}: not taken: {REFUSED[name]}"]
    assert source(kind, **{name.upper(): "true"}).options == {name.upper(): "true"}


def test_no_option_is_both_taken_and_refused() -> None:
    taken = {name.lower() for options in TAKEN.values() for name in (*options, *SYNONYMS)}
    assert not taken & {name.lower() for name in REFUSED}


def test_what_is_unknown_is_told() -> None:
    assert told("csv", encodng="UTF-8") == ["encodng: no option that format csv takes; did you mean 'encoding'?"]
    assert "expected 'versionAsOf' or 'timestampAsOf'" in told(TABLE, zzz="1")[0]
    assert told("delta", header="true")[0].startswith("header: not an option of format delta, which takes")
    assert told("parquet", versionAsOf="1")[0].startswith("versionAsOf: not an option of format parquet")


@pytest.mark.parametrize(
    ("kind", "name", "right", "wrong"),
    [
        ("csv", "header", "False", "yes"),
        ("csv", "escape", '"', "\\"),
        ("csv", "quote", "'", "''"),
        ("csv", "sep", "||", "\n"),
        ("csv", "encoding", "windows-1252", "latin-one"),
        ("json", "encoding", "utf8", "UTF-16"),
        ("parquet", "mergeSchema", "true", "false"),
        ("parquet", "int96RebaseMode", "LEGACY", "OLD"),
        ("delta", "versionAsOf", "12", "-1"),
        ("delta", "versionAsOf", "Latest", "newest"),
        ("delta", "timestampAsOf", "2026-11-30 18:00:00", "yesterday"),
        ("orc", "modifiedAfter", "2026-11-30T18:00:00", "11/30/2026"),
    ],
)
def test_values_are_checked(kind: str, name: str, right: str, wrong: str) -> None:
    assert told(kind, **{name: right}) == []
    (message,) = told(kind, **{name: wrong})
    assert message.startswith(f"{name}: ")


def test_the_escape_sign_is_the_quote_sign() -> None:
    assert told("csv", quote="'", escape="'") == []
    assert told("csv", quote="'", escape='"') != []


def test_one_version_is_stated_once() -> None:
    (message,) = told("delta", versionAsOf="1", TimestampAsOf="2026-11-30")
    assert message == "TimestampAsOf: expected 'versionAsOf' or 'timestampAsOf', not both"


def test_the_docs_name_every_option() -> None:
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    named = {name for options in TAKEN.values() for name in options} | REFUSED.keys() | SYNONYMS.keys()
    assert {name for name in named if f"`{name}`" not in text} == set()
