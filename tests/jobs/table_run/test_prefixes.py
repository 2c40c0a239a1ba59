"""FHIR bundles of a package, treated with one domain for patients: they join on their references as the raw ones do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import erase, pseudonymize
from jobs import linkage as linkage_job
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Target
from jobs.erasure.carried_out import Wanted
from jobs.record import in_common, linkage
from jobs.record.linkage import Link, Place
from jobs.record.treated_table import UnsafeUse, check_join, privacy_of
from jobs.spark_app.failures import RunFailed
from jobs.subjects.asked import Asked
from jobs.subjects.search import searching
from tests.helpers import lakes
from tests.helpers.lakes import column, record, table, treated
from tests.helpers.places import TESTS

FHIR = json.loads((TESTS / "vectors" / "fhir.json").read_text(encoding="utf-8"))
REFERENCES = ["Patient/", "urn:uuid:"]
PATIENT = column({"domain": "patient"}, "direct_identifier")
ENCOUNTER = column({"domain": "encounter"}, "direct_identifier")


def domains(technique: str) -> dict[str, Any]:
    same = {"technique": technique, "key": "crm"}
    return {
        "patient": {**same, "normalize": ["nfc", "trim", {"strip_prefix": REFERENCES}]},
        "encounter": {**same, "normalize": {"strip_prefix": ["Encounter/", "urn:uuid:"]}},
    }


def configured(lake: Path, technique: str = "keyed_hash") -> Config:
    entries = {
        "patients": {"id": PATIENT, "birthDate": "keep"},
        "observations": {
            "id": "keep", "subject.reference": PATIENT, "encounter.reference": ENCOUNTER, "seen[]": PATIENT,
        },
        "encounters": {"id": ENCOUNTER, "subject.reference": PATIENT},
        "bundled": {"fullUrl": PATIENT, "type": "keep", "subject": PATIENT, "number": "keep"},
    }  # fmt: skip
    more = {"encounters": {"execution": "spark"}}
    folder = lakes.write_conf(
        lake, *(table(name, lake, columns, **more.get(name, {})) for name, columns in entries.items())
    )
    (folder / "domains.yaml").write_text(json.dumps(domains(technique)), encoding="utf-8")
    return config.load(folder)


def written(spark: SparkSession, lake: Path) -> None:
    rows = FHIR["ndjson"]
    entries = [entry for bundle in FHIR["bundles"] for entry in bundle["entry"]]
    tables = {
        "patients": ([(each["id"], each["birthDate"]) for each in rows["Patient"]], "id string, birthDate string"),
        "observations": (
            [
                (each["id"], each["subject"], each["encounter"], [each["subject"]["reference"], None])
                for each in rows["Observation"]
            ],
            "id string, subject struct<reference: string>, encounter struct<reference: string>, seen array<string>",
        ),
        "encounters": (
            [(each["id"], each["subject"]) for each in rows["Encounter"]],
            "id string, subject struct<reference: string>",
        ),
        "bundled": (
            [
                (
                    each["fullUrl"],
                    each["resource"]["resourceType"],
                    each["resource"].get("subject", {}).get("reference"),
                    n,
                )
                for n, each in enumerate(entries)
            ],
            "fullUrl string, type string, subject string, number int",
        ),
    }
    for name, (values, schema) in tables.items():
        spark.createDataFrame(values, schema).repartition(2).write.parquet(str(lake / "raw" / name))


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fhir")
    written(spark, made)
    conf = configured(made)
    for name in conf.tables:
        result = pseudonymize.run(spark, conf, name)
        assert result.execution == ("spark" if name == "encounters" else "columnar"), result.not_columnar
    return made


def joined(patients: DataFrame, observations: DataFrame, encounters: DataFrame) -> set[tuple[str, str]]:
    """Who was seen when: birth dates and ids of observations, by references alone."""
    born = {row["id"]: row["birthDate"] for row in patients.collect()}
    whose = {row["id"]: row["subject"]["reference"] for row in encounters.collect()}
    return {
        (row["id"], born[row["subject"]["reference"]])
        for row in observations.collect()
        if whose[row["encounter"]["reference"]] == row["subject"]["reference"] == row["seen"][0]
    }


def test_bundles_join_on_their_references(spark: SparkSession, lake: Path) -> None:
    found = joined(*(treated(spark, lake, name) for name in ("patients", "observations", "encounters")))
    born = {f"Patient/{each['id']}": each["birthDate"] for each in FHIR["ndjson"]["Patient"]}
    assert found == {(each["id"], born[each["subject"]["reference"]]) for each in FHIR["ndjson"]["Observation"]}
    assert len(found) == 32


def test_one_patient_has_one_pseudonym_however_the_reference_is_written(spark: SparkSession, lake: Path) -> None:
    """In ``urn:uuid:``, as transactions have it, too; and other resources of a bundle are other pseudonyms."""
    own = {row[0] for row in treated(spark, lake, "patients").select("id").collect()}
    bundled = treated(spark, lake, "bundled").collect()
    assert len(own) == len(FHIR["ndjson"]["Patient"]) == 4
    assert {row["fullUrl"] for row in bundled if row["type"] == "Patient"} == own
    assert {row["subject"] for row in bundled if row["subject"] is not None} == own
    assert not own & {row["fullUrl"] for row in bundled if row["type"] != "Patient"}


def test_the_record_tells_it_and_schemas_say_that_they_join(spark: SparkSession, lake: Path) -> None:
    schemas = {name: treated(spark, lake, name).schema for name in ("patients", "observations", "encounters")}
    told = record(spark, lake, "observations")["columns"]
    assert told["subject.reference"]["parameters"]["normalize"] == ["nfc", "trim", {"strip_prefix": REFERENCES}]
    assert told["encounter.reference"]["parameters"]["normalize"] == [{"strip_prefix": ["Encounter/", "urn:uuid:"]}]
    assert privacy_of(schemas["observations"])["seen[]"].domain == "patient"
    said = check_join(schemas["patients"], schemas["observations"], [("id", "subject.reference"), ("id", "seen[]")])
    version = told["subject.reference"]["key_id"]
    how = f"both are keyed_hash of domain patient, under key crm, version {version}"
    assert said.splitlines() == [f"id and subject.reference join: {how}", f"id and seen[] join: {how}"]
    paths = [str(lake / "treated" / name) for name in ("patients", "observations")]
    assert check_join(*paths, "id", "subject.reference") == said.splitlines()[0]
    assert check_join(*paths, ("id", "subject.reference")) == said.splitlines()[0]
    with pytest.raises(UnsafeUse, match="domains patient and encounter cannot be linked"):
        check_join(*paths, "id", "encounter.reference")
    with pytest.raises(UnsafeUse, match="there is no table"):
        check_join(str(lake / "treated" / "none"), paths[1], "id")
    with pytest.raises(UnsafeUse, match="give data frames"):
        check_join(schemas["patients"], schemas["patients"], "id", look=True)
    found = linkage.find(schemas)
    assert {link.domain: len(link.columns) for link in found.links} == {"patient": 4, "encounter": 2}
    assert found.apart == ()


def test_whoever_is_looked_for_is_found_under_every_prefix_on_both_paths(spark: SparkSession, lake: Path) -> None:
    """The encounters were treated by Spark's path, the others in whole arrays; nobody else is found."""
    one = FHIR["ndjson"]["Patient"][0]["id"]
    count = []
    for spelled in (one, f"Patient/{one}", f"urn:uuid:{one}"):
        with searching(spark, configured(lake), Asked("patient", pa.array([spelled]))) as search:
            tables = {table.treated.name: table for table in search.held.tables}
            assert not search.held.gaps
            count.append({name: t.treated.rows().where(search.condition(t)).count() for name, t in tables.items()})
    assert count[0] == count[1] == count[2]
    whose = [f"Patient/{one}", f"urn:uuid:{one}"]
    entries = [entry for bundle in FHIR["bundles"] for entry in bundle["entry"]]
    theirs = [e for e in entries if {e["fullUrl"], e["resource"].get("subject", {}).get("reference")} & set(whose)]
    assert count[0] == {
        "patients": 1,
        "observations": sum(each["subject"]["reference"] in whose for each in FHIR["ndjson"]["Observation"]),
        "encounters": sum(each["subject"]["reference"] in whose for each in FHIR["ndjson"]["Encounter"]),
        "bundled": len(theirs),
    }


