"""Faults in parameters, in plain words: what pydantic says, without its values, and with what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

OWN_WORDS = ("value_error", "assertion_error")
"""Errors whose message a validator of ours wrote."""


def of(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each fault of parameters that do not fit a technique, with its name. No value is repeated."""
    for found in error.errors(include_url=False, include_input=False):
        name = ".".join(map(str, found["loc"])) or "(all)"
        yield f"{name}: {_words(dict(found), model)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where a known name is near, else nothing."""
    near = difflib.get_close_matches(name, known, n=1) if len(name) <= 64 else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _words(found: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, text = found["type"], str(found["msg"])
    if kind == "missing":
        return "required, and missing"
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        if len(found["loc"]) > 1:  # within a parameter that has some of its own
            return "unknown parameter"
        return f"unknown parameter{did_you_mean(str(found['loc'][0]), known) or f'; expected {_listed(known)}'}"
    if kind in OWN_WORDS:
        return text.partition(", ")[2]
    text = re.sub(r"^Input should be (a valid |an? instance of )?", "expected ", text)
    text = re.sub(r"^\w+ should (be|have|match) ", "expected ", text).partition(" after validation")[0]
    return _PLAIN.get(text, text)


def _listed(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


_PLAIN = {
    "expected integer": "expected a whole number",
    "expected string": "expected text",
    "expected boolean": "expected true or false",
    "expected dictionary": "expected a mapping",
    "expected number": "expected a number",
    "expected list": "expected a list",
    "expected tuple": "expected a list",
}
