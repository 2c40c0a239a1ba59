"""The story the catalog is there for: a column appears, the nightly job stops, a draft is accepted, the job goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import check, inventory, pseudonymize
from jobs.configuration import config
from jobs.console.exit_codes import BAD_USAGE, DONE, REFUSED
from tests.helpers import lakes
from tests.helpers.lakes import column, table, write_conf

PEOPLE = 60
CANARY = "198.51.100.77"
DECIDED = {"id": column({"domain": "customer"}, "direct_identifier"), "total": column("keep", "non_personal")}
SOURCE = "/raw/people"


def test_a_new_column_stops_the_job_until_a_person_has_decided_about_it(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    entry = table("people", lake, DECIDED, source={"format": "delta", "path": f"{lake}{SOURCE}"})
    conf = write_conf(lake, entry)
    nightly = ["--conf", str(conf), "--table", "people"]
    append(spark, lake, "id", "total")
    assert pseudonymize.main(nightly) == DONE
    first = commits(lake)

    append(spark, lake, "id", "total", "c7")
    capfd.readouterr()
    assert pseudonymize.main(nightly) == REFUSED
    message = "".join(capfd.readouterr())
    assert "people: 1 column needs a decision" in message
    assert "c7 (string): no decision in catalog/people.yaml" in message
    assert "add it under columns, 'keep' included" in message
    assert commits(lake) == first, "the target is as it was"

    assert inventory.main(["--table", "people", "--output", str(conf / "catalog")]) == 0
    draft = conf / "catalog" / "people.yaml.draft"
    assert f"people: 1 column proposed, for a person to accept, in {draft}" in capfd.readouterr().out
    lines = draft.read_text()
    assert "# ip: " in lines
    assert list(config.load(conf).tables["people"].columns) == ["id", "total"], "a draft beside it decides nothing"

    accepted = conf / "catalog" / "people.yaml"
    before = accepted.read_text()
    accepted.write_text(before + lines)  # moved to where it belongs, and not thought about
    capfd.readouterr()
    assert check.main(["--conf", str(conf)]) == BAD_USAGE
    assert "columns.c7.why: expected text that is not blank" in capfd.readouterr().out
    assert pseudonymize.main(nightly) == BAD_USAGE

    accepted.write_text(before + lines.replace('why: ""', "why: the region of a network is enough for us"))
    draft.unlink()
    assert check.main(["--conf", str(conf)]) == DONE
    assert pseudonymize.main(nightly) == DONE

    record = treated(spark, lake)
    assert record["columns"]["c7"]["class"] == "quasi_identifier"
    assert record["columns"]["c7"]["technique"] == "truncate_ip"
    assert set(record["columns"]) == {"id", "total", "c7"}
    shown = {row["c7"] for row in spark.read.format("delta").load(f"{lake}/treated/people").collect()}
    assert shown == {None, "198.51.100.0"}
    assert CANARY not in "".join(capfd.readouterr()) + message + lines + json.dumps(record)


def append(spark: SparkSession, lake: Path, *names: str) -> None:
    """Rows as a producer appends them, who told nobody of ``c7``."""
    made = {"id": "concat('K-', id)", "total": "id * 10", "c7": "concat('198.51.100.', id + 40)"}
    rows = spark.range(PEOPLE).selectExpr(*(f"{made[name]} AS {name}" for name in names)).coalesce(1)
    rows.write.format("delta").mode("append").option("mergeSchema", "true").save(f"{lake}{SOURCE}")


def commits(lake: Path) -> list[str]:
    return sorted(file.name for file in (lake / "treated" / "people" / "_delta_log").glob("*.json"))


def treated(spark: SparkSession, lake: Path) -> dict[str, Any]:
    """The record of the treated table, as anyone may read it."""
    return lakes.record(spark, lake, "people")
