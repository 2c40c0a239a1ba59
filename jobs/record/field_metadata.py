"""Entries of the treatment record as the metadata of fields can hold them, and back.

Spark's metadata has lists of one kind only, of texts, 64-bit numbers, switches or mappings; a list in a list, a mixed
one, one with a null and a longer number fail, or change without a word. Such a value stands there as a mapping of one
text, ``{"json": "[[\\"a\\", \\"b\\"]]"}``; everything else as it is.
"""

from __future__ import annotations

import json
from typing import Any

from jobs.configuration.documents import canonical_json

AS_TEXT = "json"
LONGEST_NUMBER = 1 << 63


def encoded(value: Any) -> Any:
    """The value with what Spark cannot hold as text. `decoded` gives the value back."""
    if isinstance(value, dict) and set(value) != {AS_TEXT}:
        return {name: encoded(part) for name, part in value.items()}
    if _fits(value):
        return value
    return {AS_TEXT: canonical_json(value)}


def decoded(value: Any) -> Any:
    """The inverse of `encoded`; what was written before there was any stays as it is."""
    if not isinstance(value, dict):
        return value
    if set(value) != {AS_TEXT} or not isinstance(value[AS_TEXT], str):
        return {name: decoded(part) for name, part in value.items()}
    try:
        return json.loads(value[AS_TEXT])
    except (ValueError, RecursionError):  # not ours
        return value


def _fits(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {type(part) for part in value}
        return not kinds or (len(kinds) == 1 and kinds <= {str, int, float, bool} and all(map(_fits, value)))
    if isinstance(value, int):
        return -LONGEST_NUMBER <= value < LONGEST_NUMBER
    return value is None or isinstance(value, str | float)
