"""pydantic's errors as faults that mend: where, expected, got, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from jobs.configuration.documents import Document, Fault, Loc, did_you_mean, one_of
from jobs.configuration.entry import PATTERNS
from jobs.configuration.variables import marks_variable
from privacy_udfs.technique import Technique

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "none_required": "nothing",
}
_OWN_WORDS = ("value_error", "assertion_error")
"""Errors whose message a validator of ours wrote."""
_QUOTED = r"'([\w-]+)'"


def explain(
    error: ValidationError, document: Document, at: Loc, model: type[BaseModel], also: Sequence[str] = ()
) -> Iterator[Fault]:
    """The faults of ``document`` at ``at``, which does not fit ``model``. also: further keys that are known there."""
    expected: dict[tuple[Loc, bool], list[tuple[str, bool]]] = {}
    for found in error.errors(include_url=False, include_input=False):
        loc = (*at, *(part for part in found["loc"] if part != "[key]"))
        if found["type"] == "missing":
            yield document.fault(loc, "required, and missing")
        elif found["type"] == "extra_forbidden":
            message = unknown_key(loc[-1], [*keys_of(model, found["loc"][:-1]), *also])
            comma = document.at(loc) is None and " " in str(loc[-1])
            yield document.fault(loc, f"{message}{'; a text with a comma in it must be quoted' if comma else ''}")
        else:  # what the file does not have are the branches of a union, which make one fault
            place = document.known(loc)
            value = document.at(place)
            hide = marks_variable(value) and (isinstance(value, str) or issubclass(model, Technique))
            text = _expected(dict(found), hide)
            expected.setdefault((place, "[key]" in found["loc"]), []).append((text, found["type"] in _OWN_WORDS))
    for (place, is_key), found_there in expected.items():
        yield document.fault(place, _but_got(document, place, is_key, dict(found_there)))


def unknown_key(key: object, known: Sequence[str]) -> str:
    """What to say of a key that is none of ``known``."""
    return f"unknown key{did_you_mean(key, known) or f'; expected {one_of(known)}'}"


def keys_of(kind: Any, loc: Sequence[int | str]) -> list[str]:
    """The keys that ``kind`` (a model, or a type made of models) has at ``loc``."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        if not loc:
            return list(fields)
        return keys_of(fields[str(loc[0])], loc[1:]) if loc[0] in fields else []
    inside = 1 if get_origin(kind) in (dict, tuple, list) else 0
    return [key for argument in get_args(kind) for key in keys_of(argument, loc[inside:])]


def _expected(found: dict[str, Any], hide: bool) -> str:
    kind, context, text = found["type"], found.get("ctx", {}), str(found["msg"])
    if kind in _TYPES:
        return f"expected {_TYPES[kind]}"
    if kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        return f"expected {PATTERNS[context['pattern']]}"
    if kind in _OWN_WORDS:  # these may quote a value, and it may have come from the environment
        return "expected another value than the variable gives" if hide else text.partition(", ")[2]
    text = re.sub(r"^\w+ should (be|have|match) ", "expected ", text).partition(" after validation")[0]
    return text.replace("expected ", "expected a number ") if kind.startswith(("greater", "less")) else text


def _but_got(document: Document, place: Loc, is_key: bool, texts: dict[str, bool]) -> str:
    first, *others = texts
    message = " or ".join([first, *(text.removeprefix("expected ") for text in others)])
    value = place[-1] if is_key else document.at(place)
    own_words = all(texts.values())
    if own_words and (isinstance(value, dict | list) or " got " in message or not message.startswith("expected")):
        return message
    got = document.show_key(place) if is_key else document.show(place)
    if "expected text" in texts and isinstance(value, bool | int | float):
        return f"{message}, got {got}: quote it"
    return f"{message}, got {got}{did_you_mean(value, re.findall(_QUOTED, message))}"
