"""Laws of `mask`, against plain Python, one value at a time."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.techniques.mask import Mask
from tests.helpers.technique_laws import TEXTS, given, run

CHARACTER = st.characters(codec="utf-8")


def class_of(character: str) -> str:
    tests = {"upper": str.isupper, "lower": str.islower, "digit": str.isdecimal, "letter": str.isalpha}
    return next((name for name, test in tests.items() if test(character)), "none")


def masked(value: str, start: int, end: int, char: str, preserve: str, classes: dict[str, str]) -> str:
    """What `Mask` says of itself, for one value."""
    places = [at for at, character in enumerate(value) if character not in preserve]
    long_enough = len(places) > start + end
    kept = {*places[:start], *places[len(places) - end :]} if long_enough else set()
    signs = {at: classes.get(class_of(value[at]), char) for at in places if at not in kept}
    return "".join(signs.get(at, character) for at, character in enumerate(value))


@given(
    TEXTS,
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from("*•😀") | CHARACTER,
    st.sampled_from(["-@. ", "", "é😀-"]),
    st.dictionaries(st.sampled_from(["upper", "lower", "digit", "letter"]), st.sampled_from("Xx9あ")),
)
def test_mask_of_any_text(
    values: list[str | None], start: int, end: int, char: str, preserve: str, classes: dict[str, str]
) -> None:
    technique = Mask.model_validate(
        {"keep_start": start, "keep_end": end, "char": char, "preserve": preserve, "classes": classes or None}
    )
    got = run(technique, values)
    assert got == [None if v is None else masked(v, start, end, char, preserve, classes) for v in values]
    assert [None if v is None else len(v) for v in got] == [None if v is None else len(v) for v in values]
    if char not in preserve and not classes:
        assert run(technique, got) == got


CLASS_NAMES = st.lists(st.sampled_from(["upper", "lower", "digit", "letter"]), min_size=1, unique=True)


@given(TEXTS, CLASS_NAMES, st.integers(0, 3), st.sampled_from(["-@. ", "", "0é"]))
def test_mask_of_some_classes(values: list[str | None], only: list[str], end: int, preserve: str) -> None:
    technique = Mask.model_validate({"only": only, "keep_end": end, "preserve": preserve})
    expected = []
    for value in values:
        others = "".join(c for c in value or "" if class_of(c) not in only)
        expected.append(None if value is None else masked(value, 0, end, "*", preserve + others, {}))
    assert run(technique, values) == expected


@given(TEXTS, st.none() | st.integers(0, 4), st.none() | st.integers(0, 4), st.sampled_from(["-@. ", "", "0é"]))
def test_mask_of_both_ends(values: list[str | None], start: int | None, end: int | None, preserve: str) -> None:
    expected: list[str | None] = []
    for value in values:
        places = [at for at, character in enumerate(value or "") if character not in preserve]
        hidden = {*places[: start or 0], *places[max(0, len(places) - (end or 0)) :]}
        hidden = {*places} if start is None and end is None else hidden
        expected.append(None if value is None else "".join("#" if at in hidden else c for at, c in enumerate(value)))
    assert run(Mask(mask_start=start, mask_end=end, preserve=preserve, char="#"), values) == expected


@given(TEXTS, st.integers(0, 3), st.integers(0, 3), st.integers(1, 5), st.sampled_from("*•😀"))
def test_mask_of_one_length(values: list[str | None], start: int, end: int, more: int, char: str) -> None:
    size = start + end + more
    got = run(Mask(keep_start=start, keep_end=end, length=size, char=char), values)
    for value, result in zip(values, got, strict=True):
        if value is None:
            assert result is None
        elif len(value) <= start + end:
            assert result == char * size
        else:
            assert result == value[:start] + char * more + value[len(value) - end :]
    locals_ = [None if v is None else f"{v}x" for v in values]
    addresses = [None if v is None else f"{v}@mail.example" for v in locals_]
    shaped = Mask(keep_start=start, keep_end=end, length=size, char=char, shape="email")
    assert run(shaped, addresses) == [
        None if v is None else f"{v}@mail.example"
        for v in run(Mask(keep_start=start, keep_end=end, length=size, char=char), locals_)
    ]


@pytest.mark.parametrize(
    ("faulty", "says"),
    [
        ({"length": 3, "keep_end": 3}, "must be more than keep_start and keep_end"),
        ({"length": 3, "preserve": "-"}, "length goes without preserve"),
        ({"length": 3, "only": ["digit"]}, "length goes without preserve"),
        ({"length": 3, "mask_start": 1}, "length goes without preserve"),
        ({"length": 3, "shape": "card"}, "must be more than keep_start and keep_end"),
        ({"mask_end": 1, "keep_end": 1}, "without keep_start and keep_end"),
        ({"mask_end": 1, "shape": "email"}, "without keep_start and keep_end, and without shape"),
        ({"only": []}, "only"),
        ({"only": ["vowel"]}, "only"),
        ({"length": 0}, "length"),
    ],
)
def test_parameters_of_mask_that_do_not_go_together(faulty: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Mask.model_validate(faulty)


DOMAIN = st.from_regex(r"\A[a-z0-9é-]{1,5}(\.[a-z0-9-]{1,4}){0,2}\.[a-zé日][a-z0-9-]{0,3}\Z")


@given(st.lists(st.tuples(st.text(CHARACTER, min_size=1, max_size=6), DOMAIN), max_size=5), st.integers(0, 2))
@example([("a@b", "x.de"), ("\n", "x.de"), ("@", "x.de")], 1)
def test_mask_keeps_the_domain_of_an_address_and_nothing_else(addresses: list[tuple[str, str]], start: int) -> None:
    got = run(Mask(shape="email", keep_start=start), [f"{local}@{domain}" for local, domain in addresses])
    assert got == [f"{masked(local, start, 0, '*', '-@. ', {})}@{domain}" for local, domain in addresses]


@given(TEXTS)
def test_mask_of_what_is_no_address_shows_nothing(values: list[str | None]) -> None:
    looks_like_one = re.compile(r".*@.*\..*", re.DOTALL)
    values = [v for v in values if v is None or not looks_like_one.fullmatch(v)]
    assert run(Mask(shape="email", keep_start=1, keep_end=1), values) == run(Mask(), values)


@given(st.lists(st.from_regex(r"\A[0-9]([ -]?[0-9]){0,21}\Z"), max_size=5), st.integers(0, 6))
def test_mask_shows_of_a_card_no_more_than_asked(cards: list[str], start: int) -> None:
    is_card = [12 <= sum(map(str.isdecimal, card)) <= 19 for card in cards]
    got = run(Mask(shape="card", keep_start=start), cards)
    bounds = [(start, 4) if fits else (0, 0) for fits in is_card]
    assert got == [masked(card, *bound, "*", "-@. ", {}) for card, bound in zip(cards, bounds, strict=True)]


@pytest.mark.parametrize("faulty", [{"keep_start": 7}, {"keep_end": 5}])
def test_mask_refuses_to_show_more_of_a_card(faulty: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="at most"):
        Mask.model_validate({"shape": "card", **faulty})


@pytest.mark.parametrize("value", ["a" * 10_000_000, "ä-😀" * 3_000_000], ids=["ascii", "four bytes"])
def test_mask_of_a_value_of_ten_megabytes(value: str) -> None:
    got = Mask(keep_end=1, preserve="-").apply(pa.array([value, None, "ab"])).values
    assert got[0].as_py() == re.sub("[^-]", "*", value[:-1]) + value[-1]
    assert got.slice(1).to_pylist() == [None, "*b"]


@pytest.mark.parametrize("value", ["4111-1111-1111-1234", "J\u00fcrgen M\u00fcller \U0001f512"])
def test_mask_takes_less_than_twenty_times_the_batch(value: str) -> None:
    batch = pa.array([value] * 100_000)
    tracemalloc.start()  # numpy reports its arrays to it; Arrow's own are the input and the output
    Mask(keep_start=1, keep_end=4).apply(batch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak + 2 * batch.nbytes < 20 * batch.nbytes


@given(
    st.lists(st.from_regex(r"\A[0-9]{1,20}\Z"), min_size=1, max_size=5),
    st.integers(0, 6),
    st.integers(0, 4),
    st.sampled_from([{}, {"preserve": ""}, {"shape": "card"}, {"preserve": "1-"}, {"only": ("upper",)}]),
)
def test_mask_keeps_no_more_characters_than_it_says(values: list[str], start: int, end: int, more: Any) -> None:
    technique = Mask.model_validate({"keep_start": start, "keep_end": end, **more})
    said = technique.kept_characters()
    if said is None:
        assert more.keys() & {"only"} or "1" in more["preserve"]
        return
    for value, result in zip(values, run(technique, values), strict=True):
        left = [at for at, character in enumerate(result) if character.isalnum()]
        assert all(at < said[0] or at >= len(value) - said[1] for at in left)


@pytest.mark.parametrize("more", [{"mask_start": 2}, {"mask_end": 4}, {"shape": "email"}, {"only": ["digit"]}])
def test_mask_says_nothing_where_more_may_stay(more: dict[str, Any]) -> None:
    assert Mask.model_validate(more).kept_characters() is None
