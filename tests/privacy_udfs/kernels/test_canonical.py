"""Canonical bytes against oracles in plain Python, one value at a time."""

from __future__ import annotations

import datetime
import sys
import unicodedata
from decimal import Decimal
from itertools import permutations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from privacy_udfs.errors import TypeRefused, ValueRefused
from privacy_udfs.kernels.text import prefixes, without_bare, without_empty
from privacy_udfs.kernels.text.canonical import accepts, canonical
from privacy_udfs.kernels.text.normalize import BLANKS
from privacy_udfs.parameters import plain_text

IGNORABLE = {
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
}
"""Default_Ignorable_Code_Point of Unicode 16, 4,174 of them: DerivedCoreProperties.txt."""
STEPS = {
    "strip_zero_width": lambda text: "".join(char for char in text if ord(char) not in IGNORABLE),
    "nfkc": lambda text: unicodedata.normalize("NFKC", text),
    "nfc": lambda text: unicodedata.normalize("NFC", text),
    "trim": str.strip,
    "lower": str.lower,
}
ORDERS = [order for size in range(4) for order in permutations(("nfc", "trim", "lower"), size)]
IN_ORDER = [
    ("strip_zero_width",),
    ("strip_zero_width", "trim"),
    ("strip_zero_width", "nfc", "lower", "trim"),
    ("nfkc", "trim", "lower"),
    ("strip_zero_width", "nfkc", "lower", "trim"),
    ("strip_zero_width", "nfkc", "trim", "lower", "nfkc"),
]
ODD = "".join(map(chr, (0xAD, 0x200B, 0x200D, 0x2060, 0xFEFF, 0x3164, 0xE0020, 0xFB01, 0x2075, 0xA8, 0xFF21, 0x1D504)))
PREFIXES = [("Patient/",), ("a", "aE", "ß"), ("\u0301",), ("urn:", "urn:uuid:"), ("|", "%", ","), ("\u1100",)]
CONTROLS = "".join(map(chr, range(32)))
texts = st.lists(
    st.none()
    | st.text()
    | st.text(alphabet="aE\u0301\u03a3\u03c3\u03c2\u0130ßÅ\u212b\u1100\u1161 \t\u3000\x1f\0", max_size=6),
    max_size=20,
)


def spelled(values: pa.Array, *steps: str) -> list[str | None]:
    return [None if value is None else value.decode() for value in canonical(values, steps).to_pylist()]


@settings(deadline=None)  # the first use of a library takes long
@given(
    texts | st.lists(st.none() | st.text(alphabet=ODD + "aE \u0301", max_size=6), max_size=20),
    st.sampled_from(ORDERS + IN_ORDER),
    st.integers(0, 3),
)
@example([CONTROLS + "É", "e\u0301", None], ("nfc", "lower"), 0)  # no control character is left to part values with
@example(["ab", "ΑΣ", "ΣΑ", "\u0301x", None, "E"], ("lower", "nfc", "trim"), 1)
@example(["plain"] * 9 + ["ÀÉ\u3000"], ("trim", "lower"), 0)
def test_text_is_normalized_as_python_does(values: list[str | None], steps: tuple[str, ...], start: int) -> None:
    expect = []
    for text in values[start:]:
        for step in steps if text is not None else ():
            text = STEPS[step](text)
        expect.append(text)
    assert spelled(pa.array(values, pa.string()).slice(start), *steps) == expect


@settings(deadline=None)
@given(texts | st.lists(st.text(alphabet=ODD + "aE \u0301", max_size=6), max_size=20), st.sampled_from(IN_ORDER))
def test_a_second_pass_changes_nothing(values: list[str | None], steps: tuple[str, ...]) -> None:
    once = spelled(pa.array(values, pa.string()), *steps)
    if steps.count("nfkc") == 1:  # a capital that composes with no accent, and whose small letter does
        once = [None if text is None or unicodedata.normalize("NFKC", text) != text else text for text in once]
    assert spelled(pa.array(once, pa.string()), *steps) == once


def test_the_characters_of_no_width_are_those_of_unicode() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    left = spelled(pa.array(characters), "strip_zero_width")
    assert {ord(char) for char, text in zip(characters, left, strict=True) if text == ""} == IGNORABLE
    assert all(text in ("", char) for char, text in zip(characters, left, strict=True))
    assert len(IGNORABLE) == 4174


def test_blanks_are_those_of_str_strip() -> None:
    assert set(BLANKS) == {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}


