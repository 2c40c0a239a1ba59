"""Properties and metadata that anyone could have written: a clear refusal, never another error, never a pass."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.lake.record_names import RECORD
from jobs.policy import treatment_diff
from jobs.record import treatment_record
from jobs.record.column_record import ColumnRecord, Unsound
from jobs.record.record_reader import RecordProblem, columns_of, rows_of
from jobs.record.recorded_parameters import lists_of
from jobs.record.treated_table import UnsafeUse, check_join, check_publishable, privacy_of
from jobs.treatment import treatment_plan
from privacy_udfs.techniques import BY_NAME
from tests.helpers.lakes import column, configured, table
from tests.helpers.vectors import VECTORS

MASK = {"class": "direct_identifier", "technique": "mask", "parameters": {"keep_end": 4}}
HASH = {
    **{"class": "direct_identifier", "technique": "keyed_hash", "parameters": {"bits": 128}},
    **{"domain": "customer", "key": "crm", "key_id": 7, "key_check": "aa"},
}
REDACT = {"class": "sensitive", "technique": "redact", "parameters": {"value": None, "on_refused": "stop"}}
HASHED = {"count": 30, "sha256": "x"}
DATES = {**HASH, "technique": "date_shift"}
UNSOUND: list[Any] = [
    *(None, 1, "mask", [], {}),
    {**MASK, "class": "personal"},
    {**MASK, "class": None},
    {**MASK, "class": ["sensitive"]},
    {**MASK, "technique": "masc"},
    {**MASK, "technique": ["mask"]},
    {**MASK, "parameters": None},
    {**MASK, "parameters": {"keep_end": "4"}},
    {**MASK, "parameters": {"keep": 4}},
    {**MASK, "parameters": {"technique": "keep", "x": 1}},
    {**MASK, "parameters": {"other": {"count": 30, "sha256": "00"}}},
    {**MASK, "rows": 1},
    {**MASK, "key": "crm", "key_id": 1},
    {"class": "direct_identifier", "technique": "mask"},
    {**HASH, "key": None},
    {**HASH, "key_id": None},
    {**HASH, "key_id": "7"},
    {**HASH, "key_id": True},
    {**HASH, "domain": 1},
    {**HASH, "key": {"a": 1}},
    # a list that stands by its hash says nothing of the others
    {**HASH, "parameters": {"bits": "abc", "normalize": HASHED}},
    {**HASH, "parameters": {"bits": float("nan"), "normalize": HASHED}},
    {**HASH, "parameters": {"bits": HASHED}},
    {**HASH, "parameters": {"technique": HASHED}},
    {**HASH, "parameters": {"technique": "redact", "normalize": HASHED}},
    {**HASH, "parameters": {"technique": "keyed_hash"}},
    {**HASH, "parameters": {"normalize": HASHED}, "key": None, "key_id": None},
    {**HASH, "parameters": {"normalize": {"sha256": "x"}}},
    {**HASH, "parameters": {"normalize": {**HASHED, "count": True}}},
    {**HASH, "parameters": {"normalize": {**HASHED, "count": "30"}}},
    {**HASH, "parameters": {"normalize": {**HASHED, "sha256": 1}}},
    {**HASH, "parameters": {"normalize": {**HASHED, "more": 1}}},
    {**DATES, "parameters": {"max_days": 7, "null_dates": [[1]], "keep_dates": HASHED}},
    {**DATES, "parameters": {"null_dates": HASHED}},
    {**MASK, "technique": "generalize_date", "parameters": {"unit": [1], "bottom": HASHED}},
    {**MASK, "technique": "generalize_number", "parameters": {"labels": 5, "edges": HASHED}},
    {**MASK, "technique": "generalize_number", "parameters": {"edges": [HASHED]}},
    {**MASK, "technique": "truncate", "parameters": {"small_areas": [{}], "keep": HASHED}},
    {**MASK, "technique": "generalize_hierarchy", "parameters": {"levels": HASHED}, "key": "crm", "key_id": 1},
    {**MASK, "technique": "generalize_hierarchy", "parameters": {"levels": HASHED, "level": -1}},
    {**MASK, "technique": "generalize_hierarchy", "parameters": {"levels": "a;b"}},
]


def record(columns: Any = None, **changes: Any) -> dict[str, str]:
    return {RECORD: json.dumps({"version": 1, "table": "t", "columns": {"a": MASK} if columns is None else columns} | changes)}  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("entry", [MASK, HASH, REDACT])
def test_a_sound_record_is_read(entry: dict[str, Any]) -> None:
    assert columns_of(record({"a": entry})) == {"a": ColumnRecord.from_json(entry)}
    assert columns_of({}) == {}
    assert rows_of(record(rows="id > 1")) == "id > 1"
    assert rows_of(record()) is None


@pytest.mark.parametrize("entry", UNSOUND)
def test_an_unsound_entry_is_refused_and_does_not_pass(entry: Any) -> None:
    with pytest.raises(RecordProblem, match=r"column a: .*Restore"):
        columns_of(record({"a": entry}))
    if isinstance(entry, dict) and entry:
        schema = T.StructType([T.StructField("a", T.StringType(), True, {"privacy": entry})])
        with pytest.raises(UnsafeUse, match="a: what it says of its treatment cannot be believed"):
            check_publishable(schema)
        assert not privacy_of(schema)["a"].is_decided


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", "'x'", "{}", "[" * 100_000, '{"version": 2, "columns": {}}',
     '{"version": true, "columns": {}}',
     '{"version": 1}', '{"version": 1, "columns": []}', '{"version": 1, "columns": {}, "rows": 3}',
     '{"version": 1, "columns": {}, "mondrian": 3}', '{"version": 1, "columns": {}, "mondrian": {"k": "2"}}',
     '{"version": 1, "columns": {}, "mondrian": {"k": 2, "l": true}}',
     '{"version": 1, "columns": {}, "mondrian": {"k": 2, "t": "0"}}',
     '{"version": 1, "columns": {}, "mondrian": {"k": 2, "ladders": {"zip": 3}}}',
     '{"version": 1, "columns": {}, "mondrian": {"k": 2, "more": 3}}'],
)  # fmt: skip
def test_a_text_that_is_no_record_is_refused(text: str) -> None:
    for reader in (columns_of, rows_of):
        with pytest.raises(RecordProblem, match="cannot be understood") as problem:
            reader({RECORD: text})
        assert len(str(problem.value)) < 400


def test_a_name_in_a_malformed_record_forges_no_line() -> None:
    with pytest.raises(RecordProblem) as problem:
        columns_of(record({"a\nb\u202e": {}}))
    assert str(problem.value).isprintable()


def test_an_entry_of_a_whole_struct_hides_no_raw_leaf() -> None:
    inner = T.StructType().add("zip", "string").add("name", "string")
    for type_ in (inner, T.ArrayType(T.StringType()), T.MapType(T.StringType(), T.StringType())):
        schema = T.StructType([T.StructField("a", type_, True, {"privacy": MASK})])
        with pytest.raises(UnsafeUse, match="nobody decided"):
            check_publishable(schema)
        check_publishable(T.StructType([T.StructField("a", type_, True, {"privacy": REDACT})]))


def test_cases_must_say_of_which_rows_they_are() -> None:
    case = {**MASK, "rows": "id > 1"}
    for told, is_sound in (
        ({"{when 1}": case, "{when 2}": {**MASK, "rows": "id < 2"}}, True),
        ({"{when 1}": case, "{when 2}": MASK}, False),
        ({"{when 1}": case, "{when 2}": {**case, "class": "x"}}, False),
        ({"{when 2}": case}, False),
    ):
        schema = T.StructType([T.StructField("a", T.StringType(), True, {"privacy": told})])
        assert privacy_of(schema)["a"].is_decided is is_sound


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["class", "technique", "parameters", "domain", "key", "key_id", "key_check", "rows", "[]"])
ENTRIES = JSON | st.dictionaries(NAMES, JSON | st.sampled_from([*MASK.values(), *HASH.values()]), max_size=6)


@given(ENTRIES | st.builds(lambda name, value: {**HASH, name: value}, NAMES, JSON))
@settings(max_examples=300, deadline=None)
def test_whatever_stands_there_is_refused_or_sound(entry: Any) -> None:
    types = T.StructType().add("x", "string"), T.StringType(), T.ArrayType(T.StringType())
    for type_ in types:
        schema = T.StructType([T.StructField("a", type_, True, {"privacy": entry})])
        try:
            check_publishable(schema)
        except UnsafeUse:
            pass
        else:
            assert all(column.is_decided for column in privacy_of(schema).values())
        with contextlib.suppress(UnsafeUse):
            check_join(schema, schema, on=list(privacy_of(schema)))
    try:
        found = columns_of({RECORD: json.dumps({"version": 1, "columns": {"a": entry}})})
    except RecordProblem:
        with pytest.raises(Unsound):
            ColumnRecord.from_json(json.loads(json.dumps(entry)))
    else:
        assert found["a"] == ColumnRecord.from_json(found["a"].as_json())


OLD = [each["record"] for each in json.loads((VECTORS / "records_v1.json").read_text(encoding="utf-8"))]
"""Records that the first release wrote: of every technique."""


def entry_of(parameters: dict[str, Any]) -> dict[str, Any]:
    name = parameters["technique"]
    keyed = {"domain": "customer", "key": "crm", "key_id": 7} if BY_NAME[name].takes_key() else {}
    stated = {each: value for each, value in parameters.items() if each != "technique"}
    return {"class": "sensitive", "technique": name, "parameters": stated, **keyed}


@st.composite
def tampered(draw: st.DrawFn) -> dict[str, Any]:
    """An entry of the first release with some parameters left out, and others in place of what they were."""
    entry = entry_of(draw(st.sampled_from(OLD)))
    fields = BY_NAME[entry["technique"]].model_fields
    values = JSON | st.just(HASHED) | st.sampled_from([value for old in OLD for value in old.values()])
    others = draw(st.dictionaries(st.sampled_from(sorted(fields)), values, max_size=3))
    gone = draw(st.sets(st.sampled_from(sorted(fields)), max_size=2))
    kept = {name: value for name, value in entry["parameters"].items() if name not in gone}
    return {**entry, "parameters": kept | others}


@given(tampered(), tampered())
@settings(max_examples=500, deadline=None)
def test_what_is_believed_can_be_compared(one: dict[str, Any], other: dict[str, Any]) -> None:
    believed = []
    for entry in (one, other):
        with contextlib.suppress(RecordProblem):
            believed.append(columns_of(record({"a": entry}))["a"])
    same = [ColumnRecord.from_json(entry_of(old)) for old in OLD if old["technique"] == one["technique"]]
    for first in believed:
        assert ColumnRecord.from_json(json.loads(json.dumps(first.as_json()))) == first
        assert not first.gives_null or first.technique == "redact"
        for second in (*believed, *same):
            (forth,), (back,) = (treatment_diff.diff({"a": x}, {"a": y}) for x, y in [(first, second), (second, first)])
            turned = {"stronger": "weaker", "weaker": "stronger"}
            assert back.change == turned.get(forth.change, forth.change)


@pytest.mark.parametrize("old", OLD, ids=json.dumps)
def test_only_what_takes_a_list_may_stand_by_its_hash(old: dict[str, Any]) -> None:
    entry = entry_of(old)
    listed = {name for name, value in entry["parameters"].items() if isinstance(value, list)}
    assert listed <= lists_of(BY_NAME[old["technique"]])
    for name in entry["parameters"]:
        hashed = {**entry, "parameters": {**entry["parameters"], name: HASHED}}
        if name in lists_of(BY_NAME[old["technique"]]):
            assert ColumnRecord.from_json(hashed).parameters[name] == HASHED
        else:
            with pytest.raises(Unsound, match="has no such parameters"):
                ColumnRecord.from_json(hashed)


def test_long_lists_are_read_as_they_were_written(lake: Path) -> None:
    many = range(30)
    days = [f"19{day + 10}-01-01" for day in many]
    texts = {"labels": ["x"] * 31, "input_format": "decimal_point"}
    dates = {"max_days": 7, "keep_dates": days, "input_format": "%Y-%m-%d"}
    treatments: dict[str, dict[str, Any]] = {
        "city": {"technique": "substitute", "values": [f"city {n}" for n in many], "key": "crm"},
        "job": {"technique": "generalize_hierarchy", "levels": [[f"job {n}", "*"] for n in many]},
        "age": {"technique": "generalize_number", "edges": [*many], **texts},
        "zip": {"technique": "truncate", "preset": "hipaa_zip3", "small_areas": [str(n + 100) for n in many]},
        "born": {"technique": "date_shift", **dates, "key": "crm"},
    }
    rules = {name: column(treatment) for name, treatment in treatments.items()}
    identifier = column({"domain": "customer"}, "direct_identifier")
    conf = configured(lake, table("t", lake, {"id": identifier, **rules}, subject="id"))
    schema = T.StructType([T.StructField(name, T.StringType()) for name in ("id", *rules)])
    plan = treatment_plan.build(conf.tables["t"], schema, {"crm": 7})
    entries = treatment_record.entries(plan, {case.path: "aa" for case in plan.cases})
    found = columns_of({RECORD: treatment_record.written("t", entries, None)})
    assert {ColumnPath.parse(path): column for path, column in found.items()} == entries
    hashed = [name for column in found.values() for name, value in column.parameters.items() if isinstance(value, dict)]
    assert sorted(hashed) == ["edges", "keep_dates", "labels", "levels", "small_areas", "values"]
    assert {each.change for each in treatment_diff.diff(found, found)} == {"unchanged"}
    decided = treatment_diff.diff(found, treatment_diff.entries_of(conf, "t"))  # which has the lists themselves
    assert [each.column for each in decided if each.is_weaker] == ["job", "age", "zip", "born"]
