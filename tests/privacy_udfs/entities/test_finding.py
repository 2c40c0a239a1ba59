"""What is found within texts, where, and what is not."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st

from privacy_udfs import entities
from privacy_udfs.entities import KINDS, Kind, Places, Span, digits, email, iban, national_id, network, payment_card
from privacy_udfs.entities import phone as phones
from privacy_udfs.entities.spans import chosen, is_whole, stands_alone
from tests.helpers.technique_laws import given

NORTH = Places(regions=("NO", "DE"), countries=("NO", "SE", "US"))


def told(text: str, *kinds: Kind, places: Places = NORTH) -> list[tuple[str, str]]:
    found = entities.find_in(text, kinds or KINDS, places)
    return [(span.kind, text[span.start : span.end]) for span in found if not span.is_rest]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ann <ann@example.org>;bob@example.com", ["ann@example.org", "bob@example.com"]),
        ("to=ann.b+c_d@sub.example.co.uk&x=1", ["ann.b+c_d@sub.example.co.uk"]),
        ("**ann@example.org** ...bob@example.org.", ["ann@example.org", "bob@example.org"]),
        ("mailto:ann@example.org?subject=x", ["ann@example.org"]),
        ("to o'brien@example.com, 'bob@example.org' x='ann@example.org'", [
            "o'brien@example.com", "bob@example.org", "ann@example.org",
        ]),
        ("ann@example.org-foo ann@example.com2", ["ann@example.org", "ann@example.com"]),
        ("ann@mu\u0308ller.example \u0905@\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924\u0964", [
            "ann@mu\u0308ller.example", "\u0905@\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924",
        ]),
        ("ann@example.xn--p1ai, x_y@a_b.org", ["ann@example.xn--p1ai"]),
        ("a@b.org@c.org", ["b.org@c.org"]),
        ("@ @@ a@ @b.org a@b a@.org a@-b.org a@b..org a@1.2", []),
        ("x" * 80 + "@example.org", ["x" * 64 + "@example.org"]),
    ],
)  # fmt: skip
def test_email(text: str, found: list[str]) -> None:
    assert [part for _, part in told(text, "email")] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NO93 8601 1117 947 20 kroner", ["NO93 8601 1117 947"]),
        ("no9386011117947,DE89370400440532013000", ["no9386011117947", "DE89370400440532013000"]),
        ("GB29-NWBK-6016-1331-9268-19", ["GB29-NWBK-6016-1331-9268-19"]),
        ("DE89\u00a03704 0044\u202f0532 0130 00.", ["DE89\u00a03704 0044\u202f0532 0130 00"]),
        ("XNO9386011117947 NO93860111179471 NO9386011117948 NO93  8601 1117 947", []),
        ("ZZ68 1234 5678 9012", []),
    ],
)
def test_iban(text: str, found: list[str]) -> None:
    assert [part for _, part in told(text, "iban")] == found


def test_an_iban_of_a_country_that_is_not_known_is_the_longest_that_checks() -> None:
    digits_ = next(f"{check:02d}" for check in range(100) if iban.checks(f"ZZ{check:02d}123456789012"))
    assert told(f"to ZZ{digits_} 1234 5678 9012 now", "iban") == [("iban", f"ZZ{digits_} 1234 5678 9012")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4111 1111 1111 1111 12/27", ["4111 1111 1111 1111"]),
        ("4111\u00a01111\u00a01111\u202f1111", ["4111\u00a01111\u00a01111\u202f1111"]),
        ("4111111111111111,5500005555555559", ["4111111111111111", "5500005555555559"]),
        ("5500-0055-5555-5559;378282246310005", ["5500-0055-5555-5559", "378282246310005"]),
        ("4111  1111 1111 1111 1234567812345678 41111111111111112 a4111111111111111", []),
    ],
)
def test_payment_card(text: str, found: list[str]) -> None:
    assert [part for _, part in told(text, "payment_card")] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call +47 406 12 345, 0047 40612345", ["+47 406 12 345", "0047 40612345"]),
        ("or (+47) 40 61 23 45,4740612345", ["(+47) 40 61 23 45", "4740612345"]),
        ("40612345, 030 / 123456;(22) 33 44 55", ["40612345", "030 / 123456", "(22) 33 44 55"]),
        ("+49 (0)30 123456 x", ["+49 (0)30 123456"]),
        ("+44 20 7946 0018 2024", ["+44 20 7946 0018"]),
        ("2024-01-02 01.02.2024 1234567.8 192.168.10.20 123-45-6789", []),
    ],
)  # fmt: skip
def test_phone(text: str, found: list[str]) -> None:
    assert [part for _, part in told(text, "phone")] == found


def test_a_phone_without_a_country_code_takes_a_region() -> None:
    assert told("40612345", "phone", places=Places()) == []
    assert told("+4740612345", "phone", places=Places()) == [("phone", "+4740612345")]


@pytest.mark.parametrize("between", [" ", " and then some words ", " and then some other words "])
def test_a_national_id_that_begins_with_letters_is_found_behind_other_numbers(between: str) -> None:
    for number in ("RSSMRA85T10A562S", "RSS MRA 85T10 A562S"):
        assert told(f"12345{between}{number}", "national_id", places=Places(countries=("IT",))) == [
            ("national_id", number)
        ]


def test_a_national_id_takes_a_country() -> None:
    assert told("151086 95088", "national_id") == [("national_id", "151086 95088")]
    assert told("ssn 123-45-6789.", "national_id") == [("national_id", "123-45-6789")]
    assert told("151086 95088", "national_id", places=Places()) == []
    assert told("151086 95089", "national_id") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1 192.0.2.256 1.2.3 1.2.3.4.5", ["192.0.2.1"]),
        ("[2001:db8::1]:80, fe80::1: ::1 12:30:45 a::b::c ::", ["2001:db8::1", "fe80::1", "::1"]),
        ("::ffff:192.0.2.1", ["::ffff:192.0.2.1"]),
        ("IP:2001:db8::1 MAC:00:1A:2B:3C:4D:5E mac-00-1A-2B-3C-4D-5F, x00:1A:2B:3C:4D:5E 00:1A:2B:3C:4D:5E:77", [
            "2001:db8::1", "00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5F",
        ]),
        ("00:1a:2b:3c:4d:5e 00-1A-2B-3C-4D-5E 001a.2b3c.4d5e 00:1a:2b:3c:4d", [
            "00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e",
        ]),
    ],
)  # fmt: skip
def test_network(text: str, found: list[str]) -> None:
    assert [part for _, part in told(text, "ip", "mac")] == found


def test_of_finds_that_overlap_the_longest_counts_then_the_leftmost_then_the_first_kind() -> None:
    short, long_, later = Span(0, 4, "phone"), Span(2, 9, "email"), Span(8, 12, "ip")
    assert [span for span in chosen([later, short, long_], KINDS) if not span.is_rest] == [long_]
    assert chosen([Span(2, 6, "ip"), Span(0, 4, "mac"), Span(4, 8, "phone")], KINDS) == [
        *(Span(0, 4, "mac"), Span(4, 8, "phone"))
    ]
    assert chosen([Span(0, 4, "mac"), Span(0, 4, "iban")], KINDS) == [Span(0, 4, "iban")]
    assert chosen([], KINDS) == []


def test_what_a_find_leaves_of_another_is_told_as_its_rest() -> None:
    short, long_, later = Span(0, 4, "phone"), Span(2, 9, "email"), Span(8, 12, "ip")
    rests = [Span(0, 2, "phone", True), Span(9, 12, "ip", True)]
    assert chosen([later, short, long_], KINDS) == [rests[0], long_, rests[1]]
    within = Span(3, 5, "mac")
    assert chosen([Span(0, 9, "iban"), within], KINDS) == [Span(0, 9, "iban")]
    assert chosen([Span(4, 9, "ip"), Span(0, 6, "email"), Span(0, 5, "mac")], KINDS) == [
        *(Span(0, 6, "email"), Span(6, 9, "ip", True))
    ]


@pytest.mark.parametrize(
    ("text", "alone", "whole"),
    [
        *(("12", True, True), (" 12,", True, True), ("12. 5", True, True), ("x-12-y", True, True)),
        *(("x12", False, False), ("12_", False, False), ("12\u0665", False, False)),
        *(("1.12", True, False), ("12-5", True, False), ("5:12", True, False)),
    ],
)
def test_what_stands_alone(text: str, alone: bool, whole: bool) -> None:
    start = text.index("12")
    assert (stands_alone(text, start, start + 2), is_whole(text, start, start + 2)) == (alone, whole)


# -- whole columns ----------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["ann@example.org", "+47 40612345", "NO93 8601 1117 947", "4111111111111111", "151086 95088", "192.0.2.1",
     "2001:db8::1", "00:1a:2b:3c:4d:5e", "é", "e\u0301", "👩\u200d🚀", "ש", " ", ", ", "@", "1", "a", "\n", "+"]
)  # fmt: skip
TEXT = st.lists(PIECES | st.text(st.characters(codec="utf-8"), max_size=3), max_size=8).map("".join)
TEXTS = st.lists(st.none() | TEXT, max_size=5)


@given(
    TEXTS.map(lambda texts: [text.encode("utf-8", "replace").decode() if text is not None else None for text in texts])
)
def test_a_column_is_searched_as_its_texts_are(texts: list[str | None]) -> None:
    """What is left out because no text of a kind can be in it never holds one."""
    found = entities.find(pa.array(texts, pa.string()), KINDS, NORTH)
    each = {row: spans for row, text in enumerate(texts) if text and (spans := entities.find_in(text, KINDS, NORTH))}
    assert dict(zip(found.rows, found.spans, strict=True)) == each
    assert [texts[row] for row in found.rows] == found.texts
    for spans in found.spans:
        assert all(one.end <= other.start for one, other in itertools.pairwise(spans))


# -- work goes by the length of a text --------------------------------------------------------------------------------


def calls(search: Callable[[str], Any], text: str) -> int:
    """How many functions are called to search a text, Python's own ones included."""
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        list(search(text))
    finally:
        sys.setprofile(None)
    return count


SEARCHES: list[Callable[[str], Any]] = [
    email.find,
    iban.find,
    payment_card.find,
    lambda text: phones.find(text, ("NO",)),
    lambda text: national_id.find(text, ("NO",)),
    network.find_ip,
    network.find_mac,
    lambda text: entities.find_in(text, KINDS, NORTH),
]
HOSTILE = [
    *("@", "a.", "a@", "a@a.", "1", "1 ", "+1 ", "00 1", "4111111111111111 ", "NO93 ", "a1 ", "a:", "1.", "00:"),
    "ann@example.org,",
]


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("unit", HOSTILE)
def test_twice_the_text_is_twice_the_work(search: Callable[[str], Any], unit: str) -> None:
    once, twice = unit * 200, unit * 400
    calls(search, once)  # so that packages are loaded
    assert calls(search, twice) <= 2.3 * calls(search, once) + 100


def test_no_group_of_digits_begins_more_numbers_than_a_number_has_digits() -> None:
    groups = next(digits.runs("1 " * 5000))
    assert len(groups) == 5000
    assert sum(1 for _ in digits.stretches(groups, 12, 19)) <= 8 * len(groups)
