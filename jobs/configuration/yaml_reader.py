"""Strict YAML: what a reader sees is what is read, or a fault names the line.

Refused: duplicate keys, anchors, aliases, merge keys, tags, several documents, tabs, keys that are not text, and every
unquoted word or number that YAML versions read differently (``no``, ``0123``, ``1:30``, ``1_000``, ``1e3``, ``.inf``).
Unquoted dates are text. Messages never hold the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import Reader

from jobs.configuration.documents import Document, Fault, Loc
from jobs.console import file_errors

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ODD_CHARACTER = re.compile(f"\t|{Reader.NON_PRINTABLE.pattern}")
DEEPEST = 40

_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}  # type: ignore[dict-item]
_SWITCHES = frozenset({"y", "n", "yes", "no", "on", "off"})
_NUMBER_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,39})")
_FRACTION = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+][0-9]{1,2})?")
# none of these may have two ways to read one text: a scalar may be a million characters long
_SURPRISES = {
    "a number with a leading zero": re.compile(r"[-+]?0[0-9_][0-9_.]*"),
    "a number that is not in decimal notation": re.compile(r"[-+]?0([xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)"),
    "a number to the base 60": re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
    "a number with underscores": re.compile(r"[-+]?\.?[0-9][0-9.]*_[0-9_.]*([eE][-+]?[0-9_]+)?"),
    "a number in an unusual notation": re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"),
    "an infinite number or none": re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)"),
}


class _Surprise(Exception):
    """A scalar that should be quoted; the text says what it looks like."""


def read(path: Path, file: str, faults: list[Fault], secret: tuple[Loc, ...] = ()) -> Document | None:
    """The file at ``path``, called ``file`` in messages; None if it cannot be read. Adds to ``faults``."""
    text = _text(path, file, faults)
    return None if text is None else parse(text, file, faults, secret)


def _text(path: Path, file: str, faults: list[Fault]) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        faults.append(Fault(file, 0, "", f"cannot be read: {file_errors.why(error)}"))
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.append(Fault(file, line, "", "expected UTF-8, got bytes that are not; save the file as UTF-8"))
        return None


def parse(text: str, file: str, faults: list[Fault], secret: tuple[Loc, ...] = ()) -> Document | None:
    """As `read`, of a text."""
    odd = _ODD_CHARACTER.search(text)
    if odd is not None:
        tab = 'a tab: indent with spaces, and write a tab in text as "\\t"'
        message = (
            tab if odd[0] == "\t" else "a control character: in text in double quotes it can be written as an escape"
        )
        faults.append(Fault(file, text.count("\n", 0, odd.start()) + 1, "", message))
        return None
    try:
        return _Reader(text, Document(file, {}, {}, {}, secret), faults).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        began = error.context_mark.line + 1 if error.context_mark else line
        told = f" ({error.context}, which begins on line {began})" if error.context and began != line else ""
        faults.append(Fault(file, line, "", f"not valid YAML: {error.problem}{told}"))
        return None


class _Reader:
    """Builds plain data from the parser's events, in one pass."""

    def __init__(self, text: str, blank: Document, faults: list[Fault]) -> None:
        self.next: Callable[[], Any] = _LOADER(text).get_event
        self.blank = blank  # names places for faults
        self.lines: dict[Loc, int] = {}
        self.faults = faults

    def document(self) -> Document | None:
        self.next()  # the stream's start
        first = self.next()
        if isinstance(first, yaml.StreamEndEvent):
            self._fault(first, (), "the file is empty")
            return None
        root = self.next()
        data = self._node(root, ())
        self.next()  # the document's end
        following = self.next()
        if not isinstance(following, yaml.StreamEndEvent):
            self._fault(following, (), "a second document: one file holds one")
        if not isinstance(data, dict):
            self._fault(root, (), f"expected a mapping, got {'a list' if isinstance(data, list) else 'a single value'}")
            return None
        return Document(self.blank.file, data, data, self.lines, self.blank.secret)

    def _node(self, event: Any, loc: Loc) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._fault(event, loc, "an alias: write out what it stands for")
            return None
        if event.anchor is not None:
            self._fault(event, loc, "an anchor: write out what it stands for wherever it is meant")
        if event.tag is not None:
            self._fault(event, loc, "a tag: types are not chosen in the file; quote the value if it is text")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, loc)
        if len(loc) > DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=event.start_mark)
        return self._mapping(loc) if isinstance(event, yaml.MappingStartEvent) else self._sequence(loc)

    def _scalar(self, event: Any, loc: Loc) -> Any:
        if not event.implicit[0] or event.tag is not None:
            return event.value
        try:
            return _plain(event.value)
        except _Surprise as surprise:
            self._fault(event, loc, f"{surprise}: quote it if it is text, else write it plainly")
            return event.value

    def _sequence(self, loc: Loc) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            here = (*loc, len(items))
            self.lines[here] = event.start_mark.line + 1
            items.append(self._node(event, here))
        return items

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self._key(event, loc)
            here = (*loc, key or "")
            if key is None or key in entries:
                if key is not None:
                    self._fault(event, here, f"given twice, first on line {self.lines[here]}")
                lines, self.lines = self.lines, {}  # what is read now does not count
                self._node(self.next(), here)
                self.lines = lines
                continue
            self.lines[here] = event.start_mark.line + 1
            entries[key] = self._node(self.next(), here)
        return entries

    def _key(self, event: Any, loc: Loc) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._fault(event, loc, "expected a name as key, got something else")
            self._node(event, (*loc, ""))  # deeper, so that keys within keys come to an end too
            return None
        if event.value == "<<" and event.implicit[0]:
            self._fault(event, loc, "a merge key: write out what it stands for")
            return None
        if not isinstance(self._node(event, (*loc, event.value)), str):
            self._fault(event, (*loc, event.value), "a key must be text: quote it")
        return str(event.value)

    def _fault(self, event: Any, loc: Loc, message: str) -> None:
        self.faults.append(Fault(self.blank.file, event.start_mark.line + 1, self.blank.key(loc), message))


def _plain(text: str) -> Any:
    """What an unquoted scalar means: nothing, true or false, a number, or else text. Raises `_Surprise`."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) <= 3 and text.lower() in _SWITCHES:
        raise _Surprise("a word that YAML 1.1 reads as true or false")
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    for looks, pattern in _SURPRISES.items():
        if pattern.fullmatch(text):
            raise _Surprise(looks)
    return text
