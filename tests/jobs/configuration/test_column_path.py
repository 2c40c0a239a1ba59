"""Paths of columns: what is written, what it means, and that the two ways are one."""

from __future__ import annotations

import contextlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.configuration.column_path import (
    ColumnPath,
    ColumnPathError,
    Document,
    Element,
    Field,
    Items,
    MapKey,
    MapValue,
    Member,
    json_path,
)
from privacy_udfs import LakenymError

NAMES = st.text(st.sampled_from("ab`.[]{} \n\t-é東$:'\\") | st.characters(exclude_categories=["Cs"]), max_size=6)
SUFFIXES = st.lists(st.sampled_from([Element(), MapKey(), MapValue()]), max_size=3)
COLUMNS = st.lists(st.tuples(NAMES.map(Field), SUFFIXES), min_size=1, max_size=4).map(
    lambda parts: ColumnPath(tuple(step for field, suffixes in parts for step in (field, *suffixes)))
)
IN_JSON = st.lists(NAMES.map(Member) | st.just(Items()), max_size=4)
PATHS = COLUMNS | st.builds(lambda path, steps: ColumnPath((*path.steps, Document(), *steps)), COLUMNS, IN_JSON)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", (Field("a"),)),
        ("a.b", (Field("a"), Field("b"))),
        ("orders[].amount", (Field("orders"), Element(), Field("amount"))),
        ("a[][]", (Field("a"), Element(), Element())),
        ("a{key}", (Field("a"), MapKey())),
        ("a{value}.x", (Field("a"), MapValue(), Field("x"))),
        ("first-name.Größe.$x", (Field("first-name"), Field("Größe"), Field("$x"))),
        ("`a.b`", (Field("a.b"),)),
        ("`a``b`.c", (Field("a`b"), Field("c"))),
        ("` `[]", (Field(" "), Element())),
        ("``", (Field(""),)),
        ("a:b.c", (Field("a:b"), Field("c"))),
        ("`a:$b`", (Field("a:$b"),)),
        ("a:$", (Field("a"), Document())),
        ("a.b[]:$.c_1[*].é", (Field("a"), Field("b"), Element(), Document(), Member("c_1"), Items(), Member("é"))),
        (r"a:$['it\'s \\ 1']['']", (Field("a"), Document(), Member(r"it's \ 1"), Member(""))),
    ],
)
def test_what_a_path_means(text: str, steps: tuple[object, ...]) -> None:
    path = ColumnPath.parse(text)
    assert path.steps == steps
    assert str(path) == text


def test_quotes_that_are_not_needed_go() -> None:
    assert str(ColumnPath.parse("`a`.`b`[].`c d`")) == "a.b[].`c d`"
    assert str(ColumnPath.parse(r"a:$['b']['\u0063\t\ud83d\ude00']")) == "a:$.b['c\\u0009\U0001f600']"


@given(PATHS)
def test_text_and_path_are_one(path: ColumnPath) -> None:
    assert ColumnPath.parse(str(path)) == path


@given(PATHS)
def test_the_column_of_a_place_in_its_json_text(path: ColumnPath) -> None:
    assert not path.column.is_in_json
    assert path.is_in_json == (path.column != path)
    if path.is_in_json:
        assert len(json_path(path)) == len(path.steps) - len(path.column.steps) - 1


@given(PATHS)
def test_parent_and_child_are_inverse(path: ColumnPath) -> None:
    assert path.parent.child(path.steps[-1]) == path
    assert path.root == path.steps[0].name  # type: ignore[union-attr]
    assert pickle.loads(pickle.dumps(path)) == path
    assert len({path, ColumnPath(path.steps)}) == 1


@given(st.text(st.sampled_from("ab`.[]{} key")))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    with contextlib.suppress(ColumnPathError):
        path = ColumnPath.parse(text)
        assert ColumnPath.parse(str(path)) == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at character 1: expected a name, in backticks if it is an odd one"),
        ("a.", "at character 3: expected a name, in backticks if it is an odd one"),
        ("[]", "at character 1: expected a name, in backticks if it is an odd one"),
        ("a..b", "at character 3: expected a name, in backticks if it is an odd one"),
        ("a.`b", "at character 3: expected a name, in backticks if it is an odd one; the backtick is never closed"),
        ("a b", "at character 2: expected '.', '[]', '{key}', '{value}' or the end"),
        ("a[0]", "at character 2: expected '.', '[]', '{key}', '{value}' or the end"),
        ("a{keys}", "at character 2: expected '.', '[]', '{key}', '{value}' or the end"),
        ("`a`b", "at character 4: expected '.', '[]', '{key}', '{value}' or the end"),
    ],
)
def test_errors_say_where_and_what(text: str, message: str) -> None:
    with pytest.raises(LakenymError) as caught:
        ColumnPath.parse(text)
    assert str(caught.value) == message


def test_the_row_itself_has_neither_name_nor_parent() -> None:
    row = ColumnPath(())
    assert str(row) == ""
    assert row.child(Field("a")).parent == row
    for attribute in ("root", "parent"):
        with pytest.raises(ColumnPathError):
            getattr(row, attribute)
