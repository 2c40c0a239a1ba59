"""Values of a row's other columns, found in its text however people write them, and whole words only."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import strategies as st

from privacy_udfs.entities import known
from tests.helpers.technique_laws import given
from tests.privacy_udfs.entities.test_finding import calls


def told(text: str, value: str) -> list[str]:
    wanted = known.sought(value)
    return [] if wanted is None else [text[start:end] for start, end, *_ in known.find(text, {"known": wanted})]


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("Ann", "Ann's ANN, ann_b (ann) Anna annual xann 1ann", ["Ann", "ANN", "ann", "ann"]),
        ("Ann Smith", "Ann  Smith or ANN\r\n\tSMITH, Ann. Smith AnnSmith", ["Ann  Smith", "ANN\r\n\tSMITH"]),
        (" Ann\tSmith ", " Ann Smith", ["Ann Smith"]),
        ("José", "Jose\u0301 JOSÉ jose Josef", ["Jose\u0301", "JOSÉ", "jose"]),
        ("Jose", "\u00a0José: \uff2a\uff2f\uff33\uff25.", ["José", "\uff2a\uff2f\uff33\uff25"]),
        ("Straße", "STRASSE strasse", ["STRASSE", "strasse"]),
        ("Finn", "ﬁnn", ["ﬁnn"]),
        (
            "O'Brien-Lee",
            "O\u2019Brien\u2011Lee o`brien\u2013lee OBrien Lee",
            ["O\u2019Brien\u2011Lee", "o`brien\u2013lee"],
        ),
        ("Bjørn", "for BJØRN, bjo\u0308rn Bj\u00adørn", ["BJØRN", "bjo\u0308rn", "Bj\u00adørn"]),
        ("Łukasz Đorđe", "lukasz dorde, ŁUKASZ ĐORĐE", ["lukasz dorde", "ŁUKASZ ĐORĐE"]),
        ("Anna", "Anna\ufe0f kam", ["Anna\ufe0f"]),
        ("\u05d3\u05d5\u05d3", "\u05d0\u05dc \u05d3\u05d5\u05d3.", ["\u05d3\u05d5\u05d3"]),
        ("王伟", "王伟先生", ["王伟"]),
        ("김철수", "김철수는", ["김철수"]),
        ("가나", "각나 강나", []),
        ("राम", "रामा राम", ["राम"]),
        ("C-1001", "c-1001, C-1001-2 C-10012 XC-1001", ["c-1001", "C-1001"]),
        ("1001", "1001 10011 a1001 #1001", ["1001", "1001"]),
        ("aaa", "aaaa aaa", ["aaa"]),
    ],
)
def test_a_value_is_found_as_people_write_it(value: str, text: str, found: list[str]) -> None:
    assert told(text, value) == found


@pytest.mark.parametrize("value", ["", " ", "Bo", "7 7", "--- ---", "王", "\u0301\u0301\u0301", "a" * 201])
def test_values_that_are_not_looked_for(value: str) -> None:
    assert known.sought(value) is None


WORDS = st.text(
    st.sampled_from("abcÅßﬁİ王김1'\u2019- \t\u00a0\u0301\u00ad") | st.characters(codec="utf-8"), max_size=12
)


@given(WORDS)
def test_a_text_is_folded_in_one_way_whatever_else_it_holds(text: str) -> None:
    """Few odd characters and many are replaced by different code; places are told by a third."""
    each = "".join(map(known._folded_character, text))
    many = "".join(map(chr, range(0x3B1, 0x3C9)))
    assert " ".join(known.folded(text).split()) == " ".join(each.split())
    assert known.folded(f"{text} {many}").split() == [*each.split(), *known.folded(many).split()]
    assert known.folded(known.folded(text)) == known.folded(text)


@given(
    WORDS, WORDS, WORDS, st.sampled_from([str, str.upper, str.title, lambda text: unicodedata.normalize("NFD", text)])
)
def test_what_stands_in_a_text_between_blanks_is_found_whole(before: str, value: str, after: str, written) -> None:  # type: ignore[no-untyped-def]
    wanted = known.sought(value)
    if wanted is None or known.sought(written(value)) != wanted:  # another capital, as of İ, is another letter
        return
    there = written(value).strip()
    text = f"{before} {there} {after}"
    spans = list(known.find(text, {"known": wanted}))
    at, end = len(before) + 1, len(before) + 1 + len(there)
    assert any(start <= end and at <= last for start, last, *_ in spans)
    for start, last, *_ in spans:
        assert known.folded(text[start:last]).strip() == wanted


def test_each_text_is_searched_for_its_own_row_only() -> None:
    texts = ["Ann met Bob", "Ann met Bob", None, "", "Bob"]
    found = known.rows(texts, {"a": ["Ann", "Bob", "Ann", "Ann", None], "b": [None, "Ann", "Bob", "Bob", "x"]})
    assert {row: [tuple(span)[:3] for span in spans] for row, spans in found.items()} == {
        0: [(0, 3, "a")], 1: [(8, 11, "a"), (0, 3, "b")],
    }  # fmt: skip


@pytest.mark.parametrize("unit", ["a", "aaa ", "aa", "á", "  ", "王", "aa-", "ﬁ "])
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    def search(text: str) -> list[known.Span]:
        return list(known.find(text, {"a": "aaa", "b": "aa aa", "c": "aaa aaa"}))

    assert calls(search, unit * 800) <= 2.3 * calls(search, unit * 400) + 100
