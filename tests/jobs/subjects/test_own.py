"""What of a row is about one person, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.lake import within_texts
from jobs.subject_access import exported, own
from jobs.subjects.held import Gap

NESTED = {"id": "A", "lines": [{"who": "A", "n": 1}, {"who": "B", "n": 2}, None], "amount": 7}
DEEP = {"deep": [{"at": 1, "x": [{"who": "A", "v": 1}, {"who": "B", "v": 2}]}, {"at": 2, "x": [{"who": "B"}]}]}
PEOPLE = {"who": "A", "ref": "B", "amount": 7, "note": "x"}


def cut(row: dict[str, Any], *places: str, subject: str | None = None, **more: Any) -> tuple[Any, set[str]]:
    theirs = [(ColumnPath.parse(path), {"A"}) for path in places]
    owner = None if subject is None else ColumnPath.parse(subject)
    named = [ColumnPath.parse(path) for path in more.get("identifiers", ())]
    return own.rows(theirs, owner, more.get("harmless", ()), named).of(row)


@pytest.mark.parametrize(
    ("row", "places", "more", "kept", "back"),
    [
        # theirs: all of it, but other persons
        (NESTED, ["id", "lines[].who"], {}, {**NESTED, "lines": [{"who": "A", "n": 1}]}, {"lines[]"}),
        # somebody else's: the element alone
        ({**NESTED, "id": "B"}, ["id", "lines[].who"], {}, {"lines": [{"who": "A", "n": 1}]},
         {"id", "lines[]", "amount"}),
        # of a row that names nobody also what is harmless
        (NESTED, ["lines[].who"], {"harmless": ["amount"]}, {"lines": [{"who": "A", "n": 1}], "amount": 7},
         {"id", "lines[]"}),
        # of two persons in one row, where nothing says whose it is, the name alone
        (PEOPLE, ["who", "ref"], {}, {"who": "A"}, {"ref", "amount", "note"}),
        ({**PEOPLE, "ref": None}, ["who", "ref"], {}, {**PEOPLE, "ref": None}, set()),
        (PEOPLE, ["who", "ref"], {"subject": "who"}, {**PEOPLE, "ref": None}, {"ref"}),
        # by the table's subject: a row of B, in which A is named
        (PEOPLE, ["who", "ref"], {"subject": "ref"}, {"who": "A"}, {"ref", "amount", "note"}),
        ({**PEOPLE, "who": "B", "ref": "A"}, ["who", "ref"], {"subject": "ref"},
         {**PEOPLE, "who": None, "ref": "A"}, {"who"}),
        # a subject of another domain
        (PEOPLE, ["who"], {"subject": "ref"}, {"who": "A"}, {"ref", "amount", "note"}),
        (NESTED, ["lines[].who"], {"subject": "id", "harmless": ["amount"]}, {"lines": [{"who": "A", "n": 1}]},
         {"id", "lines[]", "amount"}),
        # structs that name somebody
        ({"id": "B", "home": {"who": "A", "city": "y"}, "n": 1}, ["id", "home.who"], {},
         {"home": {"who": "A", "city": "y"}}, {"id", "n"}),
        ({"id": "A", "home": {"who": "B", "city": "y"}, "n": 1}, ["id", "home.who"], {"subject": "id"},
         {"id": "A", "n": 1}, {"home.who", "home.city"}),
        ({"by": {"id": "A", "ref": "B", "n": 1}, "home": None}, ["by.id", "by.ref", "home.who"], {"subject": "by.id"},
         {"by": {"id": "A", "ref": None, "n": 1}, "home": None}, {"by.ref"}),
        # deeper: a level that names nobody is part of the one above it
        ({"id": "A", **DEEP}, ["id", "deep[].x[].who"], {},
         {"id": "A", "deep": [{"at": 1, "x": [{"who": "A", "v": 1}]}, {"at": 2, "x": []}]}, {"deep[].x[]"}),
        (DEEP, ["deep[].x[].who"], {}, {"deep": [{"x": [{"who": "A", "v": 1}]}]},
         {"deep[]", "deep[].at", "deep[].x[]"}),
        # maps
        ({"m": [("A", 1), ("B", 2)]}, ["m{key}"], {}, {"m": [{"key": "A", "value": 1}]}, {"m"}),
        ({"m": [("k", "B"), ("l", "A")]}, ["m{value}"], {}, {"m": [{"key": "l", "value": "A"}]}, {"m"}),
        ({"id": "A", "m": [("k", [{"who": "B"}])]}, ["id", "m{value}[].who"], {},
         {"id": "A", "m": [{"key": "k", "value": []}]}, {"m{value}[]"}),
        # arrays of values
        ({"id": "A", "all": ["A", "B", None]}, ["id", "all[]"], {}, {"id": "A", "all": ["A"]}, {"all[]"}),
        # JSON text
        ({"doc": '{"who": [{"id": "A"}, {"id": "B"}], "n": 1}'}, ["doc:$.who[*].id"], {"harmless": ["doc:$.n"]},
         {"doc": '{"who": [{"id": "A"}], "n": 1}'}, {"doc:$.who[*]"}),
        ({"id": "A", "doc": '{"id": 7}'}, ["id", "doc:$.id"], {}, {"id": "A"}, {"doc:$.id"}),
        ({"id": "B", "diagnosis": "x", "doc": '{"ref": "A"}'}, ["id", "doc:$.ref"], {}, {"doc": '{"ref": "A"}'},
         {"id", "diagnosis"}),
        ({"doc": '{"buyer": {"id": "A", "n": 1.50}, "seller": {"id": "B", "iban": "S"}}'},
         ["doc:$.buyer.id", "doc:$.seller.id"], {}, {"doc": '{"buyer": {"id": "A", "n": 1.50}}'},
         {"doc:$.seller.id", "doc:$.seller.iban"}),
        ({"id": "A", "doc": '{"at": "x", "by": "y"}'}, ["id", "doc:$.at[*].id", "doc:$.by.id"], {},
         {"id": "A", "doc": "{}"}, {"doc:$.at", "doc:$.by"}),
        # identifiers of another kind in an array: whose they are nobody knows
        ({"id": "A", "mails": ["x", "y"], "own": "z"}, ["id"], {"identifiers": ["mails[]", "own"]},
         {"id": "A", "own": "z"}, {"mails"}),
        # nothing at all
        ({"id": None, "lines": None}, ["id", "lines[].who"], {}, {}, set()),
    ],
)  # fmt: skip
def test_only_what_is_theirs_stays(
    row: dict[str, Any], places: list[str], more: dict[str, Any], kept: dict[str, Any], back: set[str]
) -> None:
    assert cut(row, *places, **more) == (kept, back)


def test_a_number_in_json_is_the_text_of_it() -> None:
    places = [(ColumnPath.parse("doc:$.id"), {"70000000003"})]
    row = {"doc": '{"id": 70000000003, "v": 1}'}
    assert own.rows(places, None, ()).of(row) == (row, set())


def test_numbers_of_json_are_compared_in_one_spelling_and_given_as_they_are_written() -> None:
    places = [(ColumnPath.parse("doc:$.id"), {"7.1"})]
    for spelled in ("7.10", "7.1", "71e-1"):
        row = {"doc": f'{{"id": {spelled}, "v": 12345678901234567890.10, "w": 1e400, "x": true}}'}
        assert own.rows(places, None, ()).of(row) == (row, set())
    for other in ("7.2", "71", "NaN", '"7.10"'):
        assert own.rows(places, None, ()).of({"doc": f'{{"id": {other}, "v": 1}}'})[0] == {}


@pytest.mark.parametrize("text", ["", " ", "no JSON of anybody", '{"id": "A"', "[" * 200_000], ids=len)
def test_a_text_that_is_no_json_does_not_stay(text: str) -> None:
    """Whoever's the row is: nobody knows whose the text is."""
    places = [(ColumnPath.parse(each), {"A"}) for each in ("id", "doc:$.id")]
    assert own.rows(places, None, ()).of({"id": "A", "doc": text}) == ({"id": "A"}, {"doc"})
    assert within_texts.of_text(text, ("id",)) == []


