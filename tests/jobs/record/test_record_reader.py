"""Properties and metadata that anyone could have written: a clear refusal, never another error, never a pass."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import types as T

from jobs.lake.record_names import RECORD
from jobs.record.column_record import ColumnRecord, Unsound
from jobs.record.record_reader import RecordProblem, columns_of, rows_of
from jobs.record.treated_table import UnsafeUse, check_join, check_publishable, privacy_of

MASK = {"class": "direct_identifier", "technique": "mask", "parameters": {"keep_end": 4}}
HASH = {
    **{"class": "direct_identifier", "technique": "keyed_hash", "parameters": {"bits": 128}},
    **{"domain": "customer", "key": "crm", "key_id": 7, "key_check": "aa"},
}
REDACT = {"class": "sensitive", "technique": "redact", "parameters": {"value": None, "on_refused": "stop"}}
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
     '{"version": 1}', '{"version": 1, "columns": []}', '{"version": 1, "columns": {}, "rows": 3}'],
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
