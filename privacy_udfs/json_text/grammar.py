"""Parts of the grammar of RFC 8259 as patterns. They hold for the simple case; what they do not match may be JSON all
the same, and is for a real reader. None of them goes back over what it has matched."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BLANK = r"[ \t\n\r]*"
_STRING = r'"[^"\\\x00-\x1f]*"'
_SIMPLE = rf"{_STRING}|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null"

BLANK = re.compile(_BLANK)
COLON = re.compile(f"{_BLANK}:{_BLANK}")
AFTER_MEMBER = re.compile(rf"{_BLANK}([,}}]){_BLANK}")
AFTER_ELEMENT = re.compile(rf"{_BLANK}([,\]]){_BLANK}")
MEMBER = re.compile(rf"({_STRING}){_BLANK}:{_BLANK}(?:({_SIMPLE}){_BLANK}([,}}]){_BLANK})?")
"""A member whose name has no escapes; with its value and what comes after, if that is as simple."""
MOST_AT_ONCE = 1000
"""Members; the matcher remembers each."""


def members_but(names: Iterable[str]) -> re.Pattern[str]:
    """Members as simple as that, one after the other and none of them the last, up to one with one of the names."""
    others = "|".join(map(re.escape, names))
    return _members(f'(?!"(?:{others})"){_STRING}' if others else _STRING)


def members_of(names: Iterable[str]) -> re.Pattern[str]:
    """The same, up to one with none of the names."""
    return _members(f'"(?:{"|".join(map(re.escape, names))})"')


def _members(name: str) -> re.Pattern[str]:
    return re.compile(f"(?:{name}{_BLANK}:{_BLANK}(?:{_SIMPLE}){_BLANK},{_BLANK}){{0,{MOST_AT_ONCE}}}")
