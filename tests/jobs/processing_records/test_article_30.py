"""The record of processing: what Art. 30(1) asks for, out of the configuration alone."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import report
from jobs.configuration import config
from jobs.configuration.config import ConfigError
from jobs.processing_records import article_30
from jobs.processing_records.article_30 import NOT_STATED
from tests.helpers import lakes, scopes
from tests.helpers.places import ROOT

PROCESSING = {
    "purposes": ["billing", "age analysis"],
    "legal_basis": "Art. 6(1)(b)",
    "data_subjects": ["customers"],
    "data_categories": ["contact details"],
    "recipients": [],
    "transfers": [{"to": "Norway", "safeguard": "EEA"}],
    "measures": ["access by role"],
}
CONTROLLER = {
    "controller": {"name": "Example AS", "contact": "post@example.org"},
    "joint_controllers": [],
    "data_protection_officer": {"name": "A. Example", "contact": "dpo@example.org"},
}
COLUMNS: dict[str, Any] = {
    "id": {**lakes.column({"domain": "customer"}, "direct_identifier"), "kind": "email", "retention": "90 days"},
    "name": lakes.column("drop", "direct_identifier"),
    "age": "keep",
}


def stated(lake: Path) -> Path:
    entry = lakes.table(
        "t", lake, COLUMNS, processing=PROCESSING, retention="7 years", review_by="2027-01-31", risk={"k": 8}
    )
    folder = lakes.write_conf(lake, entry, lakes.table("bare", lake, {"id": "keep"}))
    (folder / "controller.yaml").write_text(yaml.safe_dump(CONTROLLER))
    return folder


def test_all_that_the_article_asks_for_is_there(lake: Path) -> None:
    found = report.records(config.load(stated(lake)), ["t"])
    assert found["article"] == "Regulation (EU) 2016/679 (GDPR), Art. 30(1)"
    (record,) = found["records"]
    assert record == {
        "table": "t",
        "owner": "privacy@example.org",
        "controller": CONTROLLER["controller"],
        "joint_controllers": [],
        "representative": NOT_STATED,
        "data_protection_officer": CONTROLLER["data_protection_officer"],
        **{name: PROCESSING[name] for name in ("purposes", "legal_basis", "data_subjects", "data_categories")},
        "classes": {"direct_identifier": 2, "quasi_identifier": 1},
        "kinds": {"email": "e-mail addresses"},
        "recipients": [],
        "transfers": [{"to": "Norway", "safeguard": "EEA"}],
        "erasure": {"table": "7 years", "columns": {"id": "90 days"}},
        "measures": ["access by role"],
        "measures_of_treatment": [
            "drop: 1 direct_identifier column",
            "keep: 1 quasi_identifier column",
            "keyed_hash (HMAC-SHA-256): 1 direct_identifier column",
            "key crm: a keyset that is not encrypted by another key",
            "runs are held to k 8 before their rows are visible",
            "rows are written in a random order",
            "a run stops before it commits where a value cannot be treated",
        ],
        "review_by": "2027-01-31",
        "source": f"parquet:{lake}/raw/t",
        "target": f"delta:{lake}/treated/t",
        "policy": "2026-11",
        "profiles": [],
    }
    assert article_30.not_stated(record) == ["representative"]


def test_rows_that_are_left_out_and_chosen_are_told_of(lake: Path) -> None:
    entry = lakes.table("t", lake, COLUMNS, suppress={"k": 5}, mondrian={"k": 7}, rows="age > 17")
    (record,) = report.records(config.load(lakes.write_conf(lake, entry)), ["t"])["records"]
    told = record["measures_of_treatment"]
    assert "rows in classes of fewer than 5 are left out" in told
    assert "quasi-identifiers are cut into boxes of 7 or more, which have one value each" in told
    assert told[-1] == "rows are selected by a predicate"
    assert "17" not in "".join(told)


def test_what_is_not_stated_is_not_guessed(lake: Path) -> None:
    (record,) = report.records(config.load(lakes.write_conf(lake, lakes.table("t", lake, {"id": "keep"}))), ["t"])[
        "records"
    ]
    assert article_30.not_stated(record) == list(article_30.ASKED)


def test_the_file_of_lines_says_the_same(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert report.main(["--conf", str(stated(lake)), "--all", "--records", str(out)]) == 0
    assert "t: not stated: representative\n" in capsys.readouterr().out
    written = json.loads((out / "processing_records.json").read_text())
    rows = list(csv.DictReader(io.StringIO((out / "processing_records.csv").read_bytes().decode(), newline="")))
    assert [row["table"] for row in rows] == ["bare", "t"] == [record["table"] for record in written["records"]]
    assert list(rows[1]) == list(written["records"][1])
    assert rows[1]["purposes"] == "billing; age analysis"
    assert rows[1]["recipients"] == "none"
    assert rows[1]["representative"] == rows[0]["purposes"] == NOT_STATED
    assert rows[1]["transfers"] == "to: Norway, safeguard: EEA"
    assert rows[1]["erasure"] == "table: 7 years, columns: id: 90 days"


def test_no_cell_is_a_formula() -> None:
    text = article_30.as_csv([{"a": '=HYPERLINK("x")', "b": "fine, so", "c": ["-1"]}])
    assert list(csv.reader(io.StringIO(text))) == [["a", "b", "c"], ['\'=HYPERLINK("x")', "fine, so", "'-1"]]


def test_it_starts_no_spark(lake: Path, tmp_path: Path) -> None:
    words = ["--conf", str(stated(lake)), "--all", "--records", str(tmp_path)]
    code = (
        "import sys; from jobs import report; from pyspark import SparkContext; "
        f"code = report.main({words!r}); assert SparkContext._gateway is None; sys.exit(code)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"purposes": []}, "expected at least one"),
        ({"recipients": ["a", "a"]}, "expected each once"),
        ({"transfers": [{"to": "Norway"}]}, "safeguard: required, and missing"),
        ({"purpose": ["a"]}, "unknown key; did you mean 'purposes'?"),
        ({"measures": [" "]}, "text that is not blank"),
    ],
)
def test_what_an_entry_cannot_say(lake: Path, more: dict[str, Any], said: str) -> None:
    folder = lakes.write_conf(lake, lakes.table("t", lake, {"id": "keep"}, processing=more))
    with pytest.raises(ConfigError, match=said):
        config.load(folder)


def test_what_a_controller_needs(lake: Path) -> None:
    folder = lakes.write_conf(lake, lakes.table("t", lake, {"id": "keep"}))
    (folder / "controller.yaml").write_text("controller: {name: a}")
    with pytest.raises(ConfigError, match=r"controller\.yaml:1: controller\.contact: required, and missing"):
        config.load(folder)


def test_nothing_is_asked_for(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--conf", str(stated(lake)), "--all"]) == 2
    told = capsys.readouterr()
    assert "state --html FOLDER, --records FOLDER, --contracts FOLDER or several" in told.out + told.err


def test_whom_a_table_is_made_for_and_what_scopes_keep_apart(lake: Path) -> None:
    rules = {"id": {"domain": "relation"}, "twin": {"domain": "month", "period_of": "day"}, "at": {"domain": "visit"}}
    lab = scopes.entry("lab", lake, rules, made_for=scopes.LAB)
    billing = scopes.entry("billing", lake, rules, made_for=scopes.BILLING, processing={"recipients": ["office"]})
    conf = scopes.configured(lake, lab, billing)
    (first, other) = report.records(conf, ["lab", "billing"])["records"]
    assert (first["recipients"], first["purposes"]) == (["research-lab"], NOT_STATED)
    assert (other["recipients"], other["purposes"]) == (["office"], ["billing"])
    said = first["measures_of_treatment"]
    assert "the table is made for one recipient: research-lab" in said
    assert "domain relation: other pseudonyms for every recipient and purpose" in said
    assert "domain month: other pseudonyms in every month" in said
    assert "domain visit: another pseudonym for every value, so that no two rows join" in said
    assert '"scope":"relationship"' in config.snapshot(conf, "lab"), "a domain's own entry decides about the table"
