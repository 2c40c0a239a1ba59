"""Paths of columns: what is written, what it means, and that the two ways are one."""

from __future__ import annotations

import contextlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.configuration.column_path import ColumnPath, ColumnPathError, Element, Field, MapKey, MapValue
from privacy_udfs import LakenymError

NAMES = st.text(st.sampled_from("ab`.[]{} \n\t-é東$") | st.characters(exclude_categories=["Cs"]), max_size=6)
SUFFIXES = st.lists(st.sampled_from([Element(), MapKey(), MapValue()]), max_size=3)
PATHS = st.lists(st.tuples(NAMES.map(Field), SUFFIXES), min_size=1, max_size=4).map(
    lambda parts: ColumnPath(tuple(step for field, suffixes in parts for step in (field, *suffixes)))
)


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
    ],
)
def test_what_a_path_means(text: str, steps: tuple[object, ...]) -> None:
    path = ColumnPath.parse(text)
    assert path.steps == steps
    assert str(path) == text


def test_quotes_that_are_not_needed_go() -> None:
    assert str(ColumnPath.parse("`a`.`b`[].`c d`")) == "a.b[].`c d`"


@given(PATHS)
def test_text_and_path_are_one(path: ColumnPath) -> None:
    assert ColumnPath.parse(str(path)) == path


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