def test_every_character_is_lower_cased_and_composed_as_python_does() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    for name, step in (("lower", str.lower), ("nfc", STEPS["nfc"])):
        assert spelled(pa.array(characters), name) == list(map(step, characters))


def test_malformed_text_passes_without_steps_and_is_refused_by_them() -> None:
    malformed = pa.array([b"plain", b"secret\xff"], pa.binary()).view(pa.string())
    assert canonical(malformed).to_pylist() == [b"plain", b"secret\xff"]
    for step in STEPS:
        with pytest.raises(ValueRefused) as caught:
            canonical(malformed, (step,))
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_integers_are_decimal_text(name: str) -> None:
    bits = int(name.lstrip("uint"))
    low, high = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert spelled(pa.array([low, None, 0, 42, high], getattr(pa, name)())) == [str(low), None, "0", "42", str(high)]


decimals = st.integers(0, 38).flatmap(lambda scale: st.tuples(st.integers(-(10**38) + 1, 10**38 - 1), st.just(scale)))


@settings(deadline=None)
@given(st.lists(decimals, min_size=1, max_size=5))
@example([(0, 0), (0, 38), (1, 7), (-5, 1), (150, 2), (100, 0), (10000, 2), (-1, 38)])
def test_decimals_are_in_plain_notation(numbers: list[tuple[int, int]]) -> None:
    for digits, scale in numbers:
        number = Decimal(f"{digits}E-{scale}")
        for kind in (pa.decimal128(38, scale), pa.decimal256(60, scale)):
            values = pa.array([None, number], kind).slice(0, 2)
            assert spelled(values) == [None, plain_text(number)]


def test_small_and_negative_scales() -> None:
    if hasattr(pa, "decimal32"):  # from pyarrow 19 on
        assert spelled(pa.array([Decimal("-1.50"), None], pa.decimal32(9, 2))) == ["-1.5", None]
        assert spelled(pa.array([Decimal("0.00000001")], pa.decimal64(18, 8))) == ["0.00000001"]
    assert spelled(pa.array([Decimal("0"), Decimal("1200")], pa.decimal128(9, -2))) == ["0", "1200"]


@settings(deadline=None)
@given(st.lists(st.none() | st.dates(), min_size=1))
def test_dates_are_iso_8601(days: list[datetime.date | None]) -> None:
    expect = [None if day is None else day.isoformat() for day in days]
    for kind in (pa.date32(), pa.date64()):
        assert spelled(pa.array([None, *days], kind).slice(1)) == expect


def test_dates_outside_four_digits_are_expanded() -> None:
    days = pa.array([-719529, -719528, 2932896, 2932897, None, -(2**31), 2**31 - 1], pa.int32()).view(pa.date32())
    assert spelled(days) == [
        "-0001-12-31",
        "0000-01-01",
        "9999-12-31",
        "+10000-01-01",
        None,
        "-5877641-06-23",
        "+5881580-07-11",
    ]


def iso(instant: datetime.datetime, zulu: str) -> str:
    text = instant.isoformat()
    return (text.rstrip("0") if "." in text else text) + zulu


@settings(deadline=None)
@given(st.lists(st.none() | st.datetimes(), min_size=1), st.sampled_from(["UTC", "Europe/Berlin", "+05:30"]))
def test_timestamps_are_instants_in_utc_whatever_the_zone(instants: list[Any], zone: str) -> None:
    ticks = pa.array([None, *instants], pa.timestamp("us")).view(pa.int64())
    for kind, zulu in ((pa.timestamp("us"), ""), (pa.timestamp("us", zone), "Z")):
        expect = [None if instant is None else iso(instant, zulu) for instant in instants]
        assert spelled(ticks.view(kind).slice(1)) == expect


def test_units_of_time_agree() -> None:
    second = datetime.datetime(1969, 12, 31, 23, 59, 58)
    for unit in ("s", "ms", "us", "ns"):
        assert spelled(pa.array([second], pa.timestamp(unit, "UTC"))) == ["1969-12-31T23:59:58Z"]
    assert spelled(pa.array([1, 1_500_000_000], pa.timestamp("ns"))) == [
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:01.5",
    ]


def test_timestamps_at_the_ends() -> None:
    ends = pa.array([-(2**63), 2**63 - 1], pa.int64())
    assert spelled(ends.view(pa.timestamp("us", "UTC"))) == [
        "-290308-12-21T19:59:05.224192Z",
        "+294247-01-10T04:00:54.775807Z",
    ]
    assert spelled(ends.slice(1).view(pa.timestamp("s"))) == ["+292277026596-12-04T15:30:07"]


