"""JSON that holds secrets, read without mercy, and without a word of it in any error.

The errors of Python's own parser carry the whole text; so they are left behind where they arise.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from privacy_udfs.keysets.tink_proto import MalformedError, Values

Input = TypeVar("Input")
Output = TypeVar("Output")


def read(reader: Callable[[Input], Output], given: Input) -> tuple[Output | None, str | None]:
    """What ``reader`` gives, or what is wrong. Nothing of an exception that quotes ``given`` outlives this call."""
    try:
        return reader(given), None
    except MalformedError as error:
        return None, str(error)


def parse_json(text: str | bytes) -> Any:
    """JSON without names given twice and without NaN. Raises `MalformedError`."""
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except MalformedError:
        raise
    except (ValueError, RecursionError):
        pass  # left behind here, since it holds the text
    raise MalformedError("it is not JSON")


def checked(what: str, given: Any, fields: Mapping[str, type]) -> Values:
    """``given`` if it is an object of these fields and types. Raises `MalformedError`."""
    if not isinstance(given, dict):
        raise MalformedError(f"{what} is not a JSON object")
    for name, value in given.items():
        if name not in fields:
            raise MalformedError(f"{what} has a field that Tink's keysets do not have")
        if not isinstance(value, fields[name]) or isinstance(value, bool):
            raise MalformedError(f"{what}: {name} is not of the right kind")
    return given


def from_base64(what: str, text: str) -> bytes:
    """Standard base64 with padding. Raises `MalformedError`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise MalformedError(f"{what} is not base64")


def _without_repeats(pairs: list[tuple[str, Any]]) -> Values:
    if len({name for name, _ in pairs}) != len(pairs):
        raise MalformedError("a JSON object has one name twice")
    return dict(pairs)


def _no_constant(_: str) -> Any:
    raise MalformedError("it is not JSON")
