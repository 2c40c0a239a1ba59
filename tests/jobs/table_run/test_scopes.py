"""Scopes of domains, through real runs on both paths: who joins with whom, what is recorded, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import linkage, pseudonymize, verify
from jobs.console.exit_codes import Refused
from jobs.record import record_reader
from jobs.record.treated_table import UnsafeUse, check_join, privacy_of
from jobs.spark_app.failures import RunFailed
from jobs.treatment.treatment_plan import PlanError
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import create_file
from tests.helpers import reversals, scopes
from tests.helpers.lakes import column, properties, table, treated
from tests.helpers.scopes import BILLING, COURT, LAB, configured, entry
from tests.helpers.sweeps import but_for

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
    assert all(len(set(each.values())) == 40 for each in found.values())
    names = ("lab", "court", "billing", "plain")
    assert len({pseudonym for name in names for pseudonym in found[name].values()}) == 4 * 40


def test_within_a_period_all_join_and_across_none(spark: SparkSession, lake: Path) -> None:
    """By a date, by an instant that is of another month in UTC than in the domain's zone, and by a clock's time."""
    found = {name: pairs(spark, lake, name, "twin") for name in ("lab", "lab2", "court")}
    assert found["lab"] == found["lab2"] == found["court"]
    by_month = [{value for n, value in found["lab"].items() if n % 10 == month} for month in (1, 2, 3)]
    assert [len(each) for each in by_month] == [40, 40, 40]
    assert len(set.union(*by_month)) == 120
    assert not set.union(*by_month) & set(pairs(spark, lake, "plain").values())


def test_of_records_no_two_join(spark: SparkSession, lake: Path) -> None:
    values = [*pairs(spark, lake, "plain", "twin").values(), *pairs(spark, lake, "billing", "twin").values()]
    assert len(set(values)) == len(values) == 240


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
    assert "twin and twin join, within one month only: both are" in check_join(tables["lab"], tables["court"], "twin")
    for name, other, on in (("lab", "court", "id"), ("lab", "plain", "id"), ("lab", "billing", "id")):
        with pytest.raises(UnsafeUse, match="cannot be linked, by intention"):
            check_join(tables[name], tables[other], on)
    with pytest.raises(UnsafeUse, match="unequal results"):
        check_join(tables["plain"], tables["billing"], "twin")


def test_what_one_recipient_can_join(
    spark: SparkSession, lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
    later = Path(shutil.copytree(lake / "conf", tmp_path / "conf"))  # what was given stays given
    reversals.edit(later / "catalog" / "lab.yaml", made_for=COURT)
    capsys.readouterr()
    assert linkage.main(["--conf", str(later), "--recipient", "research-lab", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["tables"], told["left_out"]) == (["lab", "lab2"], [])
    assert linkage.main(["--conf", str(later), "--table", "court", "--recipient", "research-lab"]) == 1


@pytest.mark.sweep
def test_verify_treats_the_sample_again(spark: SparkSession, lake: Path) -> None:
    conf = configured(lake, *())
    found = verify.run(spark, conf, "court")
    assert not [each for each in found.checks if each.outcome == "fails"]
    assert {"rows anew", "record anew"} <= {each.name for each in found.checks if each.outcome == "holds"}


def test_people_are_not_counted_by_periods(spark: SparkSession, lake: Path) -> None:
    """One person would be as many as there are months: k would look larger than it is."""
    rules = {"twin": by("day"), "number": "drop", "at": "drop", "clock": "drop", "id": "drop"}
    counted = entry("lab", lake, rules, subject="twin", made_for=LAB, risk={"k": 2})
    with pytest.raises(Refused, match="rows would count, and not people"):
        pseudonymize.run(spark, configured(lake, {**counted, "target": {"path": f"{lake}/treated/c"}}), "lab")
    assert not (lake / "treated" / "c").exists()


@pytest.mark.parametrize("execution", but_for(["columnar"], ["columnar", "spark"]))
def test_rows_without_a_date_are_refused_or_set_aside(spark: SparkSession, tmp_path: Path, execution: str) -> None:
    spark.sql(
        "SELECT * FROM VALUES ('a', DATE'2026-01-01', array('a', 'b')), ('a', NULL, array('a')), "
        "(NULL, NULL, array()), ('a', DATE'2026-01-31', array('a')) AS t(id, day, ids)"
    ).coalesce(1).write.parquet(str(tmp_path / "raw" / "t"))
    rules = {"id": by("day"), "ids[]": by("day"), "day": "keep"}
    kept = table("t", tmp_path, rules, execution=execution)
    with pytest.raises(RunFailed, match="keyed_hash cannot treat 1 of"):
        pseudonymize.run(spark, configured(tmp_path, kept), "t")
    assert not list((tmp_path / "treated").rglob("*.json")), "nothing was committed"
    create_file(tmp_path / "keys" / "aside.json")
    aside = {"path": str(tmp_path / "aside"), "key": "aside", "at_most": 1}
    conf = configured(tmp_path, {**kept, "on_refused": "quarantine", "quarantine": aside}, keys=["aside"])
    assert pseudonymize.run(spark, conf, "t").rows == 3
    found = [tuple(row) for row in treated(spark, tmp_path).select("id", "ids").collect()]
    pseudonym = next(row[0] for row in found if row[0])
    assert sorted((row[0] or "", len(row[1])) for row in found) == [("", 0), (pseudonym, 1), (pseudonym, 2)]
    assert {each[0] for _, each in found if each} == {pseudonym}, "an element is of the period of its row"


def test_a_date_that_is_none_stops_before_anything_is_read(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT 'a' AS id, '2026-01-01' AS day").write.parquet(str(tmp_path / "raw" / "t"))
    conf = configured(tmp_path, table("t", tmp_path, {"id": by("day"), "day": "keep"}))
    with pytest.raises(PlanError, match="id: period_of: day is string: a date or a timestamp says in which period"):
        pseudonymize.run(spark, conf, "t")


def test_a_key_that_is_used_as_it_is_is_refused_for_a_scope(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT 'a' AS id").write.parquet(str(tmp_path / "raw" / "t"))
    (tmp_path / "keys").mkdir()
    create_file(tmp_path / "keys" / "crm.json", "AesSivKey")
    conf = configured(tmp_path, table("t", tmp_path, {"id": {"domain": "mail"}}, made_for=LAB))
    with pytest.raises(KeyProblem, match="AesSivKey is used as it is and knows no scopes"):
        pseudonymize.run(spark, conf, "t")
    assert not (tmp_path / "treated").exists()


@pytest.mark.sweep
def test_the_way_back_of_each_scope(spark: SparkSession, tmp_path: Path) -> None:
    """Of a relationship and of records values come back; by periods they are refused before anything is opened."""
    spark.sql("SELECT 'a' AS id, 'b' AS twin, DATE'2026-01-01' AS day, 1 AS amount").write.parquet(f"{tmp_path}/raw/t")
    rules = {"id": {"domain": "mail"}, "twin": VISIT, "other": {"domain": "mail-month", "period_of": "day"}}
    rules |= {"day": "drop", "amount": column("keep", "non_personal")}
    spark.read.parquet(f"{tmp_path}/raw/t").withColumn("other", F.lit("c")).write.parquet(f"{tmp_path}/raw/u")
    source = {"format": "parquet", "path": f"{tmp_path}/raw/u"}
    reversals.configured(tmp_path)  # the people, the keys and the log
    written = yaml.safe_load((tmp_path / "conf" / "policy.yaml").read_text())
    ann = {**reversals.approver(tmp_path), "tables": ["t"], "domains": ["mail", "visit", "mail-month"]}
    policy = {**written, "reversal": {**written["reversal"], "approvers": [ann]}}
    conf = configured(tmp_path, table("t", tmp_path, rules, source=source, made_for=LAB), policy=policy, keys=None)
    pseudonymize.run(spark, conf, "t")
    wanted = reversals.asked("id", "twin", beside=("amount",))
    approval = reversals.approved(spark, tmp_path, conf, wanted)
    reversals.turned(spark, conf, wanted, approval, output=str(tmp_path / "out"))
    assert [tuple(row) for row in spark.read.format("delta").load(str(tmp_path / "out")).collect()] == [("a", "b", 1)]
    with pytest.raises(Refused, match="other: each month has a key of its own, and the table does not say which"):
        reversals.approved(spark, tmp_path, conf, reversals.asked("other"))
