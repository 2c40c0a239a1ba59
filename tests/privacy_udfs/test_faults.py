"""Faults of parameters in plain words: never pydantic's own, never a value."""

from __future__ import annotations

from typing import Any

import pytest

from privacy_udfs.errors import ParameterError
from privacy_udfs.techniques import BY_NAME, parse

CANARY = "Zerlina"


@pytest.mark.parametrize(
    ("treatment", "said"),
    [
        ({"technique": "mask", "kep_end": 2}, "mask: 1 fault\n  kep_end: unknown parameter; did you mean 'keep_end'?"),
        ({"technique": "mask", "keep_end": CANARY}, "mask: 1 fault\n  keep_end: expected a whole number"),
        ({"technique": "mask", "keep_end": CANARY, "char": 5}, "mask: 2 faults\n"),
        (
            {"technique": "generalize_date", "unit": CANARY},
            "1 fault\n  unit: expected 'year', 'quarter'",
        ),
        ({"technique": "treat_entities"}, "treat_entities: 1 fault\n  entities: required, and missing"),
        ({"technique": "drop", CANARY: 1}, "expected one of technique, on_refused"),
        ({"technique": "maks"}, "; did you mean 'mask'?"),
    ],
)
def test_a_fault_says_what_to_do(treatment: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse(treatment)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", BY_NAME)
def test_no_word_of_pydantics_reaches_anybody(name: str) -> None:
    given = {parameter: object() for parameter in BY_NAME[name].model_fields if parameter != "technique"}
    with pytest.raises(ParameterError) as caught:
        parse({"technique": name, **given, "nosuch": CANARY})
    text = str(caught.value)
    assert not [word for word in ("Extra inputs", "Field required", "Input should", "(s)") if word in text]
    assert CANARY not in text
