"""Elements of HTML and SVG. All text goes through one door, `escaped`: names, reasons and files may hold anything."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable

from jobs.console import shown


@dataclasses.dataclass(frozen=True)
class Markup:
    """Text that is HTML already. Only `element` and `joined` make it, and whoever writes markup down as it stands."""

    text: str


Content = Markup | str | int | float | None | Iterable["Content"]
"""What stands in an element; all but `Markup` is text. None and the empty text: nothing."""
VOID = frozenset({"br", "hr", "link", "meta"})


def escaped(text: str) -> str:
    """Text that no reader of HTML takes for anything else, in an element and in a quoted attribute alike; what cannot
    be seen, or turns the direction of writing, is spelt out. Line breaks stay."""
    return html.escape(shown.lines(text), quote=True)


def element(tag: str, *content: Content, **attributes: str | int | float | None) -> Markup:
    """attributes: ``_`` for ``-``, and after a word of Python's (``class_``) for nothing; None: left out."""
    told = "".join(f' {_name(name)}="{escaped(str(value))}"' for name, value in attributes.items() if value is not None)
    if tag in VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{joined(*content).text}</{tag}>")


def joined(*content: Content) -> Markup:
    """One after the other."""
    return Markup("".join(map(_text, content)))


def _text(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content.text
    if isinstance(content, (str, int, float)):
        return escaped(str(content))
    return "".join(map(_text, content))


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def one_line(text: str) -> str:
    """Free text on one line: breaks and runs of blanks are one blank."""
    return " ".join(text.split())


def code(text: str) -> Markup:
    """A name: kept apart from the text around it, whatever its direction of writing."""
    return element("bdi", element("code", text))


def between(parts: Iterable[Content], mark: str = ", ") -> list[Content]:
    """The parts with a mark between each two."""
    found: list[Content] = []
    for part in parts:
        found += [mark, part] if found else [part]
    return found
