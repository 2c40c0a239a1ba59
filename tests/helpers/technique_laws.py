"""What the tests of several techniques share: strategies, oracles, and short ways to make and to run a technique."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from hypothesis import given as given_within_a_deadline
from hypothesis import settings
from hypothesis import strategies as st

from privacy_udfs.technique import Technique
from privacy_udfs.techniques.add_noise import AddNoise
from privacy_udfs.techniques.generalize_number import GeneralizeNumber

KEY = bytes(range(32))
CANARY = "canary-7f3a"
INT64 = st.integers(-(2**63), 2**63 - 1)
SUBJECTS = st.one_of(st.integers(0, 5).map(str), st.text(st.characters(exclude_categories=["Cs"])))
TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("-@. aZ0é日😀")), max_size=12)
TEXTS = st.lists(st.none() | TEXT, max_size=8)


def given(*strategies: Any, **named: Any) -> Callable[[Any], Any]:
    """Hypothesis' own, without its deadline: on a shared machine the clock says nothing about a law."""
    decorate: Any = given_within_a_deadline(*strategies, **named)
    return lambda test: settings(deadline=None)(decorate(test))


def run(
    technique: Technique, values: list[Any], kind: pa.DataType | None = None, key: bytes | None = None
) -> list[Any]:
    """The treated values; text, if no ``kind`` is given."""
    treated: list[Any] = technique.apply(pa.array(values, kind or pa.string()), key).values.to_pylist()
    return treated


def binning(**parameters: Any) -> GeneralizeNumber:
    return GeneralizeNumber.model_validate(parameters)


def noising(**parameters: Any) -> AddNoise:
    return AddNoise.model_validate(parameters)


def drawn(subject: str, size: int) -> int:
    """The first ``size`` bytes of a subject's HMAC-SHA-256 as a number."""
    return int.from_bytes(hmac.digest(KEY, subject.encode(), "sha256")[:size], "big")
