"""The words of a text, where they stand.

A word is a run of letters, digits and their marks; what Unicode shows as nothing may stand within it. In scripts that
set no blanks between words each character is a word of its own, so that a name is found within a run of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from privacy_udfs.entities.known import DENSE
from privacy_udfs.kernels.text import ZERO_WIDTH

PIECE = 1 << 16
"""Characters of a long text that are looked at together."""
LONGEST = 800
"""Characters of a text that several words take up at most, with all that stands between them."""

_NOTHING = re.sub(r"\\x\{([0-9A-F]+)\}", lambda code: f"\\U{int(code[1], 16):08x}", ZERO_WIDTH)
_IS_NOTHING = re.compile(f"[{_NOTHING}]")
_PLANES = (range(0x20000), range(0xE0000, 0xE0200))
"""Where Unicode has marks."""


def _marks() -> str:
    """The inside of a character class: all marks, but for what is shown as nothing."""
    found, ranges = [ord(c) for each in _PLANES for c in map(chr, each) if _is_mark(c)], list[list[int]]()
    for code in found:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" and not _IS_NOTHING.match(character)


_MARK = _marks()
_LETTER = rf"[^\W_{DENSE}{_NOTHING}]"
WORD = re.compile(
    rf"{_LETTER}+(?:(?:[{_NOTHING}]*[{_MARK}]+|[{_NOTHING}]+{_LETTER}){_LETTER}*)*|(?=[^\W_])[{DENSE}][{_MARK}]*"
)
_BETWEEN = re.compile(rf"[^\w{_MARK}{_NOTHING}]|_|(?=[^\W_])[{DENSE}]")
"""A character before which no word goes on."""


def pieces(text: str) -> Iterator[tuple[int, str, int]]:
    """A text in pieces that none cuts a word: where each begins, the piece, and the place in it before which the words
    begin that are its own. After that stand the words that may go on from these."""
    if len(text) <= PIECE:
        yield 0, text, len(text)
        return
    at = 0
    while at < len(text):
        own = _cut(text, at + PIECE)
        yield at, text[at : _cut(text, own + LONGEST)], own - at
        at = own


def _cut(text: str, at: int) -> int:
    found = _BETWEEN.search(text, at) if at < len(text) else None
    return len(text) if found is None else found.start()


def core(text: str) -> tuple[str, list[str]]:
    """From the first word of a text to its last, with single blanks, and the words."""
    spans = [found.span() for found in WORD.finditer(text)]
    if not spans:
        return "", []
    return together(text[spans[0][0] : spans[-1][1]]), [text[start:end] for start, end in spans]


def together(text: str) -> str:
    """A text in which every run of blanks is one; it begins and ends with a word."""
    return " ".join(text.split())
