"""`jobs.inventory` over real tables: what is drafted, that drafts are refused, what drifts, no value in any text."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import inventory, pseudonymize
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import ConfigError
from jobs.console.exit_codes import REFUSED, BadUsage
from jobs.detection import discovery
from jobs.drafting import lake_tables, report
from jobs.spark_app import session
from jobs.starting.acceptance import Draft
from tests.helpers.lakes import column, table, write_conf

CANARY_NAME, CANARY_MAIL = "Canaria Quixotebird", "canary-7f3a@example.org"
PEOPLE = 120


def people(**more: Any) -> pa.Table:
    """Rows whose columns' names say nothing; nested ones too."""
    rows = range(PEOPLE)
    first = ("Anna", "James", "Sophie", "Lukas", "Maria", "Peter", "Julia", "Thomas", "Laura", "David")
    last = ("Miller", "Schmidt", "Dubois", "Rossi", "Novak", "Jensen", "Garcia", "Brown")
    names = [CANARY_NAME, *(f"{first[at % 10]} {last[at % 8]}" for at in rows[1:])]
    mails = [CANARY_MAIL, *(f"user{at}@example.org" for at in rows[1:])]
    stay = [{"x": f"10.7.{at}.{255 - at}", "t": [{"u": f"+49 1512 34567{at % 90 + 10}"}]} for at in rows]
    columns = {
        "a": mails,
        "b": names,
        "c": pa.array([datetime.date(1940 + at % 60, 1 + at % 12, 3) for at in rows]),
        "d": pa.array([50_000 + at for at in rows]),
        "e": pa.array([("new", "paid")[at % 2] for at in rows]),
        "f": pa.array(stay),
        "g": pa.array([[("k", at)] for at in rows], pa.map_(pa.string(), pa.int64())),
        "odd name": pa.array([1.5 * at for at in rows]),
    }
    return pa.table({**columns, **more})


def put(lake: Path, name: str, rows: pa.Table) -> None:
    (lake / "raw" / name).mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, lake / "raw" / name / "a.parquet")


ACCEPTED = {
    "a": column({"domain": "customer"}, "direct_identifier"),
    "b": column("redact", "direct_identifier"),
    "c": column({"technique": "generalize_date", "unit": "year"}),
    "d": column("keep", "non_personal"),
    "e": column("keep", "non_personal"),
    "f": column("drop"),
    "g{key}": column("keep", "non_personal"),
    "g{value}": column("keep", "non_personal"),
    "`odd name`": column("keep", "non_personal"),
}


