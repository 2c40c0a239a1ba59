"""The plan is a pure function: no Spark session here. It decides every leaf, or names all that it cannot decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import ColumnDecision, ColumnRule, Source, TableConfig, Target, Treatment
from jobs.treatment.treatment_plan import Plan, PlanError, build
from privacy_udfs.techniques import parse

STRING, LONG = T.StringType(), T.LongType()


def struct(**fields: T.DataType) -> T.StructType:
    return T.StructType([T.StructField(name, kind) for name, kind in fields.items()])


SCHEMA = struct(
    id=LONG,
    mail=STRING,
    born=T.DateType(),
    address=struct(street=STRING, geo=struct(lat=T.DoubleType())),
    tags=T.ArrayType(STRING),
    items=T.ArrayType(struct(sku=STRING, n=T.IntegerType())),
    attrs=T.MapType(STRING, struct(v=T.DecimalType(10, 2))),
)
KEEP = {"technique": "keep"}
DECIDED: dict[str, Any] = {
    "id": {"technique": "keyed_hash"},
    "mail": {"technique": "mask"},
    "born": {"technique": "generalize_date"},
    "address.street": {"technique": "drop"},
    "address.geo.lat": {"technique": "coarsen_location"},
    "tags[]": {"technique": "redact"},
    "items[].sku": KEEP,
    "items[].n": {"technique": "generalize_number", "width": 10},
    "attrs{key}": KEEP,
    "attrs{value}.v": KEEP,
}


def config(treatments: Mapping[str, Any], **more: Any) -> TableConfig:
    rules = {}
    for line, (path, treatment) in enumerate(treatments.items(), 10):
        technique = parse(treatment)
        keyed = technique.key_size() is not None
        rule = ColumnRule("quasi_identifier", Treatment(technique, "crm" if keyed else None), "a test", line)
        rules[path] = ColumnDecision(ColumnPath.parse(path), (rule,))
    source, target = Source(path="/raw", format="parquet"), Target(path="/treated")
    return dataclasses.replace(TableConfig("t", "o", source, target, None, rules, "catalog/t.yaml"), **more)


def planned(treatments: Mapping[str, Any], schema: T.StructType = SCHEMA, **more: Any) -> Plan:
    return build(config(treatments, **more), schema, {"crm": 77})


def faults(treatments: Mapping[str, Any], schema: T.StructType = SCHEMA, **more: Any) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        planned(treatments, schema, **more)
    return caught.value.faults


def test_every_leaf_is_decided_with_types_and_key_version() -> None:
    plan = planned(DECIDED)
    found = {str(leaf.path): leaf for leaf in plan.leaves}
    assert list(found) == list(DECIDED)
    (case,) = found["id"].cases
    assert found["id"].output == T.StringType()
    assert case.key_id == 77
    assert case.domain == "t/id"
    assert found["address.street"].output is None
    assert found["items[].n"].output == T.StringType()
    assert found["attrs{value}.v"].output == T.DecimalType(10, 2)
    assert found["born"].output == T.DateType()


def test_no_jvm_is_started() -> None:
    before = SparkSession.getActiveSession()
    planned(DECIDED)
    assert SparkSession.getActiveSession() is before


@pytest.mark.parametrize("path", DECIDED)
def test_each_missing_decision_is_named(path: str) -> None:
    (fault,) = faults({other: treatment for other, treatment in DECIDED.items() if other != path})
    assert fault.startswith(f"{path} (")
    assert "no decision in catalog/t.yaml" in fault


def test_all_faults_at_once_with_what_was_meant() -> None:
    treatments = {**DECIDED, "maill": KEEP, "born": {"technique": "mask"}}
    del treatments["mail"], treatments["id"]
    told = "\n".join(faults(treatments))
    assert "mail (string): no decision in catalog/t.yaml (did you mean this by 'maill'?)" in told
    assert "maill: catalog/t.yaml:18 decides a leaf column that the table does not have; did you mean 'mail'?" in told
    assert "id (bigint): no decision" in told
    assert "born: mask does not take" in told


def test_a_whole_struct_may_be_dropped_or_nulled_but_not_kept() -> None:
    rest = {path: treatment for path, treatment in DECIDED.items() if not path.startswith("address")}
    assert planned({**rest, "address": {"technique": "drop"}}).by_path[ColumnPath.parse("address")].output is None
    nulled = planned({**rest, "address": {"technique": "redact"}})
    assert isinstance(nulled.by_path[ColumnPath.parse("address")].output, T.StructType)
    told = "\n".join(faults({**rest, "address": KEEP}))
    assert "address.street (string): no decision" in told
    assert "address: catalog/t.yaml" in told


def test_elements_cannot_be_dropped() -> None:
    assert faults({**DECIDED, "tags[]": {"technique": "drop"}}) == (
        "tags[]: only a whole column or field can be dropped: drop tags instead",
    )


def test_map_keys_must_stay_distinct() -> None:
    (fault,) = faults({**DECIDED, "attrs{key}": {"technique": "truncate", "keep": 1}})
    assert "may make two keys of a map equal" in fault
    assert planned({**DECIDED, "attrs{key}": {"technique": "keyed_hash"}})


def test_map_keys_cannot_become_null() -> None:
    (fault,) = faults({**DECIDED, "attrs{key}": {"technique": "keyed_hash", "empty": None}})
    assert fault == "attrs{key}: empty: null would make keys of a map null, which none may be: take 'empty: treat'"
    assert planned({**DECIDED, "attrs{value}.v": {"technique": "keyed_hash", "empty": None}})


def test_names_that_differ_in_case_only() -> None:
    told = faults({"id": KEEP, "ID": KEEP}, struct(id=LONG, ID=LONG))
    assert any("differs from ID in case only" in fault for fault in told)


def test_a_column_without_a_type_must_be_dropped() -> None:
    (fault,) = faults({"v": KEEP}, struct(v=T.NullType()))
    assert "drop it" in fault
    assert planned({"v": {"technique": "drop"}, "id": KEEP}, struct(v=T.NullType(), id=LONG))


@pytest.mark.parametrize("kind", [T.VariantType(), T.BinaryType()], ids=str)
def test_types_that_no_technique_takes_can_be_kept(kind: T.DataType) -> None:
    assert planned({"v": KEEP}, struct(v=kind)).leaves[0].output == kind
    assert faults({"v": {"technique": "mask"}}, struct(v=kind))[0].startswith("v: ")


def test_the_subject_must_be_there() -> None:
    (fault,) = faults(DECIDED, subject=ColumnPath.parse("items[].sku"))
    assert fault.startswith("subject: items[].sku is not a column or field of a struct")
    assert planned(DECIDED, subject=ColumnPath.parse("address.geo.lat"))


HASHED = {"technique": "keyed_hash"}


def test_keys_of_maps_must_not_become_null_or_lose_a_part() -> None:
    (fault,) = faults({**DECIDED, "attrs{key}": {**HASHED, "on_refused": None}})
    assert fault.startswith("attrs{key}: on_refused: null would make keys of a map null")
    keys = struct(a=LONG, b=LONG)
    schema = struct(m=T.MapType(keys, LONG))
    (fault,) = faults({"m{key}.a": HASHED, "m{key}.b": {"technique": "drop"}, "m{value}": KEEP}, schema)
    assert fault.startswith("m{key}.b: drop may make two keys of a map equal")
    assert planned(
        {"m{key}.a": HASHED, "m{key}.b": KEEP, "m{value}": {"technique": "drop"}} | {"m{value}": KEEP}, schema
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("İd", "id"), ("ıd", "id"), ("K", "k"), ("ς", "σ"), ("Σ", "ς"), ("ſ", "S"), ("İ", "i̇"), ("ᾳ", "ᾼ")],  # noqa: RUF001
)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_names_that_spark_takes_for_one(one: str, other: str, depth: int) -> None:
    given: T.DataType = struct(**{one: LONG, other: LONG})
    prefix = ("", "a[].", "a[]{value}.")[depth]
    given = T.MapType(LONG, given) if depth == 2 else given
    schema = given if depth == 0 else struct(a=T.ArrayType(given))
    with pytest.raises(PlanError) as caught:
        planned({}, schema)  # type: ignore[arg-type]
    assert f"{prefix}{one}: differs from {prefix}{other} in case only" in str(caught.value)


def test_names_that_are_two() -> None:
    names = ["ß", "SS", "ẞs", "é", "e"]
    assert planned(dict.fromkeys(names, KEEP), struct(**dict.fromkeys(names, LONG)))
    assert planned({"İd": KEEP}, struct(**{"İd": LONG}))


def test_duplicate_and_empty_names() -> None:
    fields = [T.StructField("a", LONG), T.StructField("".join(["", "a"]), LONG), T.StructField("", LONG)]
    told = faults({}, T.StructType([T.StructField("s", T.StructType(fields)), *fields]))
    assert "s.a: is there twice; Spark cannot tell them apart: rename one in the source" in told
    assert "a: is there twice; Spark cannot tell them apart: rename one in the source" in told
    assert "s: its column number 3 has no name: give it one in the source" in told
    assert "the table: its column number 4 has no name: give it one in the source" in told


def test_something_must_be_left() -> None:
    (fault,) = faults({"id": {"technique": "drop"}}, struct(id=LONG))
    assert fault.startswith("every column is dropped")


@pytest.mark.parametrize(
    "kind",
    [T.ArrayType(LONG), T.MapType(LONG, LONG), struct(a=LONG), T.BinaryType(), T.VariantType(), T.BooleanType()],
    ids=str,
)
def test_layouts_that_a_type_cannot_have(kind: T.DataType) -> None:
    nulled = {"v": {"technique": "redact"}, "id": KEEP}
    schema = struct(v=kind, id=LONG)
    for key in ("partition_by", "cluster_by"):
        target = Target(path="/treated", **{key: ("v",)})
        if key == "partition_by" and isinstance(kind, T.BooleanType):
            assert planned(nulled, schema, target=target)
        else:
            (fault,) = faults(nulled, schema, target=target)
            assert fault.startswith(f"target: {key} cannot take v, which is {kind.simpleString()} in the target")
    assert planned(nulled, schema, target=Target(path="/treated", partition_by=("id",)))


def test_columns_without_statistics_cannot_cluster() -> None:
    schema, kept = struct(a=LONG, b=LONG), {"a": KEEP, "b": KEEP}
    for properties, names in (
        ({"delta.dataSkippingStatsColumns": "a"}, "dataSkippingStatsColumns"),
        ({"delta.dataSkippingNumIndexedCols": "1"}, "dataSkippingNumIndexedCols"),
    ):
        (fault,) = faults(kept, schema, target=Target(path="/t", cluster_by=("b",), properties=properties))
        assert "cluster_by names b" in fault
        assert names in fault
        assert planned(kept, schema, target=Target(path="/t", cluster_by=("a",), properties=properties))
