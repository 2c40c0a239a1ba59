"""Tables fit the terminal, and lose nothing by it."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.console import called, colour, terminal, text_table
from jobs.console.text_table import pieces_of, table_lines, width

HEADER = ("column", "what it means")
ROWS = [["address.street", "it is redacted, so that nobody is found by it"], ["a", "1"]]


def on(monkeypatch: pytest.MonkeyPatch, wide: int | None) -> None:
    monkeypatch.setattr(text_table, "columns", lambda: wide)


def test_without_a_terminal_lines_are_as_long_as_they_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, None)
    assert max(map(len, table_lines(HEADER, ROWS))) == 14 + 2 + 45


def test_long_cells_go_on_in_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, 40)
    assert table_lines(HEADER, ROWS[:1]) == [
        "column          what it means",
        "--------------  ------------------------",
        "address.street  it is redacted, so that",
        "                nobody is found by it",
    ]


def test_a_row_is_told_in_lines_where_columns_have_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, 20)
    header, row = [f"column{at}" for at in range(4)], ["some text", "more", "words", "end"]
    assert table_lines(header, [row, row])[:5] == [
        "column0  some text",
        "column1  more",
        "column2  words",
        "column3  end",
        "",
    ]


PLAN = ("column", "class", "technique", "key", "why", "null")
PLANNED = [
    ["address.street", "direct_identifier", "redact", "", "not needed", "12"],
    ["customer_id", "direct_identifier", "keyed_hash", "crm 1234567890", "join key with orders and the rest", "0"],
    ["items[].unit_price", "non_personal", "deterministic_encryption", "", "the measure", "1,200"],
]


@pytest.mark.parametrize("wide", [72, 75, 80, 90, 100, 120])
def test_a_word_is_parted_behind_its_marks_alone(monkeypatch: pytest.MonkeyPatch, wide: int) -> None:
    """``direct_`` and ``identifier``, never ``direct_ide`` and ``ntifier``."""
    on(monkeypatch, wide)
    lines = table_lines(PLAN, PLANNED)
    assert max(map(len, lines)) <= wide
    told = {piece for line in lines for piece in line.split()}
    parts = {"direct_", "non_", "deterministic_", "address.", "items[].", "items[].unit_", "identifier"}
    whole = {word for row in PLANNED for cell in row for word in cell.split()}
    ends = {"street", "personal", "customer_", "id", "unit_", "price", "unit_price", "keyed_", "hash", "encryption"}
    assert {word for word in told if not word.startswith("---")} <= parts | whole | ends | {*PLAN}


def test_where_words_have_no_room_a_row_is_told_in_lines_without_empty_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, 40)
    assert table_lines(PLAN, PLANNED)[:6] == [
        "column     address.street",
        "class      direct_identifier",
        "technique  redact",
        "why        not needed",
        "null       12",
        "",
    ]


@pytest.mark.parametrize(
    ("environment", "is_read", "found"),
    [({"COLUMNS": "60"}, True, 60), ({"COLUMNS": "60"}, None, None), ({"COLUMNS": "0"}, True, None), ({}, True, None)],
)
def test_a_width_may_be_stated(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_read: bool | None, found: int | None
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    called.by_command(text=is_read)
    try:
        assert terminal.columns() == found
    finally:
        called.plainly()


def test_what_goes_into_a_file_is_the_same_on_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, 20)
    fixed = table_lines(HEADER, ROWS, fit=False)
    on(monkeypatch, None)
    assert fixed == table_lines(HEADER, ROWS)


def test_an_escape_is_not_torn() -> None:
    assert pieces_of("ab\\u202ecd", 4) == ["ab", "\\u202e", "cd"]
    assert pieces_of("abc\\n", 4) == ["abc", "\\n"]
    assert pieces_of("a_\\u202e_cd", 4) == ["a_", "\\u202e", "_cd"]
    assert pieces_of("direct_identifier", 10) == ["direct_", "identifier"]
    assert pieces_of("x" * 9, 4) == ["xxxx", "xxxx", "x"]


def test_wide_characters_take_two_columns() -> None:
    assert [width(text) for text in ("ab", "名前", "é", "e\u0301")] == [2, 4, 1, 1]
    assert pieces_of("名前名前", 4) == ["名前", "名前"]


CELLS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), st.integers(20, 200), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_every_line_fits_and_every_word_is_there(rows: list[tuple[str, str, str]], wide: int, indent: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        on(patch, wide)
        lines = table_lines(("one", "two", "three"), rows, indent)
    assert all(len(line) + indent <= max(wide, 8 + 2 + 8) for line in lines)
    told = "".join(sorted("".join(lines).replace(" ", "").replace("-", "")))
    given_ = "".join(sorted("".join(cell for row in rows for cell in row).replace(" ", "").replace("-", "")))
    assert set(given_) <= set(told)
    assert len(told) >= len(given_)


class Terminal:
    def isatty(self) -> bool:
        return True


def test_colour_has_a_meaning_and_one_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    line, terminal = "catalog/t.yaml:6: refused: columns.a: x", Terminal()
    assert colour.meant(line, terminal) == line.replace("refused", "\x1b[31mrefused\x1b[0m")  # type: ignore[arg-type]
    assert "\x1b[32mholds\x1b[0m" in colour.meant("rows  holds  2 rows", terminal)  # type: ignore[arg-type]
    assert colour.meant("holds is a column", terminal) == "holds is a column"  # type: ignore[arg-type]
    header = "column  treated  null  refused"
    assert colour.meant(header, terminal) == header  # type: ignore[arg-type]
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(name, value)
            assert colour.meant(line, terminal) == line  # type: ignore[arg-type]


def test_no_colour_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert colour.meant("a: refused: b", sys.stdout) == "a: refused: b"
    assert colour.whole("a", colour.RED, sys.stdout) == "a"
