"""Scopes of domains, through real runs on both paths: who joins with whom, what is recorded, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import linkage, pseudonymize
from jobs.record import record_reader
from jobs.record.treated_table import UnsafeUse, check_join, privacy_of
from jobs.verification.outcome import Check
from tests.helpers import scopes
from tests.helpers.lakes import properties, treated
from tests.helpers.scopes import BILLING, COURT, LAB, configured, entry

RELATION, VISIT = {"domain": "relation"}, {"domain": "visit"}


def by(name: str) -> dict[str, str]:
    return {"domain": "month", "period_of": name}


def pairs(spark: SparkSession, lake: Path, name: str, column: str = "id") -> dict[int, str]:
    """Row -> pseudonym."""
    return {row["number"]: row[column] for row in treated(spark, lake, name).select("number", column).collect()}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of one source for several recipients, none of which a test changes."""
    made = tmp_path_factory.mktemp("scopes")
    tables = {
        "plain": entry("plain", made, {"id": {"domain": "person"}, "twin": VISIT}),
        "lab": entry("lab", made, {"id": RELATION, "twin": by("day")}, made_for=LAB),
        "lab2": entry("lab2", made, {"id": RELATION, "twin": by("at")}, made_for=LAB, execution="spark"),
        "court": entry("court", made, {"id": RELATION, "twin": by("clock"), "clock": "drop"}, made_for=COURT),
        "billing": entry("billing", made, {"id": RELATION, "twin": VISIT}, made_for=BILLING),
    }
    for name in tables:
        scopes.written(spark, made, name)
    conf = configured(made, *tables.values())
    for name in tables:
        result = pseudonymize.run(spark, conf, name)
        assert result.execution == ("spark" if name == "lab2" else "columnar"), result.not_columnar
    return made


def test_within_a_relationship_all_join_and_across_none(spark: SparkSession, lake: Path) -> None:
    found = {name: pairs(spark, lake, name) for name in ("lab", "lab2", "court", "billing", "plain")}
    assert found["lab"] == found["lab2"]
    assert all(len(set(each.values())) == 200 for each in found.values())
    names = ("lab", "court", "billing", "plain")
    assert len({pseudonym for name in names for pseudonym in found[name].values()}) == 4 * 200


def test_within_a_period_all_join_and_across_none(spark: SparkSession, lake: Path) -> None:
    """By a date, by an instant that is of another month in UTC than in the domain's zone, and by a clock's time."""
    found = {name: pairs(spark, lake, name, "twin") for name in ("lab", "lab2", "court")}
    assert found["lab"] == found["lab2"] == found["court"]
    by_month = [{value for n, value in found["lab"].items() if n % 10 == month} for month in (1, 2, 3)]
    assert [len(each) for each in by_month] == [200, 200, 200]
    assert len(set.union(*by_month)) == 600
    assert not set.union(*by_month) & set(pairs(spark, lake, "plain").values())


def test_of_records_no_two_join(spark: SparkSession, lake: Path) -> None:
    values = [*pairs(spark, lake, "plain", "twin").values(), *pairs(spark, lake, "billing", "twin").values()]
    assert len(set(values)) == len(values) == 1200


def test_the_record_tells_scope_recipient_and_period(spark: SparkSession, lake: Path) -> None:
    record = json.loads(properties(spark, lake, "lab")["privacy.record"])
    assert record["made_for"] == {"recipient": "research-lab"}
    assert record["columns"]["id"]["domain"] == "relation@recipient:research-lab"
    assert record["columns"]["twin"]["domain"] == "month@period:month"
    told = record["columns"]["twin"]["parameters"]
    assert (told["period"], told["period_of"], told["period_zone"]) == ("month", "day", "Europe/Berlin")
    told_by_field = privacy_of(treated(spark, lake, "lab"))
    assert (told_by_field["id"].scope, told_by_field["twin"].scope) == ("relationship", "period")
    assert treated(spark, lake, "lab").schema["id"].metadata["privacy"] == record["columns"]["id"]
    assert privacy_of(treated(spark, lake, "plain"))["twin"].scope == "record"
    plain = json.loads(properties(spark, lake, "plain")["privacy.record"])
    assert "made_for" not in plain
    assert "period" not in json.dumps(plain["columns"])
    assert record_reader.made_for_of(properties(spark, lake, "lab")) == ("recipient", "research-lab")
    assert record_reader.made_for_of(properties(spark, lake, "plain")) is None


def test_joins_are_of_one_scope(spark: SparkSession, lake: Path) -> None:
    tables = {name: treated(spark, lake, name) for name in ("plain", "lab", "lab2", "court", "billing")}
    check_join(tables["lab"], tables["lab2"], ["id", "twin"])
    check_join(tables["lab"], tables["court"], "twin")
    for name, other, on in (("lab", "court", "id"), ("lab", "plain", "id"), ("lab", "billing", "id")):
        with pytest.raises(UnsafeUse, match="cannot be linked, by intention"):
            check_join(tables[name], tables[other], on)
    with pytest.raises(UnsafeUse, match="unequal results"):
        check_join(tables["plain"], tables["billing"], "twin")


def test_what_one_recipient_can_join(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert linkage.main(["--conf", str(lake / "conf"), "--recipient", "research-lab", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["recipient"], told["tables"], told["widest_scope"]) == (
        "research-lab",
        ["lab", "lab2"],
        "relationship",
    )
    found = {each["domain"]: (each["scope"], each["period"]) for each in told["links"]}
    assert found["relation@recipient:research-lab"] == ("relationship", None)
    assert found["month@period:month"] == ("period", "month")
    paths = [str(lake / "treated" / name) for name in ("lab", "court")]
    assert linkage.main([*(each for path in paths for each in ("--table", path)), "--recipient", "court"]) == 1
    assert "does not say that it is made for court" in capsys.readouterr().err
    assert linkage.main(["--table", paths[1], "--recipient", "court"]) == 0
    assert linkage.main(["--conf", str(lake / "conf"), "--recipient", "nobody"]) == 2


def test_verify_treats_the_sample_again(spark: SparkSession, lake: Path) -> None:
    from jobs import verify

    conf = configured(lake, *())
    for name in ("lab", "court"):
        found = verify.run(spark, conf, name)
        wrong = [each for each in checks(found) if each.outcome == "fails"]
        assert not wrong, wrong
        assert {"rows anew", "record anew"} <= {each.name for each in checks(found) if each.outcome == "holds"}


def checks(found: Any) -> list[Check]:
    return list(found.checks)
