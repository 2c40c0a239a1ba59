"""Paths of columns: ``a.b`` a field of a struct, ``a[]`` an array's elements, ``a{key}`` and ``a{value}`` a map's.
``a{when 2}`` is the column ``a`` in the rows of the second case of its ``when``; records and plans speak of it so.
``a:$.b['an odd name'][*]`` is a place in the JSON text that ``a`` holds: ``:$`` its root, then members of objects and
the elements of arrays, as RFC 9535 writes them.

A name with a dot, bracket, brace, backtick, white space or ``:$`` stands in backticks, and a backtick in it is doubled.
Names may hold any characters, and case counts. ``str(path)`` is the normal form: quoted only where needed, and
``ColumnPath.parse(str(path)) == path``.
"""

from __future__ import annotations

import dataclasses
import re

from privacy_udfs.errors import LakenymError
from privacy_udfs.json_text import branches
from privacy_udfs.json_text.branches import JsonPath

_PLAIN = re.compile(r"(?:[^\s.`\[\]{}:]|:(?!\$))+")
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


@dataclasses.dataclass(frozen=True)
class Document:
    """The root of the JSON text that a column holds."""

    def __str__(self) -> str:
        return ":$"


@dataclasses.dataclass(frozen=True)
class Member:
    """The member of an object in a JSON text."""

    name: str

    def __str__(self) -> str:
        return branches.shown(self.name)


@dataclasses.dataclass(frozen=True)
class Items:
    """The elements of an array in a JSON text."""

    def __str__(self) -> str:
        return branches.shown(None)


Step = Field | Element | MapKey | MapValue | When | Document | Member | Items
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
            if text.startswith(str(Document()), at):
                steps += json_steps(text, at)
                at = len(text)
            if at == len(text) and len(steps) <= MOST_STEPS:
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
    def names(self) -> tuple[str, ...]:
        """The names on the way to a column or a field of a struct."""
        return tuple(step.name for step in self.steps if isinstance(step, Field))

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
    def column(self) -> ColumnPath:
        """The column itself, of a place in a JSON text that it holds; any other path is its own."""
        return ColumnPath(self.steps[: self.steps.index(Document())]) if self.is_in_json else self

    @property
    def is_in_json(self) -> bool:
        return Document() in self.steps

    @property
    def is_case(self) -> bool:
        return bool(self.steps) and isinstance(self.steps[-1], When)

    def child(self, step: Step) -> ColumnPath:
        """The path one step further down."""
        return ColumnPath((*self.steps, step))

    def __str__(self) -> str:
        parts = (f".{step}" if isinstance(step, Field) else str(step) for step in self.steps)
        return "".join(parts).removeprefix(".")


def json_path(path: ColumnPath) -> JsonPath:
    """The steps into the JSON text, as they are walked."""
    inner = path.steps[path.steps.index(Document()) + 1 :]
    return tuple(step.name if isinstance(step, Member) else None for step in inner)


_JSON_STEP = re.compile(
    rf"\.(?P<short>{branches.SHORT})|\['(?P<quoted>(?:[^'\\\x00-\x1f]|\\(?:['\\/bfnrt]|u[0-9A-Fa-f]{{4}}))*)'\]|\[\*\]"
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
MOST_JSON_STEPS = 50


def json_steps(text: str, at: int) -> list[Step]:
    """The steps of a place in a JSON text, of which the root begins at ``at``. Raises `ColumnPathError`."""
    steps: list[Step] = [Document()]
    at += len(str(steps[0]))
    while at < len(text):
        found = _JSON_STEP.match(text, at)
        if found is None:
            raise ColumnPathError(f"at character {at + 1}: expected .name, ['an odd name'], [*] or the end")
        if len(steps) > MOST_JSON_STEPS:
            raise ColumnPathError(f"at character {at + 1}: expected at most {MOST_JSON_STEPS} steps into a JSON text")
        short, quoted = found["short"], found["quoted"]
        steps.append(Items() if short is None and quoted is None else Member(short or _unescaped(quoted)))
        at = found.end()
    return steps


def _unescaped(quoted: str) -> str:
    text = _ESCAPE.sub(lambda sign: chr(int(sign[1], 16)) if sign[1] else branches.ESCAPES[sign[2]], quoted)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ColumnPathError("a name with half a surrogate pair, which is no character") from None


def _name(text: str, at: int) -> tuple[Field, int]:
    found = _NAME.match(text, at)
    if found is None:
        hint = "; the backtick is never closed" if text.startswith("`", at) else ""
        raise ColumnPathError(f"at character {at + 1}: expected a name, in backticks if it is an odd one{hint}")
    quoted = found["quoted"]
    return Field(found["plain"] if quoted is None else quoted.replace("``", "`")), found.end()
