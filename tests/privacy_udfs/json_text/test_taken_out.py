"""JSON texts without values of somebody: by hand, and against Python's own reader on made-up documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_udfs.json_text import scanner, taken_out
from privacy_udfs.json_text.branches import JsonPath
from privacy_udfs.json_text.scanner import Refused

OWNER: JsonPath = ("items", None, "owner")


def without(text: str, theirs: set[str], *paths: JsonPath) -> str:
    gone = []
    for start, _, number, first, value in scanner.scan(text, taken_out.tree(paths)):
        if taken_out.as_text(first, value) in theirs:
            gone.append((paths[number], start))
    return taken_out.without(text, gone)


@pytest.mark.parametrize(
    ("text", "left", "paths"),
    [
        ('{"user": { "id" : "a"}, "n":1.50}', '{"user": { "id" : null}, "n":1.50}', [("user", "id")]),
        ('{"u\\u0073er":{"id":"\\u0061"}}', '{"u\\u0073er":{"id":null}}', [("user", "id")]),
        ('{"id":7,"items":[7]}', '{"id":7,"items":[7]}', [("id",), ("items", None)]),
        ('{"items":[{"owner":"a"} , {"owner":"b"}]}', '{"items":[{"owner":"b"}]}', [OWNER]),
        ('{"items":[{"owner":"b"} , {"owner":"a"}]}', '{"items":[{"owner":"b"}]}', [OWNER]),
        ('{"items":[ {"owner":"a"},{"owner":"a"} ]}', '{"items":[  ]}', [OWNER]),
        ('{"items":[1,{"owner":"b"},null,{"owner":"a"},2]}', '{"items":[1,{"owner":"b"},null,2]}', [OWNER]),
        ('{"user":"a","items":[{"owner":"a"}]}', '{"user":"a","items":[]}', [("user", "id"), OWNER]),
        ('{"items":[{"owner":"a"}],"items":[{"owner":"b"}]}', None, [OWNER]),  # no run treats it
        ('{"x":1,"x":2,"user":{"id":"a"}}', '{"x":1,"x":2,"user":{"id":null}}', [("user", "id")]),
        ('[["a",["a"]],"a"]', '[[["a"]]]', [(None,), (None, None)]),
        ('{"items":[{"owner":"a"},null,{"owner":"c"}]}', '{"items":[null,{"owner":"c"}]}', [OWNER]),
        ('[["a","b"],["a"],[]]', '[["b"],[],[]]', [(None, None)]),
        ('[ "b", "a", "a", "c" ]', '[ "b", "c" ]', [(None,)]),
        ('{"a":[{"b":["a"],"c":"a"},{"b":["a","x"],"c":"y"}]}', '{"a":[{"b":["x"],"c":"y"}]}',
         [("a", None, "b", None), ("a", None, "c")]),
        ('{"items":[{"owner":12345678901234567890123}]}', '{"items":[]}', [OWNER]),
    ],
)  # fmt: skip
def test_what_goes_by_hand(text: str, left: str | None, paths: list[JsonPath]) -> None:
    theirs = {"a", "12345678901234567890123"}
    if left is None:
        with pytest.raises(Refused):
            without(text, theirs, *paths)
        assert taken_out.values_of(text, paths[0]) == ["a", "b"]
    else:
        assert without(text, theirs, *paths) == left


def test_what_is_not_found_again_does_not_stay_in_silence() -> None:
    """A value that stands above its path goes all the same; one that is in no element is refused."""
    assert taken_out.without('{"user":"a","n":1}', [(("user", "id"), 8)]) == '{"user":null,"n":1}'
    for start in (0, 16):
        with pytest.raises(Refused):
            taken_out.without('{"items":["a"],"n":1}', [(("items", None), start)])


WHO = st.sampled_from(["a", "b", 'c"', None])
ITEM = st.none() | st.fixed_dictionaries({"owner": WHO, "tags": st.lists(WHO, max_size=3), "n": st.integers(0, 3)})
DOCUMENT = st.fixed_dictionaries({"by": WHO, "items": st.lists(ITEM, max_size=4)})


def cleaned(document: Any) -> Any:
    """The same by hand on what Python read."""
    items = [item for item in document["items"] if item is None or item["owner"] != "a"]
    items = [item and {**item, "tags": [tag for tag in item["tags"] if tag != "a"]} for item in items]
    return {**document, "by": None if document["by"] == "a" else document["by"], "items": items}


@given(DOCUMENT, st.sampled_from([None, 1, "\t"]))
def test_what_goes_and_that_all_else_stays(document: Any, indent: Any) -> None:
    text = json.dumps(document, indent=indent)
    left = without(text, {"a"}, ("by",), OWNER, ("items", None, "tags", None))
    assert json.loads(left) == cleaned(document)
    assert ("a" not in taken_out.values_of(text, ("by",))) or "null" in left


def test_texts_that_no_run_would_treat() -> None:
    assert taken_out.values_of('{"id":"a","id":true,"x":[1]}', ("id",)) == ["a", "true"]
    assert taken_out.values_of('"a"', ("id",)) == []
    for text in ("no json", "", "[" * 2000):
        with pytest.raises(Refused):
            taken_out.values_of(text, ("id",))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("1001", "1001"), ("1001.0", "1001"), ("1.001e3", "1001"), ("-10010E-1", "-1001"), ("1.50", "1.5"),
        ("1e38", "1" + "0" * 38), ("-0.0", "0"), ("0e999", "0"), ("-0", "0"), ("0.0e5", "0"),
        ("1234567890123456789012345678901234567.80", "1234567890123456789012345678901234567.8"),
        ("1e999999999", "1e999999999"), ("1e9999999999999999999999", "1e9999999999999999999999"),
        ("5e-99", "5e-99"), ("true", "true"), ('"1001.0"', "1001.0"), ('"\\u00e9"', "\u00e9"),
        ("[]", None), ('["1001"]', None), ('{"a":"1001"}', None), ('"\\ud800"', None),
    ],
)  # fmt: skip
def test_a_value_is_compared_as_of_a_column(value: str, told: str | None) -> None:
    """By either reader."""
    ((_, _, _, first, found),) = scanner.scan(f'{{"id":{value}}}', taken_out.tree([("id",)]))
    assert taken_out.as_text(first, found) == told
    assert taken_out.values_of(f'{{"id":{value}}}', ("id",)) == [told]
