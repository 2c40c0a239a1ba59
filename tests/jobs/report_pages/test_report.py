"""Pages of a lake: what they say of it, what they go on without, and that no value of it is in any."""

from __future__ import annotations

import datetime
import html
import json
import shutil
import typing
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize, report
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.monitoring import report as monitored_report
from jobs.monitoring.drift import Drift
from jobs.monitoring.profile import ColumnProfile, TableProfile
from jobs.report import Pages
from jobs.report_pages.drawing import evidence
from jobs.report_pages.drawing.markup import joined
from jobs.report_pages.facts import told_files
from jobs.report_pages.facts.lake_facts import LakeFacts
from jobs.report_pages.facts.plain import Missing
from jobs.report_pages.facts.table_facts import Head, Lineage, Measured, TableFacts
from jobs.verification import outcome
from jobs.verification.outcome import Check, Outcome, Verified
from tests.helpers import audits, lakes
from tests.helpers.page_facts import HOSTILE

NOW = datetime.datetime(2026, 11, 28, 7, tzinfo=datetime.timezone.utc)
ODD = 'it\'s "<i>odd</i>" \u202e'
TOWNS = ("Canaryville", "Planted-on-Sea")
ROWS = [
    (
        f"canary-id-{at}",
        f"canary.{at}@planted.example",
        TOWNS[at % 2] if at > 2 else f"Lonely{at}",
        71_000_003 + at,
        at % 5,
    )
    for at in range(60)
]
PLANTED = {str(value) for row in ROWS for value in row[:4]}
SCHEMA = f"id string, mail string, `{ODD}` string, income int, `{'n' * 200}` int"


@pytest.fixture(scope="module")
def made(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Config, LakeFacts, dict[str, str]]:
    """A lake with a log of its runs, treated twice; another table of it never was."""
    lake = tmp_path_factory.mktemp("pages") / "lake"
    lake.mkdir()
    spark.createDataFrame(ROWS, SCHEMA).coalesce(1).write.parquet(f"{lake}/raw/t")
    why = {"why": HOSTILE[0]}
    columns: dict[str, Any] = {
        "id": {**lakes.column({"domain": "customer"}, "direct_identifier"), **why},
        "mail": lakes.column("drop", "direct_identifier"),
        f"`{ODD}`": {**lakes.column({"technique": "truncate", "keep": 1}), "review_by": "2026-10-01"},
        "income": lakes.column({"technique": "generalize_number", "width": 100_000_000}, "sensitive"),
        "n" * 200: lakes.column("keep", "non_personal"),
    }
    stated = {"subject": "id", "processing": {"recipients": ["the <b>analysts</b>"]}, "retention": "5 years"}
    other = lakes.table("u", lake, {"id": lakes.column({"domain": "customer"}, "direct_identifier")})
    conf = audits.audited(lake, lakes.table("t", lake, columns, **stated), other)
    for _ in range(2):
        pseudonymize.run(spark, conf, "t")
    found = report.facts(spark, conf, ["t", "u"], Pages(now=NOW))
    return lake, conf, found, report.pages(found)


def of(found: LakeFacts, name: str = "t") -> TableFacts:
    return next(each for each in found.tables if each.name == name)


def test_no_value_is_in_any_page(made: tuple[Path, Config, LakeFacts, dict[str, str]]) -> None:
    *_, pages = made
    assert sorted(pages) == ["index.html", "t.html", "u.html"]
    for text in pages.values():
        for whole in (text, html.unescape(text)):
            assert not [value for value in PLANTED if value.lower() in whole.lower()]


def test_no_key_is_in_any_page(made: tuple[Path, Config, LakeFacts, dict[str, str]]) -> None:
    lake, _, _, pages = made
    secrets = [
        key["keyData"]["value"]
        for path in (lake / "keys").glob("*.json")
        for key in json.loads(path.read_text())["key"]
    ]
    assert secrets
    assert not [value for value in secrets if any(value in text for text in pages.values())]


def test_what_a_page_says_of_a_table(made: tuple[Path, Config, LakeFacts, dict[str, str]]) -> None:
    """60 people; of them 3 live where nobody else does, so one letter of the town tells L from C and P apart."""
    _, _, found, pages = made
    table, text = of(found), html.unescape(pages["t.html"])
    assert isinstance(table.head, Head)
    assert (table.head.version, table.head.is_current) == (1, True)
    assert isinstance(table.before, Measured)
    assert isinstance(table.after, Measured)
    assert (table.before.counted, table.before.many, table.before.k, table.before.uniques) == ("people", 60, 1, "< 10")
    assert (table.after.many, table.after.k, table.after.uniques) == (60, 3, 0)
    assert {column.path: column.type_ for column in table.columns}["mail"] is None
    by_path = {way.input: way for way in table.lineage.ways} if isinstance(table.lineage, Lineage) else {}
    assert (by_path["mail"].kind, by_path["mail"].output) == ("dropped", None)
    assert (by_path["id"].kind, by_path["id"].protects) == ("treated", True)
    assert (by_path["n" * 200].kind, by_path["n" * 200].protects) == ("kept", False)
    assert [(each.name, each.state, each.uses) for each in table.keys] == [("crm", "enabled", 1)]
    assert not isinstance(table.audit, Missing)
    assert table.audit.kinds == {
        "key_use": 2,
        "policy_change": 1,
        "run_committed": 2,
        "run_started": 2,
    } or table.audit.kinds == {
        "key_use": 2,
        "run_committed": 2,
        "run_started": 2,
    }
    assert table.audit.signed == "signed by the key of the configuration"
    assert not isinstance(table.runs, Missing)
    assert [(run.version, run.by, run.mode, run.rows) for run in table.runs.shown] == [
        (1, "a run", "full", 60),
        (0, "a run", "full", 60),
    ]
    assert [each.what for each in table.warnings] == ["review"]
    for said in ("the <b>analysts</b>", "5 years", HOSTILE[0], "n" * 200, 'it\'s "<i>odd</i>" \\u202e'):
        assert said in text, said
    assert "python jobs/monitor.py" in text
    assert "python jobs/verify.py" in text


