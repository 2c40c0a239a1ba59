"""Tables of text, for a person: as wide as they need be, and on a terminal never wider than that."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from jobs.console import shown
from jobs.console.terminal import columns

GAP = 2
NARROWEST = 8
"""Characters that a column keeps, unless it needs fewer."""
WORD, PART, SHORT_PART = 32, 24, 14
"""Characters of a word, and of a part of it between its marks, for which a column has room where that can be: longer
ones are torn."""
_UNIT = re.compile(r"\\u[0-9a-f]{4}|\\.|.", re.DOTALL)
"""What is not torn apart: an escape, else a character."""
_PART = re.compile(r"[^\s\\_./,:;|@=-]*(?:[_./,:;|@=-]+|$|(?=[\s\\]))|\\u[0-9a-f]{4}|\\.|.", re.DOTALL)
"""What a word is torn into, as long as that is short enough: it and the marks behind it, as in ``direct_`` and
``identifier``."""


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 0, fit: bool = True) -> list[str]:
    """Text columns, as wide as their widest cell; numbers are flush right. What cannot be seen is escaped.

    On a terminal that is not so wide, long cells go on in the next line; where even that is too wide, each row is told
    as lines of its own. indent: how far the caller moves the lines to the right. fit: not for what goes into a file.
    """
    rows = [[shown.shown(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *rows, strict=True)]
    limit = columns() if fit else None
    fitted = widths if limit is None else _fitted(header, rows, widths, limit - indent)
    if fitted is None:
        return list(_one_below_the_other(header, rows, (limit or 0) - indent))
    return [
        *_row(header, fitted),
        *_row(["-" * each for each in fitted], fitted),
        *(line for row in rows for line in _row(row, fitted)),
    ]


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def wrapped(text: str, first: str = "", others: str = "") -> list[str]:
    """A text in lines that a terminal, or a page of 100 characters, has room for."""
    return textwrap.wrap(text, min(columns() or 100, 100), initial_indent=first, subsequent_indent=others) or [first]


def _fitted(
    header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], limit: int
) -> list[int] | None:
    """Widths with which all fit, and no word is torn, or none within a part, if that can be; None where they do not."""
    columns_ = list(zip(header, *rows, strict=True))
    for torn, most in ((str.split, WORD), (_PART.findall, PART), (_PART.findall, SHORT_PART)):
        least = [max(min(_longest(torn, cell), most) for cell in column) for column in columns_]
        fitted = _narrowed(
            widths, [max(each, min(wide, NARROWEST)) for each, wide in zip(least, widths, strict=True)], limit
        )
        if fitted is not None:
            return fitted
    return None


def _longest(torn: Callable[[str], Sequence[str]], cell: str) -> int:
    return max(map(width, torn(cell)), default=0)


def _narrowed(widths: Sequence[int], least: Sequence[int], limit: int) -> list[int] | None:
    """The widths, the widest made narrower until all fit; None where some would be narrower than the least."""
    fitted, gaps = list(widths), GAP * (len(widths) - 1)
    if sum(least) + gaps > limit:
        return None
    for _ in range(max(0, sum(fitted) + gaps - limit)):
        fitted[max((at for at in range(len(fitted)) if fitted[at] > least[at]), key=fitted.__getitem__)] -= 1
    return fitted


def _row(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """One row, in as many lines as its longest cell takes."""
    pieces = [pieces_of(cell, each) for cell, each in zip(cells, widths, strict=True)]
    for at in range(max(map(len, pieces), default=0)):
        line = (
            _padded(cell if len(piece) == 1 else "", piece[at] if at < len(piece) else "", each)
            for cell, piece, each in zip(cells, pieces, widths, strict=True)
        )
        yield (" " * GAP).join(line).rstrip()


def _padded(cell: str, piece: str, wide: int) -> str:
    space = " " * (wide - width(piece))
    return space + piece if cell[:1].isdigit() else piece + space


def pieces_of(text: str, wide: int) -> list[str]:
    """A text in pieces so wide: parted at spaces where there are some, else behind marks, never within an escape."""
    pieces, line = [], ""
    for word in re.findall(r"\S+|\s+", text):
        if width(line + word) <= wide:
            line += word
            continue
        if line.strip():
            pieces.append(line.rstrip())
        line = ""
        if word.isspace():
            continue
        for unit in _units(word, wide):
            if width(line + unit) > wide and line:
                pieces.append(line)
                line = ""
            line += unit
    return [*pieces, line.rstrip()] if line.strip() or not pieces else pieces


def _units(word: str, wide: int) -> Iterator[str]:
    """What a word that has no room is put together from again."""
    for part in _PART.findall(word):
        yield from [part] if width(part) <= wide else _UNIT.findall(part)


def _one_below_the_other(header: Sequence[str], rows: Sequence[Sequence[str]], limit: int) -> Iterator[str]:
    """Each row as lines ``name  cell``, but for empty cells, with a line between rows."""
    names = max(map(width, header), default=0)
    for at, row in enumerate(rows):
        if at:
            yield ""
        for name, cell in zip(header, row, strict=True):
            for number, piece in enumerate(pieces_of(cell, max(limit - names - GAP, NARROWEST)) if cell else ()):
                label = "" if number else name
                yield f"{label}{' ' * (names - width(label) + GAP)}{piece}".rstrip()
