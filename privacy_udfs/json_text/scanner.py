"""One JSON text, walked along the paths that lead into it: where the values of each path stand.

It is read once. What no path leads into is only held against the grammar (RFC 8259) by Python's own reader, in C, and
found to end somewhere; no number becomes a float, and names are compared as they read, whatever their escapes.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import NoReturn

from privacy_udfs.json_text.branches import DROP, OTHER, PASS, Branch
from privacy_udfs.json_text.grammar import AFTER_ELEMENT, AFTER_MEMBER, BLANK, COLON, MEMBER

MOST_BYTES = 1 << 24
"""Of one text, which is held in memory several times over."""
MOST_DEPTH = 100
"""Objects and arrays around a value."""

MOST_STRETCHES = 1 << 20
"""Of one text: values that are treated or cut out."""

NOT_JSON = "no JSON by RFC 8259"
NO_OBJECT = "neither an object nor an array that paths lead into"
TOO_LONG = f"longer than {MOST_BYTES >> 20} MiB"
TOO_DEEP = f"nested deeper than {MOST_DEPTH}"
TOO_MANY = f"more than {MOST_STRETCHES} values that are treated or cut out"
TWICE = "{path} is there twice"
UNKNOWN = "something below {path} that nobody decided about"
OTHER_SHAPE = "a value at {path} that its longer paths do not lead into"

_NESTING = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


class Refused(Exception):
    """A text that cannot be treated. The first argument is the rule, in words that hold nothing of the text."""


Found = tuple[int, int, int, str, str]
"""A value that a treatment is for, or a stretch that is cut out: its start and end; the number of the treatment, `DROP`
or `OTHER`; the character it begins with; of a string its characters, escapes undone, of others how they stand there.
"""


def _no_constant(word: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


_decode = json.JSONDecoder(parse_float=len, parse_int=len, parse_constant=_no_constant).raw_decode
"""Value and end of what starts at a place. Numbers are not made: their length stands for them."""


@dataclasses.dataclass
class Scan:
    """One text on its way. found: in the order of the text."""

    text: str
    found: list[Found] = dataclasses.field(default_factory=list)

    def value(self, at: int, branch: Branch) -> int:
        """The end of the value that starts at ``at``."""
        first = self.text[at]
        if branch.members and first == "{":
            return self._object(at, branch)
        if branch.elements is not None and first == "[":
            return self._array(at, branch)
        value, end = _decode(self.text, at)
        if not branch.keeps:
            self._note(at, end, branch, first, value if first == '"' else self.text[at:end])
        return end

    def _note(self, at: int, end: int, branch: Branch, first: str, value: str) -> None:
        """A value that no path leads into. Null stays where one would."""
        if branch.action >= 0 or (branch.action == OTHER and first != "n"):
            _add(self.found, (at, end, branch.action, first, value))
        elif branch.action not in (PASS, OTHER) and (first != "n" or not branch.goes_on):
            raise Refused((OTHER_SHAPE if branch.goes_on else UNKNOWN).format(path=branch.path))

    def _object(self, at: int, branch: Branch) -> int:
        text, seen, parts = self.text, set[str](), Parts(self.found) if branch.cuts else None
        skipped, at = branch.skipped, _end(BLANK, text, at + 1)
        if text[at] == "}":
            return at + 1
        while True:
            if skipped is not None:
                at = _end(skipped, text, at)
            simple = MEMBER.match(text, at)
            name, start = self._name(at) if simple is None else (simple[1][1:-1], simple.end())
            child = branch.members.get(name)
            if child is None:
                child = branch.rest
            elif not child.keeps:
                if name in seen:
                    raise Refused(TWICE.format(path=child.path))
                seen.add(name)
            if simple is not None and simple[2] is not None:
                self._simple(parts, at, simple, child)
                sign, end, at = simple[3], simple.end(3), simple.end()
            else:
                after = AFTER_MEMBER.match(text, self._part(parts, at, start, child))
                if after is None:
                    raise Refused(NOT_JSON)
                sign, end, at = after[1], after.end(1), after.end()
            if sign == "}":
                if parts is not None:
                    parts.close()
                return end

    def _name(self, at: int) -> tuple[str, int]:
        """The name of a member that has escapes, and where its value starts."""
        if self.text[at] != '"':
            raise Refused(NOT_JSON)
        name, end = _decode(self.text, at)
        return name, _end(COLON, self.text, end)

    def _simple(self, parts: Parts | None, at: int, member: re.Match[str], child: Branch) -> None:
        """A member with a value that is no object or array, and a string without escapes if it is one."""
        (start, end), literal = member.span(2), member[2]
        if parts is not None and not parts.takes(at, end, gone=child.action == DROP):
            return
        if not child.keeps:
            first = literal[0]
            self._note(start, end, child, first, literal[1:-1] if first == '"' else literal)

    def _array(self, at: int, branch: Branch) -> int:
        text, parts, child = self.text, Parts(self.found) if branch.cuts else None, branch.elements
        assert child is not None
        at = _end(BLANK, text, at + 1)
        if text[at] == "]":
            return at + 1
        while True:
            after = AFTER_ELEMENT.match(text, self._part(parts, at, at, child))
            if after is None:
                raise Refused(NOT_JSON)
            if after[1] == "]":
                if parts is not None:
                    parts.close()
                return after.end(1)
            at = after.end()

    def _part(self, parts: Parts | None, at: int, start: int, child: Branch) -> int:
        """The end of a member or an element. at: where it starts. start: where its value does."""
        if parts is None:
            return self.value(start, child)
        gone = child.action == DROP and not child.leads_into(self.text[start])
        if gone:
            end = _decode(self.text, start)[1]
            parts.takes(at, end, gone)
        else:
            parts.takes(at, at, gone)
            parts.last_end = end = self.value(start, child)
        return end


@dataclasses.dataclass
class Parts:
    """The members of an object, or the elements of an array, of which some are cut out: each with one comma.

    first_gone: where the first starts, as long as none has stayed. last_end: the end of the one before.
    """

    found: list[Found]
    first_gone: int = -1
    last_end: int = -1
    one_stayed: bool = False

    def takes(self, at: int, end: int, gone: bool) -> bool:
        """The next one. Whether it stays."""
        if not gone:
            if self.first_gone >= 0:
                self._cut(self.first_gone, at)
            self.first_gone, self.one_stayed = -1, True
        elif self.one_stayed:
            self._cut(self.last_end, end)
        elif self.first_gone < 0:
            self.first_gone = at
        self.last_end = end
        return not gone

    def close(self) -> None:
        if self.first_gone >= 0:
            self._cut(self.first_gone, self.last_end)

    def _cut(self, start: int, end: int) -> None:
        _add(self.found, (start, end, DROP, "", ""))


def _add(found: list[Found], one: Found) -> None:
    if len(found) >= MOST_STRETCHES:
        raise Refused(TOO_MANY)
    found.append(one)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise Refused(NOT_JSON)
    return found.end()


def scan(text: str, root: Branch) -> list[Found]:
    """The places that something is done at. Raises `Refused`."""
    if text.count("[") + text.count("{") > MOST_DEPTH and _depth(text) > MOST_DEPTH:
        raise Refused(TOO_DEEP)
    try:
        return _scan(text, root)
    except RecursionError:
        raise Refused(TOO_DEEP) from None
    except (ValueError, IndexError):  # their messages quote the text
        raise Refused(NOT_JSON) from None


def end_of(text: str, at: int) -> int:
    """Of the value that starts at ``at``, as `scan` found it."""
    try:
        return _decode(text, at)[1]
    except (ValueError, IndexError, RecursionError):
        raise Refused(NOT_JSON) from None


def _scan(text: str, root: Branch) -> list[Found]:
    begun = Scan(text)
    start = _end(BLANK, text, 0)
    if not root.leads_into(text[start]):
        _decode(text, start)
        raise Refused(NO_OBJECT)
    end = begun.value(start, root)
    if _end(BLANK, text, end) != len(text):
        raise Refused(NOT_JSON)
    return begun.found


def _depth(text: str) -> int:
    """The greatest number of brackets open at once, strings left out; of what is no JSON, of any use."""
    depth, deepest, quoted = 0, 0, False
    for token in _NESTING.finditer(text):
        sign = token[0]
        if sign == '"':
            quoted = not quoted
        elif not quoted and len(sign) == 1:
            depth += 1 if sign in "[{" else -1
            deepest = max(deepest, depth)
            if deepest > MOST_DEPTH:
                break
    return deepest
