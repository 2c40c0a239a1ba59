"""One JSON text without some of its values: where one stands in an element of an array, the innermost element goes,
with one comma; where it stands in none, ``null`` takes its place. All else stays byte for byte."""

from __future__ import annotations

import bisect
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from privacy_udfs.json_text import branches, literals, scanner
from privacy_udfs.json_text.branches import KEEP, Branch, JsonPath
from privacy_udfs.json_text.scanner import NOT_JSON, Found, Parts, Refused

Gone = tuple[JsonPath, int]
"""A value that goes: its path, and where it starts in the text."""
Edit = tuple[int, int, str]

_BETWEEN = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


def tree(paths: Sequence[JsonPath]) -> Branch:
    """What `scanner.scan` finds the values of some different paths by, each under its number; all else stays."""
    return branches.tree({(): KEEP, **{path: at for at, path in enumerate(paths)}})


def as_text(first: str, value: str) -> str | None:
    """A value as it is compared: the text of a string, whole numbers in their one spelling, others as they stand there.
    None of null, objects, arrays, and strings that no column holds. Both as of `scanner.Found`."""
    if first in "n[{":
        return None
    read = literals.read(first, value)
    if isinstance(read, str):
        return None if first == '"' else value
    return value if first in 'tf"' else str(read[1])


class _Members(list[tuple[str, Any]]):
    """Of an object, those that are there twice too."""


def values_of(text: str, path: JsonPath) -> list[str]:
    """The values at a path of a text that no run would treat, being of another shape, or with a member twice. Raises
    `Refused` where it is no JSON at all."""
    try:
        document = json.loads(text, object_pairs_hook=_Members, parse_int=str, parse_float=str)
        return list(_walked(document, path))
    except (ValueError, RecursionError):
        raise Refused(NOT_JSON) from None


def _walked(value: Any, path: JsonPath) -> Iterator[str]:
    if path and isinstance(value, _Members):
        for name, member in value:
            if name == path[0]:
                yield from _walked(member, path[1:])
    elif path and isinstance(value, list) and path[0] is None:
        for each in value:
            yield from _walked(each, path[1:])
    elif not path and isinstance(value, str | bool):
        told = as_text('"', value) if isinstance(value, str) else str(value).lower()
        yield from () if told is None else (told,)


def without(text: str, gone: Iterable[Gone]) -> str:
    """gone: of values as `scanner.scan` found them in the text. Raises `Refused` of more than can be cut out."""
    edits, elements = list[Edit](), defaultdict[JsonPath, set[int]](set)
    for path, start in gone:
        last = max((at for at, step in enumerate(path) if step is None), default=-1)
        if last < 0:
            edits += [(each[0], each[1], "null") for each in scanner.scan(text, tree([path])) if each[0] == start]
        else:
            elements[path[: last + 1]].add(start)
    for path, starts in elements.items():
        edits += [(start, end, "") for start, end, *_ in _cuts(text, path, sorted(starts))]
    return _edited(text, edits)


def _cuts(text: str, path: JsonPath, starts: Sequence[int]) -> list[Found]:
    """The stretches of the elements in which values start."""
    cuts, parts, last_end = list[Found](), None, -1
    for start, end, *_ in scanner.scan(text, tree([path])):
        if parts is None or not _BETWEEN.fullmatch(text, last_end, start):  # of another array
            if parts is not None:
                parts.close()
            parts = Parts(cuts)
        parts.takes(start, end, gone=bisect.bisect_left(starts, start) < bisect.bisect_left(starts, end))
        last_end = end
    if parts is not None:
        parts.close()
    return cuts


def _edited(text: str, edits: Iterable[Edit]) -> str:
    """Edits within another one go with it."""
    pieces, at = list[str](), 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if end > at and start >= at:
            pieces += [text[at:start], new]
            at = end
    return "".join((*pieces, text[at:]))