def test_a_lake_is_drafted_and_the_draft_is_refused_until_it_is_accepted(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE", str(lake))
    conf = write_conf(lake)
    put(lake, "people", people())
    (lake / "raw" / "codes.csv").write_text("code,label\n1,one\n2,two\n")
    assert inventory.main(["--path", str(lake / "raw"), "--output", str(conf / "catalog")]) == 0
    assert {path.name for path in (conf / "catalog").iterdir()} == {"people.yaml", "codes.yaml"}
    text = (conf / "catalog" / "people.yaml").read_text()
    drafted = yaml.safe_load(text)
    assert drafted["source"] == {"path": "${LAKE}/raw/people", "format": "parquet"}
    classes = {path: rule["class"] for path, rule in drafted["columns"].items()}
    assert classes == {
        "a": "direct_identifier",
        "b": "direct_identifier",
        "c": "quasi_identifier",
        "d": "quasi_identifier",
        "e": "undecided",
        "f.x": "quasi_identifier",
        "f.t[].u": "direct_identifier",
        "g{key}": "undecided",  # one text in all rows of a table about persons
        "g{value}": "quasi_identifier",
        "`odd name`": "undecided",
    }
    assert drafted["columns"]["c"]["treatment"] == {"technique": "generalize_date", "unit": "year"}
    assert drafted["columns"]["f.x"]["treatment"] == {"technique": "truncate_ip"}

    found = config.load(conf)
    assert (dict(found.tables), [(each.table, each.accepted) for each in found.drafts]) == (
        {},
        [("codes", 0), ("people", 0)],
    )
    filled = text.replace('why: ""', "why: ok")
    (conf / "catalog" / "people.yaml").write_text(filled)
    assert not config.load(conf).tables, "reasons for all columns make no decisions of a draft"
    (conf / "catalog" / "people.yaml").write_text(text.replace("draft: true\n", ""))
    with pytest.raises(
        ConfigError, match=r"people.yaml:\d+: columns: the 'why' of 10 columns is blank \(a, b, c and 7 more\)"
    ) as refused:
        config.load(conf)
    assert "owner: expected text that is not blank" in str(refused.value)
    assert "columns.e.class: undecided: a person must decide, and name the class" in str(refused.value)
    assert "columns.e.treatment: undecided: a person must decide, and 'keep' is a decision too" in str(refused.value)

    accept(conf / "catalog" / "people.yaml", lake)
    (conf / "catalog" / "codes.yaml").unlink()
    accepted = pseudonymize.run(spark, config.load(conf), "people")
    assert accepted.rows == PEOPLE

    for leaked in (CANARY_MAIL, CANARY_NAME, "Quixotebird", "10.7.3.252"):
        assert leaked not in text + "".join(capfd.readouterr())


def accept(file: Path, lake: Path) -> None:
    """What a reviewer does, in short."""
    text = file.read_text().replace('owner: ""', "owner: privacy@example.org").replace('why: ""', "why: reviewed")
    text = text.replace("class: undecided", "class: non_personal").replace("treatment: undecided", "treatment: keep")
    text = text.replace("draft: true\n", "")
    file.write_text(text.replace('{path: ""}', f'{{path: "{lake}/treated/people"}}'))


ODD = (
    "a.b",
    "*",
    "a`c",
    " ",
    "n\nl",
    "bi\u202edi",
    "#x: y",
    "${LAKE}",
    "yes",
    "12",
    "'\"\\",
    "l[]",
    "k{key}",
    "名",
)


def test_columns_of_any_name_go_from_draft_to_run_and_drift(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = write_conf(lake)
    inner = [{"x.y": f"user{at}@example.org", "*": at % 3, "`q`": [{"m.n": 1}]} for at in range(PEOPLE)]
    columns: dict[str, Any] = {name: [f"{'ab'[at % 2]}" for at in range(PEOPLE)] for name in ODD}
    put(lake, "odd", pa.table({**columns, "s.t": inner, "mail.": [f"u{at}@example.org" for at in range(PEOPLE)]}))
    assert inventory.main(["--path", str(lake / "raw"), "--output", str(conf / "catalog")]) == 0
    file = conf / "catalog" / "odd.yaml"
    assert "\u202e" not in file.read_text(), "what would reorder the line is escaped"
    drafted = yaml.safe_load(file.read_text())["columns"]
    paths = [ColumnPath((Field(name),)) for name in ODD]
    nested = ["`s.t`.`x.y`", "`s.t`.*", "`s.t`.```q```[].`m.n`", "`mail.`"]
    assert list(drafted) == [*map(str, paths), *nested]
    assert [drafted[name]["class"] for name in ("`s.t`.`x.y`", "`mail.`")] == ["direct_identifier"] * 2
    draft = Draft(conf, "odd")
    draft.state("owner", "privacy@example.org")
    draft.state("target", f"{lake}/treated/people")
    for each in draft.columns():
        class_, treatment = ("non_personal", "keep") if each.is_open else (each.class_, each.treatment)
        draft.accept(each.path, class_, treatment, "it's ${looked} at")
    assert list(draft.finish().tables["odd"].columns) == list(drafted)
    assert pseudonymize.run(spark, config.load(conf), "odd").rows == PEOPLE
    rows = spark.read.format("delta").load(f"{lake}/treated/people")
    assert rows.columns == [*ODD, "s.t", "mail."]
    first = rows.collect()[0]
    assert (first["s.t"]["x.y"], first["mail."], first["a.b"] in "ab") == (None, None, True)
    capfd.readouterr()
    assert inventory.main(["--conf", str(conf), "--compare"]) == 0


def test_a_new_column_is_drafted_beside_the_entry_which_stays_as_it_is(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = write_conf(lake, table("people", lake, ACCEPTED))
    put(lake, "people", people(added=[f"198.51.100.{at}" for at in range(PEOPLE)]))
    before = (conf / "catalog" / "people.yaml").read_text()
    assert inventory.main(["--table", "people", "--output", str(conf / "catalog")]) == 0
    assert (conf / "catalog" / "people.yaml").read_text() == before
    lines = (conf / "catalog" / "people.yaml.draft").read_text()
    assert list(yaml.safe_load(lines)) == ["added"]
    assert config.load(conf).tables.keys() == {"people"}
    (conf / "catalog" / "people.yaml").write_text(before + lines.replace('why: ""', "why: reviewed"))
    assert "added" in config.load(conf).tables["people"].columns
    assert inventory.main(["--table", "people", "--conf", str(conf)]) == 0
    assert "every column is decided" in capfd.readouterr().out


def test_a_new_column_of_a_csv_is_drafted_once_the_schema_names_it(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As docs/quickstart.md says it."""
    (lake / "raw" / "guests").mkdir(parents=True)
    rows = "".join(f"{at},198.51.100.{at}\n" for at in range(PEOPLE))
    (lake / "raw" / "guests" / "a.csv").write_text(f"id,came_from\n{rows}")
    source = {"format": "csv", "path": str(lake / "raw" / "guests"), "schema": "id int"}
    entry = table("guests", lake, {"id": column("redact")}, source=source)
    conf = write_conf(lake, entry)
    words = ["--table", "guests", "--output", str(conf / "catalog")]
    assert inventory.main(words) == 3
    told = capfd.readouterr().err
    assert "a header of 2 columns, and source.schema names 1 (id): state all of them there" in told
    assert "one that came later too, with its type" in told
    with pytest.raises(
        BadUsage, match=r"for new columns: state them in source\.schema, then python jobs/inventory\.py"
    ):
        Draft(conf, "guests")
    write_conf(lake, {**entry, "source": {**source, "schema": "id int, came_from string"}})
    assert inventory.main(words) == 0
    assert list(yaml.safe_load((conf / "catalog" / "guests.yaml.draft").read_text())) == ["came_from"]


def test_drift_is_told_and_counted_by_exit_code(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = write_conf(lake, table("people", lake, ACCEPTED))
    put(lake, "people", people())
    compare = ["--conf", str(conf), "--compare", "--json"]
    pseudonymize.run(spark, config.load(conf), "people")
    assert inventory.main(compare) == 0
    assert json.loads(capfd.readouterr().out) == {"table": "people", "drift": []}

    spark.sql(f"UPDATE delta.`{lake}/treated/people` SET a = 'person@example.org' WHERE d < 50060")
    changed = people(added=[f"P-{at}" for at in range(PEOPLE)], c=[float(at) for at in range(PEOPLE)], d=people()["a"])
    put(lake, "people", changed.rename_columns({"e": "ee"}))
    put(lake, "stray", pa.table({"x": [CANARY_MAIL]}))
    assert inventory.main([*compare, "--path", str(lake / "raw"), "--table", "people"]) == REFUSED
    output = capfd.readouterr()
    told = [json.loads(line) for line in output.out.splitlines()]
    assert {(each["what"], each["column"]) for each in told[0]["drift"]} == {
        ("new", "added"),
        ("renamed", "ee"),
        ("retyped", "c"),
        ("uncovered", "d"),
        ("not_pseudonyms", "a"),
    }
    assert told[1] == {
        "table": "stray",
        "drift": [{"what": "no_entry", "column": "", "detail": "the catalog has no entry that reads this table"}],
    }
    assert CANARY_MAIL not in output.out + output.err
    assert "example.org" not in output.out


def test_failures_have_codes_of_their_own_and_name_no_value(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = write_conf(lake, table("people", lake, ACCEPTED))
    assert inventory.main(["--conf", str(conf), "--compare"]) == 3
    (lake / "raw" / "broken").mkdir(parents=True)
    broken = lake / "raw" / "broken" / "a.csv"
    broken.write_text(f"a,b\n{CANARY_MAIL},1,{CANARY_NAME}\n")
    assert inventory.main(["--path", str(broken.parent)]) == 3
    (lake / "empty").mkdir()
    for wrong in (["--path", str(broken)], ["--path", str(lake / "no")], ["--path", str(lake / "empty")]):
        assert inventory.main(wrong) == 2
    assert inventory.main(["--database", "nowhere"]) == 2
    assert inventory.main(["--table", "peopel", "--conf", str(conf)]) == 2
    output = "".join(capfd.readouterr())
    for message in (
        "has a record of 3 columns, and 2 are expected",
        "is a file; name the folder that holds it",
        f"nothing is at {lake / 'no'}",
        "no table was found there",
        "has no database nowhere",
        "has a table peopel to read; did you mean 'people'?",
    ):
        assert message in output
    assert CANARY_MAIL not in output
    assert "Quixotebird" not in output


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "name what to scan: --path, --database or --table"),
        (["--compare"], "--compare needs --conf"),
        (["--compare", "--conf", ".", "--output", "."], "--compare writes nothing"),
        (["--table", "t", "--output", "no/such/folder"], "--output: there is no folder no/such/folder: make it first"),
        (["--table", "t", "--sample", "0"], "--sample: expected 1 row or more"),
        (["--table", "t", "--locale", "de_XX", "--locale", "GER"], "--locale: GER, XX is no country"),
        (["--compare", "--conf", "no/such/folder"], "expected a folder with the configuration"),
    ],
)
def test_what_cannot_be_meant_is_said_before_spark_is_started(
    wrong: list[str], message: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "start", None)  # calling it would fail
    assert inventory.main(wrong) == 2
    assert message in capfd.readouterr().err


@pytest.mark.parametrize("package", ["phonenumbers", "stdnum"])
def test_a_missing_package_is_named_with_what_to_install(
    package: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as the import system marks what is not there
    assert inventory.main(["--table", "t"]) == 3
    assert f"{package} is not installed: pip install 'lakenym[inventory]'" in capfd.readouterr().err


def test_a_draft_is_never_written_over_a_file(tmp_path: Path) -> None:
    made = report.Drafted("t", "t.yaml", (), "table: t\n")
    assert report.write(made, tmp_path) == tmp_path / "t.yaml"
    with pytest.raises(BadUsage, match=r"t\.yaml is there already and is never overwritten: accept or remove it first"):
        report.write(report.Drafted("t", "t.yaml", (), "table: other\n"), tmp_path)
    assert (tmp_path / "t.yaml").read_text() == "table: t\n"
    assert report.write(report.Drafted("u", "u.yaml", (), ""), tmp_path) is None


def test_tables_are_found_by_what_their_folders_hold(spark: SparkSession, lake: Path) -> None:
    put(lake, "plain", people())
    secret = lake / "raw" / "parts" / "city=Canaryville"
    secret.mkdir(parents=True)
    pq.write_table(people(), secret / "a.parquet")
    spark.range(3).write.format("delta").save(str(lake / "raw" / "deep" / "er" / "delta"))
    (lake / "raw" / "mixed").mkdir()
    for name in ("a.csv", "b.json", "_SUCCESS"):
        (lake / "raw" / "mixed" / name).write_text("x\n")
    (lake / "raw" / "_temporary").mkdir()
    for name in ("same.csv", "same.json"):
        (lake / "raw" / name).write_text("x\n")
    found = lake_tables.chosen(spark, (), str(lake / "raw"), None, {})
    assert [each.name for each in found if each.name.startswith("same")] == ["same", "same_2"], "both are kept"
    found = {table.name: table for table in discovery.below(spark, str(lake / "raw"))}
    formats = {name: table.source and table.source.format for name, table in found.items()}
    expected = {"plain": "parquet", "parts": "parquet", "deep.er.delta": "delta", "mixed": None}
    assert {name: format_ for name, format_ in formats.items() if name != "same"} == expected
    assert "several formats" in found["mixed"].problem
    assert "Canaryville" not in repr(found)
