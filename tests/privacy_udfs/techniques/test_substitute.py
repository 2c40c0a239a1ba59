"""Laws of `substitute`, against HMAC, one value at a time; and its word lists."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.techniques.substitute import Substitute
from privacy_udfs.word_lists import WORD_LISTS
from tests.helpers.technique_laws import CANARY, KEY, TEXT, TEXTS, drawn, given, run


def picked(value: str, entries: tuple[str, ...]) -> str:
    return entries[drawn(value, 16) % len(entries)]


@given(TEXTS, st.lists(TEXT, unique=True, min_size=2, max_size=9).map(tuple))
def test_substitute_picks_by_hmac(values: list[str | None], entries: tuple[str, ...]) -> None:
    got = run(Substitute(values=entries), values, key=KEY)
    assert got == [None if v is None else picked(v, entries) for v in values]


def test_substitute_picks_evenly() -> None:
    got = Counter(run(Substitute(values=tuple("abcdefgh")), [str(n) for n in range(8000)], key=KEY))
    chi_squared = sum((got[entry] - 1000) ** 2 / 1000 for entry in "abcdefgh")
    assert chi_squared < 24.3  # 7 degrees of freedom: exceeded by one fair key in a thousand, and this one is fixed


def test_substitute_gives_repeats_of_a_batch_the_same() -> None:
    assert run(Substitute(list="cities"), ["ada", None, "bob"] * 500, key=KEY) == [
        value and picked(value, WORD_LISTS["cities"]) for value in ["ada", None, "bob"] * 500
    ]


@pytest.mark.parametrize(
    "faulty", [{}, {"values": ["a"]}, {"values": [CANARY] * 2}, {"values": [CANARY, "b"], "list": "cities"}]
)
def test_substitute_asks_for_one_list(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Substitute.model_validate(faulty)
    assert CANARY not in str(caught.value)


PINNED = {
    "first_names": "eb9338da64a79fdad287fc75d4c56927bec535609f3e12f2b3741816d0b0560a",
    "last_names": "ec027ef2e922c284ec555b406c3f71bb8183d9c1bfdf40765fc754072635c5c9",
    "cities": "e1f680641c63e0bc9f0fc0b90c53ad749dfa07a5a350c5aceebcae7089c884aa",
}


@pytest.mark.parametrize("name", WORD_LISTS)
def test_a_released_list_never_changes(name: str) -> None:
    entries = WORD_LISTS[name]
    assert hashlib.sha256("\n".join(entries).encode()).hexdigest() == PINNED[name]
    assert len(set(entries)) == len(entries) >= 200
