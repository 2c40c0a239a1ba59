"""Types of columns as SQL writes them, taken apart and written anew, so that nothing else can stand in their place."""

from __future__ import annotations

import re

WHOLE = ("int", "integer", "bigint", "long", "smallint", "short", "tinyint", "byte")
SIMPLE = (*WHOLE, "double", "float", "real", "boolean", "string", "binary", "variant")
TIMES = ("date", "timestamp", "timestamp_ntz")
DEEPEST = 50
_TOKEN = re.compile(r"\s*(`(?:[^`]|``)+`|\w+|[<>(),:])")


class NoType(ValueError):
    """A text that is no type; says so in our own words."""


def canonical(text: str) -> str:
    """``STRUCT<`zip`: STRING>``: words in capitals, names quoted. Raises `NoType`."""
    tokens, at = list[str](), 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _TOKEN.match(stripped, at)
        if found is None:
            raise NoType(f"at character {at + 1}: expected a type, such as struct<zip: string, tags: array<string>>")
        tokens.append(found[1])
        at = found.end()
    made, rest = _type(tokens, 0, 0)
    if rest != len(tokens):
        raise NoType(f"expected its end before {tokens[rest]!r}")
    return made


def _type(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    word = tokens[at].lower() if at < len(tokens) else ""
    if depth > DEEPEST:
        raise NoType(f"expected at most {DEEPEST} types within each other")
    if word in ("array", "map"):
        first, at = _type(tokens, _after(tokens, at + 1, "<"), depth + 1)
        if word == "map":
            second, at = _type(tokens, _after(tokens, at, ","), depth + 1)
            first = f"{first}, {second}"
        return f"{word.upper()}<{first}>", _after(tokens, at, ">")
    if word == "struct":
        return _struct(tokens, _after(tokens, at + 1, "<"), depth)
    if word in ("decimal", "numeric", "char", "varchar"):
        return _sized(tokens, at, word)
    if word not in (*SIMPLE, *TIMES):
        raise NoType(f"expected a type, got {word or 'nothing'!r}")
    return word.upper(), at + 1


def _struct(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    fields = []
    while True:
        name = tokens[at] if at < len(tokens) else ""
        if not re.fullmatch(r"\w+|`.*`", name, re.DOTALL):
            raise NoType(f"expected the name of a field, got {name or 'nothing'!r}")
        at = at + 1 + (tokens[at + 1 : at + 2] == [":"])
        given, at = _type(tokens, at, depth + 1)
        fields.append(f"{name if name[0] == '`' else f'`{name}`'}: {given}")
        if tokens[at : at + 1] != [","]:
            return f"STRUCT<{', '.join(fields)}>", _after(tokens, at, ">")
        at += 1


def _sized(tokens: list[str], at: int, word: str) -> tuple[str, int]:
    if tokens[at + 1 : at + 2] != ["("]:
        return word.upper(), at + 1
    end = next((each for each in range(at, min(at + 7, len(tokens))) if tokens[each] == ")"), at)
    inner = tokens[at + 2 : end]
    if not inner or not all(each.isascii() and each.isdigit() for each in inner[::2]) or set(inner[1::2]) - {","}:
        raise NoType(f"expected numbers in brackets behind {word!r}")
    return f"{word.upper()}({', '.join(inner[::2])})", end + 1


def _after(tokens: list[str], at: int, wanted: str) -> int:
    if tokens[at : at + 1] != [wanted]:
        raise NoType(f"expected {wanted!r}, got {tokens[at] if at < len(tokens) else 'nothing'!r}")
    return at + 1