def test_times_of_day() -> None:
    times = [datetime.time(12), datetime.time(0, 0, 1, 250_000), None]
    for kind in (pa.time64("us"), pa.time64("ns"), pa.time32("ms")):
        assert spelled(pa.array(times, kind)) == ["12:00:00", "00:00:01.25", None]
    assert spelled(pa.array([datetime.time(23, 59, 59), None], pa.time32("s"))) == ["23:59:59", None]


def test_booleans_and_binary() -> None:
    assert spelled(pa.array([True, None, False])) == ["true", None, "false"]
    for kind in (pa.binary(), pa.large_binary(), pa.binary(2), pa.binary_view()):
        assert canonical(pa.array([b"\xff\0", None], kind)).to_pylist() == [b"\xff\0", None]
    for kind in (pa.large_string(), pa.string_view()):
        assert spelled(pa.array(["Ä", None], kind), "lower") == ["ä", None]


@pytest.mark.parametrize(
    "kind",
    [
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.duration("us"),
        pa.month_day_nano_interval(),
        pa.list_(pa.string()),
        pa.struct([("a", pa.string())]),
        pa.map_(pa.string(), pa.string()),
    ],
    ids=str,
)
def test_what_has_no_one_spelling_is_refused(kind: pa.DataType) -> None:
    assert not accepts(kind)
    with pytest.raises(TypeRefused, match="no canonical bytes"):
        canonical(pa.nulls(2, kind))


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.int64(),
        pa.decimal128(20, 9),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us", "UTC"),
        pa.time64("us"),
        pa.binary(),
    ],
    ids=str,
)
def test_empty_and_all_null(kind: pa.DataType) -> None:
    assert accepts(kind)
    for length in (0, 3):
        got = canonical(pa.nulls(length, kind), ("nfc", "trim", "lower"))
        assert got.type == pa.binary()
        assert got.to_pylist() == [None] * length


def without(text: str, prefixes: tuple[str, ...]) -> str:
    return text.removeprefix(max((each for each in prefixes if text.startswith(each)), key=len, default=""))


@settings(deadline=None)
@given(
    texts, st.sampled_from(PREFIXES), st.sampled_from(ORDERS), st.sampled_from([(), ("trim",), ("lower",)]), st.data()
)
def test_a_prefix_is_taken_off_as_python_does(
    values: list[str | None], off: tuple[str, ...], before: tuple[str, ...], after: tuple[str, ...], data: st.DataObject
) -> None:
    heads = data.draw(st.lists(st.sampled_from(["", *off]), min_size=len(values), max_size=len(values)))
    values = [None if text is None else head + text for head, text in zip(heads, values, strict=True)]
    expect: list[str | None] = []
    for text in values:
        for each in before if text is not None else ():
            text = STEPS[each](text)
        rest = None if text is None else without(text, off)
        is_bare = rest != text
        for each in after if rest is not None else ():
            rest = STEPS[each](rest)
        expect.append(None if is_bare and not rest else rest)
    steps = (*before, prefixes.step(off), *after)
    start = data.draw(st.integers(0, 2))
    assert spelled(pa.array(values, pa.string()).slice(start), *steps) == expect[start:]
    assert without_bare(pa.array(values, pa.string()), steps).to_pylist() == [
        None if rest is None else text for text, rest in zip(values, expect, strict=True)
    ]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4).map(tuple))
def test_a_step_reads_back(off: tuple[str, ...]) -> None:
    step = prefixes.step(off)
    assert prefixes.of(step) == tuple(sorted(set(off)))
    assert "," not in step  # the list of the erased has steps with commas between
    assert prefixes.is_step(step)


def test_what_is_no_text_has_no_prefix() -> None:
    assert spelled(pa.array([42, None]), prefixes.step(("4",))) == ["42", None]
    assert spelled(pa.array([b"42"]), prefixes.step(("4",))) == ["42"]


def test_what_is_empty_after_a_prefix_can_count_as_null() -> None:
    values = pa.array(["Patient/", "", "Patient/1", None, b"Patient/\xff"], pa.binary()).view(pa.string())
    got = without_empty(values, (prefixes.step(("Patient/",)),))
    assert got.is_null().to_pylist() == [True, True, False, True, False]