def test_values_in_json_are_spelled_as_an_erasure_spells_them() -> None:
    text = '{"a": [{"id": 1001.0}, {"id": 1.001e3}, {"id": -0}, {"id": "1e3"}, {"id": {}}, {"id": true}, {"id": null}]}'
    assert within_texts.of_text(text, ("a", None, "id")) == ["1001", "1001", "0", "1e3", "true"]


def test_values_of_the_domain_that_cannot_be_searched_do_not_stay() -> None:
    """They do not say whose a row is, and a level that they alone could name is nobody's."""
    places, gaps = [(ColumnPath.parse("id"), {"A"})], [*map(ColumnPath.parse, ("text", "lines[].who"))]
    row = {"id": "A", "text": "of B", "n": 1, "lines": [{"who": "?", "n": 2}]}
    assert own.rows(places, None, (), (), gaps).of(row) == (
        {"id": "A", "text": None, "n": 1, "lines": []},
        {"text", "lines[]"},
    )
    told = [Gap("t", "text{when 2}", "x"), Gap("t", "", "x"), Gap("u", "note", "x")]
    held: Any = SimpleNamespace(gaps=told)
    schema = T.StructType().add("text", "string").add("doc", "string").add("added", T.StructType().add("a", "string"))
    records = dict.fromkeys(["text{when 1}", "text{when 2}", "doc:$.a"])
    table: Any = SimpleNamespace(treated=SimpleNamespace(name="t", records=records, schema=schema))
    assert [str(path) for path in exported.unsearched(held, table)] == ["text", "added.a"]
