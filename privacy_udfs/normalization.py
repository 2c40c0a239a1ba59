"""The parameter ``normalize``: words, and steps that have something to say, as the configuration and records have them.

``[nfc, trim, {strip_prefix: "Patient/"}]`` is the same as ``{strip_prefix: "Patient/"}`` after the two words; a mapping
alone is a list of one step. Within the library every step is a word (`privacy_udfs.kernels.text.prefixes`); a record
has the mapping again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from privacy_udfs.kernels.text import normalized, prefixes
from privacy_udfs.strength import NO_DIFFERENCE

LONGEST, MOST = 200, 20
"""Characters of a prefix; prefixes of a step."""
_EXAMPLE = f'{prefixes.NAME}: "Patient/"'
Word = Literal["nfc", "trim", "lower", "nfkc", "strip_zero_width"]
_WORDS = ["nfc", "trim", "lower", "nfkc", "strip_zero_width"]


def as_data(step: str) -> str | dict[str, str | list[str]]:
    """A step as it stands in records and files."""
    if not prefixes.is_step(step):
        return step
    one, *others = prefixes.of(step)
    return {prefixes.NAME: [one, *others] if others else one}


def of_record(told: object) -> tuple[str, ...]:
    """The steps that a record tells of, as words; for what cannot be one a word that is none."""
    items = told if isinstance(told, list | tuple) else [told]
    return tuple(each if isinstance(each, str) else _read(each) for each in items)


def _read(told: object) -> str:
    try:
        return _with_prefixes(told)
    except ValueError:
        return "?"


def _step(value: Any, of_words: ValidatorFunctionWrapHandler) -> str:
    if isinstance(value, Mapping):
        return _with_prefixes(value)
    if isinstance(value, str) and prefixes.is_step(value):
        return _as_word(value)
    if value == prefixes.NAME:
        raise ValueError(f"{prefixes.NAME} says what it takes off: write {_EXAMPLE}")
    word: str = of_words(value)
    return word


def _as_word(step: str) -> str:
    """A step that is a word already, as lists of the erased and copies of techniques hold it."""
    try:
        told = prefixes.of(step)
    except UnicodeDecodeError:  # its message quotes the text
        raise ValueError(f"expected {_EXAMPLE}") from None
    return _with_prefixes({prefixes.NAME: told})


def _with_prefixes(value: Any) -> str:
    if not isinstance(value, Mapping) or list(value) != [prefixes.NAME]:
        raise ValueError(f"expected one step, such as {_EXAMPLE}: steps are a list, in their order")
    told = value[prefixes.NAME]
    each = told if isinstance(told, list | tuple) else [told]
    if not each or len(each) > MOST or not all(isinstance(one, str) and one for one in each):
        raise ValueError(f"{prefixes.NAME}: expected a text, or a list of up to {MOST} texts; none of them empty")
    if len(set(each)) < len(each):
        raise ValueError(f"{prefixes.NAME}: a prefix stands there twice")
    if any(len(one) > LONGEST or any(0xD800 <= ord(char) < 0xE000 for char in one) for one in each):
        raise ValueError(f"{prefixes.NAME}: expected well-formed text of up to {LONGEST} characters")
    return prefixes.step(tuple(each))


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, Mapping) else value


def _in_order(steps: tuple[str, ...]) -> tuple[str, ...]:
    """What a step lets through must not be what an earlier one would have changed, or a second pass gives another."""
    if "strip_zero_width" in steps[1:]:
        raise ValueError("strip_zero_width comes first, and once: a character between two others keeps them apart")
    if "nfkc" in steps and "nfc" in steps:
        raise ValueError("nfkc does all that nfc does: name one of the two")
    before = steps[: steps.index("nfkc")] if "nfkc" in steps else ()
    if {"trim", "lower"} & set(before):
        raise ValueError("nfkc comes before trim and lower: it gives blanks and capitals")
    _check_prefixes(steps)
    return steps


def _check_prefixes(steps: Sequence[str]) -> None:
    """Once, where the text is spelled already; and what earlier steps take away stands in no prefix."""
    at = [place for place, step in enumerate(steps) if prefixes.is_step(step)]
    if len(at) > 1:
        raise ValueError(f"{prefixes.NAME} stands there twice: write one step with a list of prefixes")
    if not at:
        return
    before, after = tuple(steps[: at[0]]), steps[at[0] + 1 :]
    if {"nfc", "nfkc"} & {*after} and not {"nfc", "nfkc"} & {*before}:
        raise ValueError(f"{prefixes.NAME} comes after nfc and nfkc: a prefix is found in text that is composed")
    for prefix in prefixes.of(steps[at[0]]):
        spelled = normalized(pa.array([f"{prefix}x"], pa.string()), before)[0].as_py()  # its end is no end of the text
        if spelled != f"{prefix}x":
            done = ", ".join(before)
            raise ValueError(f"{prefixes.NAME}: no text begins so after {done}: write the prefix as it is then")


_STRIP = {
    "type": "object",
    "description": "Takes a prefix off texts that begin with it, once: of several the longest.",
    "properties": {
        prefixes.NAME: {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": LONGEST},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST,
                    "uniqueItems": True,
                    "items": {"type": "string", "minLength": 1, "maxLength": LONGEST},
                },
            ]
        }
    },
    "required": [prefixes.NAME],
    "additionalProperties": False,
}
_SCHEMA = {
    "anyOf": [{"type": "array", "items": {"anyOf": [{"enum": _WORDS, "type": "string"}, _STRIP]}}, _STRIP],
}
_Step = Annotated[Word, WrapValidator(_step), PlainSerializer(as_data, when_used="json")]
Normalize = Annotated[
    tuple[_Step, ...],
    Field(strict=False),
    BeforeValidator(_listed),
    AfterValidator(_in_order),
    WithJsonSchema(_SCHEMA),
    NO_DIFFERENCE,
]
"""Steps before text becomes canonical bytes, in this order; see `privacy_udfs.kernels.text.normalize`."""
