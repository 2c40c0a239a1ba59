"""`jobs.configuration.yaml_edit`: one value changed, and not one other character."""

from __future__ import annotations

import pytest

from jobs.configuration.yaml_edit import CannotEdit, with_values

TEXT = """\
# top
table: t  # the name
draft: true
columns:
  # of a
  a:
    class: undecided  # open
    treatment: {technique: truncate, keep: 2}
    why: ""

  # of b
  "b: c": {class: undecided, why: }
  # of d
  d:
    class: x
  # of the end
"""


@pytest.mark.parametrize(
    ("loc", "written", "before", "after"),
    [
        (("columns", "a", "class"), "quasi", "class: undecided  # open", "class: quasi  # open"),
        (("columns", "a", "treatment"), "keep", "treatment: {technique: truncate, keep: 2}", "treatment: keep"),
        (("columns", "a", "why"), '"a: b"', 'why: ""\n\n', 'why: "a: b"\n\n'),
        (("columns", "b: c", "why"), "y1", "why: }", "why: y1 }"),
        (("columns", "b: c", "kind"), "email", "why: }", "why: , kind: email}"),
        (("columns", "d", "why"), "no-one", "    class: x\n  # of", "    class: x\n    why: no-one\n  # of"),
        (("owner",), "me", "    class: x\n  # of the end\n", "    class: x\nowner: me\n  # of the end\n"),
    ],
)
def test_a_value_is_changed_where_it_stands(loc: tuple[str, ...], written: str, before: str, after: str) -> None:
    value = written.strip('"')
    assert with_values(TEXT, {loc: (value, written)}) == TEXT.replace(before, after)


def test_a_line_is_taken_out() -> None:
    assert with_values(TEXT, {}, ("draft",)) == TEXT.replace("draft: true\n", "")


@pytest.mark.parametrize("ending", ["\n", ""])
def test_at_the_end_of_a_file(ending: str) -> None:
    assert with_values(f"a: 1{ending}", {("b",): ("x", "x")}) == f"a: 1\nb: x{ending}"
    assert with_values(f"b: 2\na: 1{ending}", {}, ("a",)) == "b: 2\n"


@pytest.mark.parametrize(
    ("text", "loc"),
    [
        ("a: {b: 1\n", ("a", "b")),
        ("a: 1\n", ("a", "b")),
        ("a: 1\na: 2\n", ("a",)),
        ("a: &x {b: 1}\nc: *x\n", ("a", "b")),
        ("{a: 1}\n", ("b", "c")),
    ],
)
def test_what_cannot_be_changed_is_told(text: str, loc: tuple[str, ...]) -> None:
    with pytest.raises(CannotEdit):
        with_values(text, {loc: ("x", "x")})


def test_what_would_come_out_as_another_value_is_not_written() -> None:
    with pytest.raises(CannotEdit, match="change it by hand"):
        with_values("a: |\n  one\n  two\nb: 2\n", {("a",): ("x", "z")})
