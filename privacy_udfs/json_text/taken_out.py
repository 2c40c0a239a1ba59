"""One JSON text without some of its values: where one stands in an element of an array, the innermost element goes,
with one comma; where it stands in none, ``null`` takes its place. All else stays byte for byte."""

from __future__ import annotations

import bisect
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from privacy_udfs.json_text import branches, literals, scanner
from privacy_udfs.json_text.branches import OTHER, PASS, Branch, JsonPath
from privacy_udfs.json_text.literals import MOST_DIGITS
from privacy_udfs.json_text.scanner import NOT_JSON, Found, Parts, Refused

Gone = tuple[JsonPath, int]
"""A value that goes: its path, and where it starts in the text."""
Edit = tuple[int, int, str]

NOT_FOUND = "a value that is to be cut out is in no element"
_BETWEEN = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


def tree(paths: Sequence[JsonPath]) -> Branch:
    """What `scanner.scan` finds the values of some different paths by, each under its number. All else stays,
    also where a value has another shape than the longer paths ask for."""
    return branches.tree({(): PASS, **{path: at for at, path in enumerate(paths)}})


def looking_tree(paths: Sequence[JsonPath]) -> Branch:
    """The same, by which values of another shape are found too, as `OTHER`: no path leads to what is in them."""
    return branches.tree({(): OTHER, **{path: at for at, path in enumerate(paths)}})


def as_text(first: str, value: str) -> str | None:
    """A value, but null, as it is compared: the text of a string, and numbers in one spelling, as of columns of them.
    None where nobody can tell whom it names: of objects, arrays and strings that no column holds. Both as of
    `scanner.Found`."""
    read = literals.read(first, value)
    if isinstance(read, str):
        return None if first in '"[{' else _number(value)
    return value if first in 'tf"' else str(read[1])


def _number(literal: str) -> str:
    """A number that is of no kind: without its exponent, and the zeros that say nothing. One that is longer than any of
    a column, as it stands there."""
    try:
        number = Decimal(literal)
    except InvalidOperation:  # its exponent is beyond all bounds
        return literal
    if not number:
        return "0"
    if abs(number.adjusted()) > MOST_DIGITS:
        return literal
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


class _Members(list[tuple[str, Any]]):
    """Of an object, those that are there twice too."""


class _Literal(str):
    """A number as it stands in the text."""


def values_of(text: str, path: JsonPath) -> list[str | None]:
    """The values at a path of a text that no run would treat, being of another shape, or with a member twice; as of
    `as_text`. Raises `Refused` where it is no JSON at all."""
    try:
        document = json.loads(text, object_pairs_hook=_Members, parse_int=_Literal, parse_float=_Literal)
        return list(_walked(document, path))
    except (ValueError, RecursionError):
        raise Refused(NOT_JSON) from None


def elsewhere(text: str, root: Branch) -> list[str]:
    """What stands in values of another shape than the paths ask for, of such a text: texts, numbers, names of members.
    root: of `looking_tree`. Raises `Refused` where it is no JSON at all."""
    try:
        document = json.loads(text, object_pairs_hook=_Members, parse_int=_Literal, parse_float=_Literal)
    except (ValueError, RecursionError):
        raise Refused(NOT_JSON) from None
    found, left = list[str](), [(document, root)]
    while left:
        value, branch = left.pop()
        if isinstance(value, _Members) and branch.members:
            left += [(member, branch.members[name]) for name, member in value if name in branch.members]
        elif isinstance(value, list) and not isinstance(value, _Members) and branch.elements is not None:
            left += [(each, branch.elements) for each in value]
        elif branch.action == OTHER:
            found += _scalars(value)
    return found


def all_of(first: str, value: str) -> list[str]:
    """The same of one value, as of `scanner.Found`."""
    if first not in "[{":
        told = as_text(first, value)
        return [] if told is None else [told]
    return _scalars(json.loads(value, object_pairs_hook=_Members, parse_int=_Literal, parse_float=_Literal))


def _scalars(value: Any) -> list[str]:
    """As of `as_text`; without those of which nobody can tell whom they name."""
    found, left = list[str | None](), [value]
    while left:
        each = left.pop()
        if isinstance(each, _Members):
            for name, member in each:
                left += [name, member]
        elif isinstance(each, list):
            left += each
        elif isinstance(each, bool):
            found.append(str(each).lower())
        elif isinstance(each, str):
            found.append(as_text(each[0] if isinstance(each, _Literal) else '"', each))
    return [told for told in found if told is not None]


def _walked(value: Any, path: JsonPath) -> Iterator[str | None]:
    if path and isinstance(value, _Members):
        for name, member in value:
            if name == path[0]:
                yield from _walked(member, path[1:])
    elif path and isinstance(value, list) and path[0] is None:
        for each in value:
            yield from _walked(each, path[1:])
    elif not path and isinstance(value, bool):
        yield str(value).lower()
    elif not path and isinstance(value, str | list):
        first = "[" if isinstance(value, list) else value[0] if isinstance(value, _Literal) else '"'
        yield as_text(first, "" if isinstance(value, list) else value)


def without(text: str, gone: Iterable[Gone]) -> str:
    """gone: of values as `scanner.scan` found them in the text. Raises `Refused` of more than can be cut out, and of
    what is not found again: nothing stays in silence."""
    edits, elements = list[Edit](), defaultdict[JsonPath, set[int]](set)
    for path, start in gone:
        last = max((at for at, step in enumerate(path) if step is None), default=-1)
        if last < 0:
            edits.append((start, scanner.end_of(text, start), "null"))
        else:
            elements[path[: last + 1]].add(start)
    for path, starts in elements.items():
        cuts = _cuts(text, path, sorted(starts))
        _check_covered(cuts, starts)
        edits += [(start, end, "") for start, end, *_ in cuts]
    return _edited(text, edits)


def _check_covered(cuts: Sequence[Found], starts: Iterable[int]) -> None:
    """cuts: in the order of the text, none within another."""
    begins = [begin for begin, *_ in cuts]
    for start in starts:
        at = bisect.bisect_right(begins, start) - 1
        if at < 0 or cuts[at][1] <= start:
            raise Refused(NOT_FOUND)


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