def test_a_table_that_was_never_treated_has_a_page(made: tuple[Path, Config, LakeFacts, dict[str, str]]) -> None:
    _, _, found, pages = made
    assert isinstance(of(found, "u").head, Missing)
    assert "the table was never treated" in pages["u.html"]
    assert 'href="u.html"' in pages["index.html"]
    assert "never treated" in pages["index.html"]


def test_pages_are_the_same_again(spark: SparkSession, made: tuple[Path, Config, LakeFacts, dict[str, str]]) -> None:
    _, conf, _, pages = made
    assert report.pages(report.facts(spark, conf, ["t", "u"], Pages(now=NOW))) == pages


def test_without_the_source_and_without_risk_it_goes_on(
    spark: SparkSession, made: tuple[Path, Config, LakeFacts, dict[str, str]], tmp_path: Path
) -> None:
    lake, conf, *_ = made
    shutil.move(f"{lake}/raw/t", tmp_path / "away")
    try:
        table = of(report.facts(spark, conf, ["t"], Pages(now=NOW)))
        assert isinstance(table.before, Missing)
        assert isinstance(table.after, Measured)
        assert isinstance(table.lineage, Lineage)
        assert table.lineage.note.startswith("by the record of the table alone")
    finally:
        shutil.move(tmp_path / "away", f"{lake}/raw/t")
    table = of(report.facts(spark, conf, ["t"], Pages(without_risk=True, now=NOW)))
    assert isinstance(table.before, Missing)
    assert isinstance(table.after, Missing)