def test_a_join_is_looked_at_by_its_rows(spark: SparkSession, lake: Path) -> None:
    patients, observations = (treated(spark, lake, name) for name in ("patients", "observations"))
    said = check_join(patients, observations, [("id", "subject.reference"), ("id", "seen[]")], look=True)
    assert [line.endswith("; they have values in common") for line in said.splitlines()] == [True, True]
    one = patients.limit(1).collect()[0]["id"]
    alone, others = patients.where(F.col("id") == one), patients.where(F.col("id") != one)
    assert "join" in check_join(alone, others, "id"), "the schemas know no better"
    with pytest.raises(
        UnsafeUse, match=r"have no value in common: are the ids written alike \(strip_prefix\)\?"
    ) as told:
        check_join(alone, others, "id", look=True)
    assert one not in str(told.value)
    assert check_join(alone, others.limit(0), "id", look=True).endswith("one of them holds no value")


def test_columns_that_share_no_value_are_found_wherever_they_are_nested(spark: SparkSession) -> None:
    one = spark.createDataFrame([("a", ["x", None]), ("b", None)], "id string, seen array<string>")
    rows = [({"who": "b"}, {"x": "q"}, None), ({"who": "z"}, {"n": "r"}, None)]
    other = spark.createDataFrame(rows, "home struct<who: string>, m map<string, string>, none string")
    columns = [("one", "id"), ("one", "seen[]"), ("other", "home.who"), ("other", "m{key}"), ("other", "m{value}")]
    places = tuple(Place(*each, "keyed_hash") for each in (*columns, ("other", "none"), ("one", "id:$.x")))
    found = in_common.apart(Link("d", "keyed_hash", "crm", 7, places), {"one": one, "other": other})
    assert [(each.table, each.column) for each in found] == [("other", "m{value}")]
    assert in_common.apart(Link("d", "keyed_hash", "crm", 7, places[5:]), {"one": one, "other": other}) == ()


