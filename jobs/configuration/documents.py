"""A configuration file as data that remembers where it came from, and the faults found in it."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

Loc = tuple[str | int, ...]
"""Where in a file: the keys and list positions that lead there."""

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
"""Names of domains and keys: what can stand in URIs, records and derivation labels without any quoting."""

_PLAIN_KEY = re.compile(r"[\w-]+")
LONGEST_SHOWN = 50
LONGEST_GUESSED = 300
"""Characters of a name for which near ones are looked for; the search takes the square of it."""


@dataclasses.dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong. file: relative to the folder of the configuration. line: from 1; 0 if there is none."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(filter(None, (where, self.key, self.message)))


@dataclasses.dataclass(frozen=True)
class Document:
    """One file.

    data: its content with variables expanded. written: the same as it stands in the file; every message shows this, so
    that nothing from the environment is ever shown. lines: the line of each key and list item. secret: places whose
    values are shown by type only, since someone may have pasted a secret there.
    """

    file: str
    data: dict[str, Any]
    written: dict[str, Any]
    lines: Mapping[Loc, int]
    secret: tuple[Loc, ...] = ()

    def known(self, loc: Loc) -> Loc:
        """The longest part of ``loc`` that the file has."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return loc

    def line(self, loc: Loc) -> int:
        """The line of ``loc``, or of what would hold it."""
        return self.lines.get(self.known(loc), 1)

    def at(self, loc: Loc) -> Any:
        """What is written at ``loc``."""
        value: Any = self.written
        for part in loc:
            value = value[part]
        return value

    def show(self, loc: Loc) -> str:
        """What is written at ``loc``, in a few words; its type only where it may be a secret."""
        return describe(self.at(loc), self._is_secret(loc))

    def show_key(self, loc: Loc) -> str:
        """The last part of ``loc``, likewise."""
        return describe(loc[-1], self._is_secret(loc[:-1]))

    def _is_secret(self, loc: Loc) -> bool:
        return any(loc[: len(place)] == place for place in self.secret)

    def key(self, loc: Loc) -> str:
        """``loc`` as text. A name that is none is not shown where a secret may have been pasted in its place."""
        text = ""
        for depth, part in enumerate(loc):
            hidden = self._is_secret(loc[:depth]) and not re.fullmatch(NAME_PATTERN, str(part))
            text += f"[{part}]" if isinstance(part, int) else f".{'(not shown)' if hidden else quote(part)}"
        return text.removeprefix(".")

    def fault(self, loc: Loc, message: str) -> Fault:
        return Fault(self.file, self.line(loc), self.key(loc), message)


def quote(name: str) -> str:
    """A key as it stands in a key path: in backticks if it could be mistaken for two."""
    return name if _PLAIN_KEY.fullmatch(name) else f"`{name}`"


def describe(value: Any, by_type: bool = False) -> str:
    """A value in a few words: scalars as they are, cut if long; the rest, and everything if ``by_type``, by type."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if by_type:
        by_types = {bool: "true or false", int: "a number", float: "a number"}
        return "blank text" if isinstance(value, str) and not value.strip() else by_types.get(type(value), "text")
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}...")
    return str(value).lower()


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where a known name is near, else nothing."""
    found = nearest(str(name), known)
    return f"; did you mean {found!r}?" if found is not None else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest, None where none is near."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), None) if len(name) <= LONGEST_GUESSED else None


def one_of(names: Iterable[str]) -> str:
    """``'a', 'b' or 'c'``."""
    quoted = [repr(name) for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:]))) or "nothing"


def canonical_json(data: Any) -> str:
    """One text for equal data: keys sorted, no spaces, Unicode as it is."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
