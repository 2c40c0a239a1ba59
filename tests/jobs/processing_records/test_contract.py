"""Data contracts of treated tables, held against the published JSON Schema of the Open Data Contract Standard."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs import pseudonymize, report
from jobs.configuration import config
from jobs.console.exit_codes import Refused
from jobs.processing_records.contract import logical
from tests.helpers import lakes
from tests.helpers.places import TESTS

SCHEMA = json.loads((TESTS / "vectors" / "odcs" / "odcs-3.1.0.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft201909Validator(SCHEMA)
COLUMNS: dict[str, Any] = {
    "id": lakes.column({"domain": "customer"}, "direct_identifier"),
    "name": lakes.column("drop", "direct_identifier"),
    "born": {"technique": "generalize_date", "unit": "year"},
    "address.zip": {"technique": "truncate", "keep": 2},
    "address.door": lakes.column("drop", "direct_identifier"),
    "items[].amount": lakes.column("keep", "non_personal"),
    "marks{key}": lakes.column("keep", "non_personal"),
    "marks{value}": lakes.column("redact", "sensitive"),
    "body:$.mail": lakes.column({"domain": "other"}, "direct_identifier"),
    "body:$.n": lakes.column("keep", "non_personal"),
    "part": {**lakes.column("keep", "non_personal"), "retention": "18 months"},
    "kind": {
        "class": "sensitive",
        "why": "a test",
        "when": [
            {"rows": "part = 'canary-part'", "treatment": "redact"},
            {"rows": "part IS DISTINCT FROM 'canary-part'", "treatment": "keep"},
        ],
    },
}
ROW = (
    1, "canary-name", None, ("canary-zip", "canary-door"), [(1.5,)], {"k": "canary-mark"},
    '{"mail":"canary-mail","n":1}', "p", "canary-kind",
)  # fmt: skip
TYPES = (
    "id bigint, name string, born date, address struct<zip: string, door: string>, items array<struct<amount: double>>,"
    " marks map<string, string>, body string, part string, kind string"
)


def test_a_contract_of_a_treated_table(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    spark.createDataFrame([ROW], TYPES).coalesce(1).write.parquet(str(lake / "raw" / "t"))
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["part"]}
    entry = lakes.table("t", lake, COLUMNS, target=target, retention="7 years", processing={"purposes": ["billing"]})
    conf = config.load(lakes.write_conf(lake, entry))
    pseudonymize.run(spark, conf, "t")
    (path,) = report.run(conf, ["t"], contracts_in=tmp_path, spark=spark)
    assert path.name == "t.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    contract = yaml.safe_load(text)
    assert [error.message for error in VALIDATOR.iter_errors(contract)] == []
    assert "canary" not in text
    assert hashlib.sha256(b"part = 'canary-part'").hexdigest() not in text

    assert (contract["apiVersion"], contract["kind"], contract["version"]) == ("v3.1.0", "DataContract", "0.0.0")
    assert contract["description"] == {"purpose": "billing"}
    assert contract["slaProperties"] == [
        {"property": "retention", "value": 7, "unit": "y", "driver": "regulatory"},
        {"property": "retention", "value": 18, "unit": "m", "driver": "regulatory", "element": "part"},
    ]
    (table,) = contract["schema"]
    said = {each["property"]: each["value"] for each in table["customProperties"]}
    record = lakes.properties(spark, lake)["privacy.record"]
    assert said["privacyRecordSha256"] == hashlib.sha256(record.encode()).hexdigest()
    assert said["droppedColumns"] == ["address.door", "name"]
    assert said["recipients"] == "not stated"

    def shape(given: dict[str, Any]) -> Any:
        below = map(shape, [*given.get("properties", []), *([given["items"]] if "items" in given else [])])
        return (given.get("name"), given["logicalType"], given["physicalType"], given.get("classification"), *below)

    assert [shape(each) for each in table["properties"]] == [
        ("id", "string", "string", "direct_identifier"),
        ("born", "date", "date", "quasi_identifier"),
        ("address", "object", "struct", None, ("zip", "string", "string", "quasi_identifier")),
        (
            "items", "array", "array", None,
            (None, "object", "struct", None, ("amount", "number", "double", "non_personal")),
        ),
        (
            "marks", "object", "map", None,
            ("key", "string", "string", "non_personal"), ("value", "string", "string", "sensitive"),
        ),
        ("body", "string", "string", "direct_identifier"),
        ("part", "string", "string", "non_personal"),
        ("kind", "string", "string", "sensitive"),
    ]  # fmt: skip
    by_name = {each["name"]: each for each in table["properties"]}
    assert by_name["part"]["partitioned"] is True
    (treatment,) = by_name["id"]["customProperties"][0]["value"]
    assert (treatment["technique"], treatment["domain"], treatment["bits"]) == ("keyed_hash", "customer", 128)
    assert [each["path"] for each in by_name["body"]["customProperties"][0]["value"]] == ["body:$.mail", "body:$.n"]
    assert [each["technique"] for each in by_name["kind"]["customProperties"][0]["value"]] == ["redact", "keep"]


def test_the_schema_can_say_no() -> None:
    good = {"version": "1", "apiVersion": "v3.1.0", "kind": "DataContract", "id": "t", "status": "active"}
    assert VALIDATOR.is_valid(good)
    assert not VALIDATOR.is_valid({**good, "apiVersion": "v3"})
    assert not VALIDATOR.is_valid({**good, "schema": [{"name": "t", "properties": [{"logicalType": "string"}]}]})


def test_a_table_that_was_not_treated_has_none(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    conf = config.load(lakes.write_conf(lake, lakes.table("t", lake, {"id": "keep"})))
    with pytest.raises(Refused, match="t: there is no table at delta:"):
        report.run(conf, ["t"], contracts_in=tmp_path, spark=spark)
    spark.range(1).coalesce(1).write.format("delta").save(str(lake / "treated" / "t"))
    with pytest.raises(Refused, match="carries no record of a treatment"):
        report.run(conf, ["t"], contracts_in=tmp_path, spark=spark)
    assert not list(tmp_path.glob("*.yaml"))


def test_every_type_has_one_in_the_words_of_the_standard() -> None:
    known = SCHEMA["$defs"]["SchemaBaseProperty"]["properties"]["logicalType"]["enum"]
    types = {
        "string": [T.StringType(), T.BinaryType()],
        "integer": [T.ByteType(), T.ShortType(), T.IntegerType(), T.LongType()],
        "number": [T.FloatType(), T.DoubleType(), T.DecimalType(5, 2)],
        "boolean": [T.BooleanType()],
        "date": [T.DateType()],
        "timestamp": [T.TimestampType(), T.TimestampNTZType()],
        "array": [T.ArrayType(T.LongType())],
        "object": [T.StructType(), T.MapType(T.StringType(), T.StringType()), T.VariantType()],
    }
    for name, given in types.items():
        assert name in known
        assert {logical(each) for each in given} == {name}