@pytest.mark.sweep
def test_ids_that_are_written_otherwise_are_treated_alike_and_share_nothing(spark: SparkSession, lake: Path) -> None:
    """Without the step the schemas say that they join; the rows say that they do not."""
    (lake / "unlike").mkdir()
    configured(lake / "unlike")
    plain = {"technique": "keyed_hash", "key": "crm"}
    domains_of = {"patient": plain, "encounter": {**plain, "normalize": {"strip_prefix": "Encounter/"}}}
    (lake / "unlike" / "conf" / "domains.yaml").write_text(json.dumps(domains_of), encoding="utf-8")
    written(spark, lake / "unlike")
    conf = config.load(lake / "unlike" / "conf")
    names = ("patients", "observations", "encounters")
    for name in names:
        pseudonymize.run(spark, conf, name)
    targets = {name: conf.tables[name].target for name in names}
    found = linkage_job.run(spark, targets, look=True)
    assert {link.domain: len(link.columns) for link in found.found.links} == {"patient": 4, "encounter": 2}
    assert [(domain, place.table, place.column) for domain, place in found.alone or ()] == [
        ("patient", "patients", "id")
    ]
    assert "patients id" in "\n".join(linkage_job.lines(found)).partition("no value in common")[2]
    good = linkage_job.run(spark, {name: Target(path=str(lake / "treated" / name)) for name in names}, look=True)
    assert good.alone == []
    assert linkage_job.run(spark, targets).alone is None


def test_a_reference_to_nobody_stops_the_run(spark: SparkSession, tmp_path: Path) -> None:
    spark.createDataFrame([("Patient/", "x"), ("Patient/1", "x")], "id string, birthDate string").write.parquet(
        str(tmp_path / "raw" / "patients")
    )
    with pytest.raises(RunFailed, match="keyed_hash cannot treat 1 of") as caught:
        pseudonymize.run(spark, configured(tmp_path), "patients")
    assert "Patient/" not in str(caught.value)
    assert not list((tmp_path / "treated" / "patients").glob("_delta_log/*.json"))


@pytest.mark.sweep
@pytest.mark.parametrize("technique", ["keyed_hash", "deterministic_encryption"])
def test_whoever_is_erased_is_found_under_every_spelling(spark: SparkSession, tmp_path: Path, technique: str) -> None:
    written(spark, tmp_path)
    conf = configured(tmp_path, technique)
    for name in conf.tables:
        pseudonymize.run(spark, conf, name)
    one, other, *_ = (each["id"] for each in FHIR["ndjson"]["Patient"])
    erased = erase.run(spark, conf, Wanted(Asked("patient", pa.array([f"Patient/{one}", f"urn:uuid:{other}"]))))
    assert {each.name: (each.rows_deleted, each.elements_removed) for each in erased.tables} == {
        "patients": (2, 0),
        "observations": (16, 0),
        "encounters": (2, 0),
        "bundled": (20, 0),
    }
