"""`jobs.inventory` over real tables: what is drafted, that a draft cannot be used, what drifts, and that nothing leaks."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import inventory, pseudonymize
from jobs.shared.configuration import config
from jobs.shared.configuration.config import ConfigError
from jobs.shared.inventory import discovery
from tests.lakes import column, table, write_conf

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
    assert inventory.main(["--path", str(lake / "raw"), "--write", str(conf / "catalog")]) == 0
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
        "e": "non_personal",
        "f.x": "quasi_identifier",
        "f.t[].u": "direct_identifier",
        "g{key}": "non_personal",
        "g{value}": "quasi_identifier",
        "`odd name`": "non_personal",
    }
    assert drafted["columns"]["c"]["treatment"] == {"technique": "generalize_date", "unit": "year"}
    assert drafted["columns"]["f.x"]["treatment"] == {"technique": "truncate_ip"}

    with pytest.raises(
        ConfigError, match=r"people.yaml:\d+: columns.a.why: expected text that is not blank"
    ) as refused:
        config.load(conf)
    assert "owner: expected text that is not blank" in str(refused.value)

    accept(conf / "catalog" / "people.yaml", lake)
    (conf / "catalog" / "codes.yaml").unlink()
    accepted = pseudonymize.run(spark, config.load(conf), "people")
    assert accepted.rows == PEOPLE

    for leaked in (CANARY_MAIL, CANARY_NAME, "Quixotebird", "10.7.3.252"):
        assert leaked not in text + "".join(capfd.readouterr())


def accept(file: Path, lake: Path) -> None:
    """What a reviewer does, in short."""
    text = file.read_text().replace('owner: ""', "owner: privacy@example.org").replace('why: ""', "why: reviewed")
    file.write_text(text.replace('{path: ""}', f'{{path: "{lake}/treated/people"}}'))


def test_a_new_column_is_drafted_beside_the_entry_which_stays_as_it_is(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = write_conf(lake, table("people", lake, ACCEPTED))
    put(lake, "people", people(added=[f"198.51.100.{at}" for at in range(PEOPLE)]))
    before = (conf / "catalog" / "people.yaml").read_text()
    assert inventory.main(["--table", "people", "--write", str(conf / "catalog")]) == 0
    assert (conf / "catalog" / "people.yaml").read_text() == before
    lines = (conf / "catalog" / "people.yaml.draft").read_text()
    assert list(yaml.safe_load(lines)) == ["added"]
    assert config.load(conf).tables.keys() == {"people"}
    (conf / "catalog" / "people.yaml").write_text(before + lines.replace('why: ""', "why: reviewed"))
    assert "added" in config.load(conf).tables["people"].columns
    assert inventory.main(["--table", "people", "--conf", str(conf)]) == 0
    assert "every column is decided" in capfd.readouterr().out


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
    changed = people(added=[f"P-{at}" for at in range(PEOPLE)], c=[float(at) for at in range(PEOPLE)])
    changed = (
        changed.drop_columns(["e", "d"]).append_column("d", pa.array(people()["a"])).append_column("ee", people()["e"])
    )
    put(lake, "people", changed)
    assert inventory.main(compare) == 1
    output = capfd.readouterr()
    found = {(each["what"], each["column"]) for each in json.loads(output.out)["drift"]}
    assert found == {
        ("new", "added"),
        ("renamed", "ee"),
        ("retyped", "c"),
        ("uncovered", "d"),
        ("not_pseudonyms", "a"),
    }
    assert CANARY_MAIL not in output.out + output.err
    assert "example.org" not in output.out


def test_failures_have_codes_of_their_own_and_name_no_value(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = write_conf(lake, table("people", lake, ACCEPTED))
    assert inventory.main(["--conf", str(conf), "--compare"]) == 3
    assert inventory.main(["--compare"]) == 2
    assert inventory.main(["--table", "people", "--write", str(lake / "nowhere")]) == 2
    (lake / "raw" / "broken").mkdir(parents=True)
    (lake / "raw" / "broken" / "a.csv").write_text(f"a,b\n{CANARY_MAIL},1,{CANARY_NAME}\n")
    assert inventory.main(["--path", str(lake / "raw" / "broken")]) == 3
    output = "".join(capfd.readouterr())
    assert "does not parse" in output
    assert CANARY_MAIL not in output
    assert "Quixotebird" not in output


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
    found = {table.name: table for table in discovery.below(spark, str(lake / "raw"))}
    formats = {name: table.source and table.source.format for name, table in found.items()}
    assert formats == {"plain": "parquet", "parts": "parquet", "deep.er.delta": "delta", "mixed": None}
    assert "several formats" in found["mixed"].problem
    assert "Canaryville" not in repr(found)
