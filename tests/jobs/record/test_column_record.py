"""What is recorded of a column: what was written is read back equal, from properties and from fields' metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_udfs
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, When
from jobs.lake.record_names import RECORD
from jobs.record import field_metadata
from jobs.record.column_record import CLASSES, ColumnRecord
from jobs.record.record_reader import columns_of, rows_of
from jobs.record.treatment_record import HIDDEN_WORDS, written

OLD = json.loads((Path(__file__).parents[2] / "vectors" / "records_v1.json").read_text(encoding="utf-8"))
"""Treatments and the records that the first release wrote of them."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


def entry(old: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An entry as it stands in a table's record."""
    parameters = dict(old["record"])
    return {"class": "sensitive", "technique": parameters.pop("technique"), "parameters": parameters, **more}


@st.composite
def column_records(draw: st.DrawFn) -> ColumnRecord:
    parameters = dict(draw(st.sampled_from(OLD))["record"])
    keyed = privacy_udfs.parse(parameters).key_size() is not None
    technique = parameters.pop("technique")
    key = (draw(TEXT), draw(st.integers(0, 2**32 - 1)), draw(st.none() | TEXT)) if keyed else (None, None, None)
    domain, rows = draw(st.none() | TEXT), draw(st.none() | TEXT)
    return ColumnRecord(draw(st.sampled_from(CLASSES)), technique, parameters, domain, *key, rows)


STEPS = st.sampled_from([Element(), MapKey(), MapValue(), When(1), When(2)]) | TEXT.map(Field)
PATHS = st.builds(lambda name, steps: ColumnPath((Field(name), *steps)), TEXT, st.lists(STEPS, max_size=3))


@given(column_records())
def test_an_entry_is_read_as_it_was_written(column: ColumnRecord) -> None:
    assert ColumnRecord.from_json(json.loads(json.dumps(column.as_json()))) == column


@given(st.dictionaries(PATHS, column_records(), max_size=3), st.none() | TEXT)
def test_a_record_is_read_as_it_was_written(columns: dict[ColumnPath, ColumnRecord], rows: str | None) -> None:
    text = written("t", columns, rows)
    assert not HIDDEN_WORDS.search(text), "SHOW TBLPROPERTIES would hide it"
    properties = {RECORD: text}
    assert columns_of(properties) == {str(path): column for path, column in columns.items()}
    assert rows_of(properties) == rows


@given(PATHS.filter(lambda path: isinstance(path.steps[-1], Field)), st.data())
def test_what_stands_on_a_field_is_read_as_it_was_written(path: ColumnPath, data: st.DataObject) -> None:
    """Its own entry, or those of elements, map entries and cases, which are no fields."""
    rests = [(), (When(1),), (When(2),), (Element(),), (MapKey(), When(1))]
    chosen = data.draw(st.sampled_from([rests[:1], rests[1:]]))
    columns = {ColumnPath((*path.steps, *rest)): data.draw(column_records()) for rest in chosen}
    metadata = json.loads(json.dumps(field_metadata.of_field(path, columns)))
    told = field_metadata.entries_on(path, metadata)
    assert {name: ColumnRecord.from_json(each) for name, each in told.items()} == {
        str(other): column for other, column in columns.items()
    }


@pytest.mark.parametrize("old", OLD, ids=lambda old: json.dumps(old["treatment"]))
def test_a_parameter_that_came_later_and_one_left_out_are_alike(old: dict[str, Any]) -> None:
    """A record of the first release equals one of today, and one that states what came later, at its default."""
    later = type(privacy_udfs.parse(old["record"])).later()
    keyed = privacy_udfs.parse(old["record"]).key_size() is not None
    key = {"key": "crm", "key_id": 1} if keyed else {}
    before = entry(old, **key)
    stated = {**before, "parameters": {**before["parameters"], **later}}
    assert ColumnRecord.from_json(before) == ColumnRecord.from_json(stated)
    assert ColumnRecord.from_json(before).as_json() == before


def test_in_what_two_differ() -> None:
    one = ColumnRecord("sensitive", "keyed_hash", {"bits": 128, "on_refused": "stop"}, "customer", "crm", 7, "aa")
    other = ColumnRecord("sensitive", "keyed_hash", {"bits": 64, "on_refused": "null"}, "customer", "crm", None, "bb")
    assert one.differing(one) == []
    assert one.differing(other) == ["parameters", "key_id", "key_check"]
    assert one.contradicting(other) == ["parameters", "key_check"]
    assert one.differing_parameters(other) == ["bits"]
    assert one.why_other_results(one) is None
    assert one.why_other_results(other) == "versions 7 and None of key crm: treat the older table anew"
