"""Paths of columns: ``a.b`` a field of a struct, ``a[]`` an array's elements, ``a{key}`` and ``a{value}`` a map's.
``a{when 2}`` is the column ``a`` in the rows of the second case of its ``when``; records and plans speak of it so.

A name with a dot, bracket, brace, backtick or white space stands in backticks, and a backtick in it is doubled.
Names may hold any characters, and case counts. ``str(path)`` is the normal form: quoted only where needed, and
``ColumnPath.parse(str(path)) == path``.
"""

from __future__ import annotations

import dataclasses
import re

from privacy_udfs.errors import LakenymError

_PLAIN = re.compile(r"[^\s.`\[\]{}]+")
_NAME = re.compile(rf"`(?P<quoted>(?:[^`]|``)*)`|(?P<plain>{_PLAIN.pattern})")
MOST_STEPS = 500
_SUFFIX = re.compile(r"\[\]|\{key\}|\{value\}|\{when (?P<case>[1-9][0-9]{0,3})\}")


class ColumnPathError(LakenymError, ValueError):
    """A text that is no column path; says where and what was expected, without the text itself."""


@dataclasses.dataclass(frozen=True)
class Field:
    """A column, or a field of a struct."""

    name: str

    def __str__(self) -> str:
        return self.name if _PLAIN.fullmatch(self.name) else f"`{self.name.replace('`', '``')}`"


@dataclasses.dataclass(frozen=True)
class Element:
    """The elements of an array."""

    def __str__(self) -> str:
        return "[]"


@dataclasses.dataclass(frozen=True)
class MapKey:
    """The keys of a map."""

    def __str__(self) -> str:
        return "{key}"


@dataclasses.dataclass(frozen=True)
class MapValue:
    """The values of a map."""

    def __str__(self) -> str:
        return "{value}"


@dataclasses.dataclass(frozen=True)
class When:
    """The rows of one case of a column's ``when``, counted from 1."""

    case: int

    def __str__(self) -> str:
        return f"{{when {self.case}}}"


Step = Field | Element | MapKey | MapValue | When
_STEPS: dict[str, Step] = {str(step): step for step in (Element(), MapKey(), MapValue())}


@dataclasses.dataclass(frozen=True)
class ColumnPath:
    """Where in a row a value stands. The path without steps is the row itself."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> ColumnPath:
        """The path that ``text`` writes. Raises `ColumnPathError`."""
        steps: list[Step] = []
        at = 0
        while True:
            name, at = _name(text, at)
            steps.append(name)
            while len(steps) <= MOST_STEPS and (suffix := _SUFFIX.match(text, at)):
                steps.append(When(int(suffix["case"])) if suffix["case"] else _STEPS[suffix[0]])
                at = suffix.end()
            if at == len(text):
                return cls(tuple(steps))
            if len(steps) > MOST_STEPS:
                raise ColumnPathError(f"at character {at + 1}: expected at most {MOST_STEPS} steps")
            if text[at] != ".":
                raise ColumnPathError(f"at character {at + 1}: expected '.', '[]', '{{key}}', '{{value}}' or the end")
            at += 1

    @property
    def root(self) -> str:
        """The name of the column that holds everything under this path."""
        first = self.steps[0] if self.steps else None
        if not isinstance(first, Field):
            raise ColumnPathError("the row itself has no name")
        return first.name

    @property
    def parent(self) -> ColumnPath:
        """The path one step up."""
        if not self.steps:
            raise ColumnPathError("nothing stands above the row itself")
        return ColumnPath(self.steps[:-1])

    @property
    def leaf(self) -> ColumnPath:
        """The column that a case is of; any other path is its own."""
        return self.parent if self.is_case else self

    @property
    def is_case(self) -> bool:
        return bool(self.steps) and isinstance(self.steps[-1], When)

    def child(self, step: Step) -> ColumnPath:
        """The path one step further down."""
        return ColumnPath((*self.steps, step))

    def __str__(self) -> str:
        parts = (f".{step}" if isinstance(step, Field) else str(step) for step in self.steps)
        return "".join(parts).removeprefix(".")


def _name(text: str, at: int) -> tuple[Field, int]:
    found = _NAME.match(text, at)
    if found is None:
        hint = "; the backtick is never closed" if text.startswith("`", at) else ""
        raise ColumnPathError(f"at character {at + 1}: expected a name, in backticks if it is an odd one{hint}")
    quoted = found["quoted"]
    return Field(found["plain"] if quoted is None else quoted.replace("``", "`")), found.end()
