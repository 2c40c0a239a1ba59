"""Laws of `truncate`, against slices of Python's text."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.techniques.truncate import SMALL_AREAS, Truncate
from tests.helpers.technique_laws import TEXTS, given, run


@given(TEXTS, st.integers(1, 14) | st.just(2**70))
def test_truncate_of_any_text(values: list[str | None], keep: int) -> None:
    got = run(Truncate(keep=keep), values)
    assert got == [None if v is None else v[:keep] for v in values]
    assert run(Truncate(keep=keep), got) == got


@given(st.lists(st.from_regex(r"\A[0-9]{5}(-?[0-9]{4})?\Z"), max_size=8))
def test_zip_codes_keep_three_digits_of_large_areas_only(codes: list[str]) -> None:
    expected = ["000" if code[:3] in SMALL_AREAS else code[:3] for code in codes]
    assert run(Truncate(preset="hipaa_zip3"), codes) == expected


@given(TEXTS)
def test_what_is_no_zip_code_is_refused(values: list[str | None]) -> None:
    values = [v for v in values if v is None or not re.fullmatch("[0-9]{5}(-?[0-9]{4})?", v)]
    outcome = Truncate(preset="hipaa_zip3", on_refused="null").apply(pa.array(values, pa.string()))
    assert (outcome.treated, outcome.null, outcome.refused) == (0, values.count(None), len(values) - values.count(None))


@pytest.mark.parametrize(
    "faulty", [{}, {"keep": 3, "preset": "hipaa_zip3"}, {"keep": 3, "small_areas": ["036"]}, {"keep": 0}]
)
def test_truncate_asks_for_one_way(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Truncate.model_validate(faulty)


def test_truncate_says_what_stays() -> None:
    zips = Truncate(preset="hipaa_zip3")
    assert (Truncate(keep=4).kept_characters(), zips.kept_characters()) == ((4, 0), (3, 0))
    assert (Truncate(keep=3).zip3_areas(), zips.zip3_areas()) == (None, SMALL_AREAS)
    assert Truncate(preset="hipaa_zip3", small_areas=("205",)).zip3_areas() == ("205",)
