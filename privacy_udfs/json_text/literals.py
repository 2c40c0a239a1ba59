"""Values of JSON as columns hold them, and back: each kind is treated as a column of its type would be.

Strings are text, ``true`` and ``false`` booleans, and integers 64-bit numbers, or decimals of up to 38 digits where
they are longer: so a number has the pseudonym that it has in a column of numbers. Numbers with a fraction or an
exponent have no one spelling (``1.0``, ``1e0``), and are no kind; nor are objects and arrays.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from privacy_udfs.errors import TypeRefused, ValueRefused
from privacy_udfs.technique import Technique

Kind = Literal["text", "integer", "long integer", "boolean"]
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "long integer": pa.decimal128(38, 0),
    "boolean": pa.bool_(),
}
MOST_DIGITS = 38
UNLIKE = "numbers with a fraction, an exponent or too many digits", "objects or arrays", "strings with half a surrogate"
_FRACTION, _NESTED, _HALF = UNLIKE


def kinds_of(technique: Technique) -> frozenset[Kind]:
    """The kinds of values that a technique takes, and gives something for that JSON can hold."""
    return frozenset(kind for kind, given in TYPES.items() if _takes(technique, given))


def _takes(technique: Technique, given: pa.DataType) -> bool:
    try:
        return _is_held(technique.output_type(given))
    except TypeRefused:
        return False


def _is_held(given: pa.DataType) -> bool:
    types = pa.types
    exact = types.is_integer(given) or types.is_decimal(given) or types.is_boolean(given)
    return bool(exact or types.is_string(given) or types.is_float64(given))


def read(first: str, value: str) -> tuple[Kind, Any] | str:
    """A value's kind and the value; or words for values that are of no kind. first: the character it begins with.
    value: of a string its characters, else as it stands in the text."""
    if first == '"':
        return ("text", value) if value.isascii() or _is_whole(value) else _HALF
    if first in "tf":
        return "boolean", first == "t"
    return _number(value) if first not in "[{" else _NESTED


def _number(literal: str) -> tuple[Kind, Any] | str:
    if len(literal) > MOST_DIGITS + 1 or not literal.removeprefix("-").isdigit():
        return _FRACTION
    number = int(literal)
    if -(1 << 63) <= number < 1 << 63:
        return "integer", number
    return ("long integer", Decimal(number)) if abs(number) < 10**MOST_DIGITS else _FRACTION


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_encode = json.JSONEncoder(ensure_ascii=False).encode


def written(values: pa.Array) -> Sequence[str]:
    """Results as JSON. Raises `ValueRefused` at a float that is no number."""
    found = values.to_pylist()
    if pa.types.is_decimal(values.type):
        return ["null" if value is None else format(value, "f") for value in found]
    if pa.types.is_floating(values.type) and not all(value is None or math.isfinite(value) for value in found):
        raise ValueRefused("a result is no number, which JSON cannot hold")
    return list(map(_encode, found))


def constant(technique: Technique) -> str:
    """What a technique that replaces everything by one constant puts there."""
    return _encode(getattr(technique, "value", None))