def test_the_command_line(
    spark: SparkSession,
    made: tuple[Path, Config, LakeFacts, dict[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lake, *_ = made
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(NOW.timestamp())))
    words = ["--conf", str(lake / "conf"), "--html", str(tmp_path / "out"), "--without-risk"]
    assert report.main([*words, "--table", "t"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", "t.html"]
    assert "Made by Lakenym on 2026-11-28." in (tmp_path / "out" / "t.html").read_text(encoding="utf-8")
    assert report.main([*words, "--all"]) == 1
    assert "u: the table was never treated" in capsys.readouterr().out
    assert (tmp_path / "out" / "u.html").exists()


def test_flags_of_pages_go_with_pages(made: tuple[Path, Config, LakeFacts, dict[str, str]], tmp_path: Path) -> None:
    lake, *_ = made
    words = ["--conf", str(lake / "conf"), "--all"]
    assert report.main([*words, "--records", str(tmp_path), "--without-risk"]) == 2
    assert report.main(words) == 2


def test_a_date_that_is_none() -> None:
    with pytest.raises(BadUsage, match="SOURCE_DATE_EPOCH: expected seconds"):
        report._now({"SOURCE_DATE_EPOCH": "today"})


# -- what other jobs printed ------------------------------------------------------------------------------------------

CHECK = {"name": "counts", "outcome": "fails", "said": "31 of the source, 30 here", "faults": ["rows do not add up"]}
VERIFIED = {
    "table": "t",
    "version": 1,
    "holds": False,
    "said": "FAILS",
    "checks": [CHECK],
    "survivor_scan": {"looked_for": ["mail"], "left_out": {"born": "it holds dates"}},
}
FINDING = {"level": "alert", "table": "t", "what": "psi", "message": "spread", "to_do": "look", "column": "income"}
COLUMN = {"psi": 0.31, "null_share": 0.0}
MONITORED = {
    "measured_at": "2026-11-28T06:00:00+00:00",
    "findings": [FINDING],
    "tables": {"t": {"version": 1, "columns": {"income": COLUMN}}},
}


def test_what_was_verified_is_told_without_counts(tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    file.write_text(f"{json.dumps({**VERIFIED, 'version': 0})}\n{json.dumps(VERIFIED)}\n", encoding="utf-8")
    found = told_files.verified(file)["t"]
    assert not isinstance(found, Missing)
    assert (found.version, found.holds, found.looked_for) == (1, False, ("mail",))
    assert [(each.name, each.outcome, each.faults) for each in found.checks] == [("counts", "fails", 1)]
    assert "31" not in repr(found)


def test_what_was_monitored_is_told(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text(json.dumps(MONITORED), encoding="utf-8")
    found = told_files.monitored(file)["t"]
    assert not isinstance(found, Missing)
    assert found.version == 1
    assert [(each.column, each.psi, each.level, each.told) for each in found.columns] == [
        ("income", 0.31, "alert", ("spread",))
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "[" * 100_000, "{}", '{"table": "t"}', "\x00"),
        json.dumps({**VERIFIED, "version": "1"}),
        json.dumps({**VERIFIED, "checks": [{**CHECK, "outcome": "fine"}]}),
        json.dumps({**MONITORED, "tables": {"t": {"columns": {"income": {"psi": "1"}}}}}),
        json.dumps({**MONITORED, "tables": {"t": {"columns": {"income": {"psi": float("nan")}}}}}),
    ],
)
def test_files_that_no_job_printed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "f.json"
    file.write_text(text, encoding="utf-8")
    for read, job in ((told_files.verified, "verify"), (told_files.monitored, "monitor")):
        with pytest.raises(BadUsage, match=rf"f\.json: is not what jobs/{job}\.py --json prints"):
            read(file)
    with pytest.raises(BadUsage, match="No such file"):
        told_files.verified(tmp_path / "none.json")


def test_a_verification_that_holds_by_its_own_word_only(tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    file.write_text(json.dumps({**VERIFIED, "holds": True}), encoding="utf-8")
    found = told_files.verified(file)["t"]
    assert not isinstance(found, Missing)
    assert not found.holds


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        (("holds",), "holds"),
        (("holds", "not checkable"), "holds, as far as it was checked"),
        (("not checkable", "fails", "not checked"), "fails"),
    ],
)
def test_what_the_job_itself_tells_is_taken(tmp_path: Path, outcomes: tuple[Outcome, ...], words: str) -> None:
    """As it prints it, with each outcome that there is."""
    told = outcome.as_data(Verified("t", 1, tuple(Check(f"c{at}", each) for at, each in enumerate(outcomes))))
    file = tmp_path / "v.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    found = told_files.verified(file)["t"]
    assert not isinstance(found, Missing)
    assert tuple(each.outcome for each in found.checks) == outcomes
    text = joined([evidence.verified(found, 1)]).text
    assert f" {words}</span> Version 1" in text
    assert set(typing.get_args(Outcome)) == set(told_files.OUTCOMES) == set(evidence.OUTCOMES)


def test_one_table_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    """Of several that are told of one table the last counts, though it cannot be read."""
    bad = {**VERIFIED, "checks": [{**CHECK, "outcome": "fine"}]}
    file = tmp_path / "f.json"
    file.write_text("\n".join(map(json.dumps, (VERIFIED, {**VERIFIED, "table": "u"}, bad))), encoding="utf-8")
    verified = told_files.verified(file)
    assert isinstance(verified["t"], Missing)
    assert not isinstance(verified["u"], Missing)
    assert "fine" not in verified["t"].why
    tables = {"t": {"columns": {"income": {"psi": "1"}}}, "u": {"version": 1, "columns": {"income": COLUMN}}}
    file.write_text(json.dumps({**MONITORED, "tables": tables}), encoding="utf-8")
    monitored = told_files.monitored(file)
    assert isinstance(monitored["t"], Missing)
    assert not isinstance(monitored["u"], Missing)


def test_nothing_moved_is_said_only_where_something_was_compared(tmp_path: Path) -> None:
    """As the monitor prints a column with a baseline and without; an index may be null all the same."""
    column = ColumnProfile(100, 0, 0, "categories", {"a": 60, "b": 40})
    words = []
    for drifts in ({}, {"t": {"income": Drift(column, column)}}):
        profiles = {"t": TableProfile(100, {"income": column})}
        told = monitored_report.as_data(monitored_report.Report(NOW, profiles=profiles, drifts=drifts))
        file = tmp_path / "m.json"
        file.write_text(json.dumps(told), encoding="utf-8")
        words.append(joined([evidence.drift(told_files.monitored(file)["t"], 1)]).text)
    without, compared = words
    assert "no drift was compared: run with --baseline" in without
    assert "nothing moved" not in without
    assert "nothing moved" in compared


def test_the_configuration_has_changed_since(
    spark: SparkSession, made: tuple[Path, Config, LakeFacts, dict[str, str]]
) -> None:
    lake, *_ = made
    entry = lake / "conf" / "catalog" / "t.yaml"
    kept = entry.read_text(encoding="utf-8")
    try:
        entry.write_text(kept.replace("class: sensitive", "class: quasi_identifier"), encoding="utf-8")
        table = of(report.facts(spark, config.load(lake / "conf"), ["t"], Pages(without_risk=True, now=NOW)))
    finally:
        entry.write_text(kept, encoding="utf-8")
    assert isinstance(table.head, Head)
    assert not table.head.is_current
    (income,) = [each for each in table.columns if each.path == "income"]
    assert income.class_ == "sensitive"
    assert income.notes[-1].startswith("the configuration at hand says quasi_identifier")
