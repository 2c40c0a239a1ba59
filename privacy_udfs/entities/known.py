"""Values that are known already, from other columns of the row, where they stand in its text.

No list is kept: each text is searched for the few values of its own row. Capitals, accents, width, kinds of hyphens and
apostrophes, and how many blanks part two words make no difference, since people write a name in all these ways; a find
counts where no letter or digit goes on at either end. Scripts that set no blanks between words need no such end.

Work goes by the length of the text, once for each value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from privacy_udfs.entities.spans import Span

LEAST, LEAST_SYLLABIC, MOST = 3, 2, 200
"""Letters and digits that a value has at least, or letters that are syllables; and characters at most."""
_APOSTROPHES = "'`\u00b4\u02b9\u02bc\u2018\u2019\u201b\u2032\uff07"
_MINUS = "\u2212"
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i"})
"""Letters that Unicode does not take apart, and that people who lack them write without the stroke, or with the dot."""
_SELECTORS = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""What only says how the character before it looks."""
DENSE = (
    r"\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7ff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Korean, Chinese: words that nothing parts, or to which particles are joined."""
_SYLLABIC = rf"{DENSE}\u0904-\u0939\u0980-\u0dff"
"""These, and the scripts of India."""
_IS_DENSE = re.compile(rf"[{DENSE}]")
_ENOUGH = re.compile(rf"(?:[\W_]*[^\W_]){{{LEAST}}}|(?:[^{_SYLLABIC}]*[{_SYLLABIC}]){{{LEAST_SYLLABIC}}}")


def _folded_character(character: str) -> str:
    found = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", _plain(character)).casefold())
    return "".join(map(_plain, found)).translate(_STROKES)


def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if unicodedata.combining(character) or kind == "Cf" or _SELECTORS.match(character):
        return ""
    if character in _APOSTROPHES:
        return "'"
    return "-" if kind == "Pd" or character == _MINUS else " " if character.isspace() else character


class _Folding(dict[int, str]):
    """What a character counts as, for `str.translate`; asked once. uneven: those seen that are not one for one."""

    def __init__(self) -> None:
        super().__init__()
        self.uneven: set[str] = set()

    def __missing__(self, code: int) -> str:
        folded = self[code] = _folded_character(chr(code))
        if len(folded) != 1:
            self.uneven.add(chr(code))
        return folded


_FOLDING = _Folding()
_ASCII = bytes(ord(_folded_character(chr(code))) for code in range(128)) + bytes(128)
_MANY = 20
"""So many characters beyond ASCII are replaced together; few are faster one by one."""


def folded(text: str) -> str:
    """A text as it is compared."""
    if text.isascii():
        said = text.encode().translate(_ASCII).decode()
        return _without_repeated_blanks(said) if "  " in said else said
    others = _beyond_ascii(text)
    if len(others) > _MANY:
        return _without_repeated_blanks(text.translate(_FOLDING))
    for other in others:
        text = text.replace(other, _FOLDING[ord(other)])
    return _without_repeated_blanks(text.casefold().replace("`", "'"))


def _without_repeated_blanks(said: str) -> str:
    return " ".join(said.split())


def _beyond_ascii(text: str) -> set[str]:
    return set(text.encode().translate(None, bytes(range(128))).decode())


def sought(value: str) -> str | None:
    """What is looked for of a value; None where it is too short, or too long, to be."""
    said = folded(value).strip() if len(value) <= MOST else ""
    return said if _ENOUGH.match(said) else None


def find(text: str, values: Mapping[str, str]) -> Iterator[Span]:
    """Where one of ``values`` stands. values: by kind, as `sought` gives them."""
    said = folded(text)
    there = {kind: value for kind, value in values.items() if value in said}
    return _located(text, said, there) if there else iter(())


def rows(texts: Sequence[str | None], columns: Mapping[str, Sequence[str | None]]) -> dict[int, list[Span]]:
    """By row what stands in its text of its own values, which ``columns`` have by kind; only rows with a find."""
    found: dict[int, list[Span]] = {}
    asked = _Sought()
    for row, (text, *values) in enumerate(zip(texts, *columns.values(), strict=True)):
        if text and any(values):
            said = folded(text)
            own = zip(columns, map(asked.__getitem__, values), strict=True)
            there = {kind: value for kind, value in own if value is not None and value in said}
            if there and (spans := list(_located(text, said, there))):
                found[row] = spans
    return found


class _Sought(dict[str | None, str | None]):
    """`sought` of the values of a batch, in which names repeat."""

    def __missing__(self, value: str | None) -> str | None:
        said = self[value] = None if value is None else sought(value)
        return said


def _located(text: str, said: str, values: Mapping[str, str]) -> Iterator[Span]:
    found = [(at, at + len(value), kind) for kind, value in values.items() for at in _occurrences(said, value)]
    even = len(said) in (len(text), len(text.rstrip()))  # less than either: blanks before or within were left out
    if even and (text.isascii() or _FOLDING.uneven.isdisjoint(_beyond_ascii(text))):
        yield from (Span(*each) for each in found)
    elif found:
        begins, ends = _places(text, {place for start, end, _ in found for place in (start, end)})
        for start, end, kind in found:
            if start in begins and end in ends:  # else it is a part of what one character stands for
                yield Span(begins[start], ends[end], kind)


def _occurrences(said: str, value: str) -> Iterator[int]:
    at = said.find(value)
    while at >= 0:
        end = at + len(value)
        before, after = said[at - 1 : at], said[end : end + 1]
        alone = not (_go_together(before, value[0]) or _go_together(after, value[-1]))
        if alone:
            yield at
        at = said.find(value, end if alone else at + 1)


def _go_together(beside: str, edge: str) -> bool:
    """Whether what stands beside the first or last character of a value makes one word with it."""
    if not (_is_word(beside) and _is_word(edge)):
        return False
    return not (_IS_DENSE.match(edge) and _IS_DENSE.match(beside))


def _is_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def _places(text: str, wanted: Collection[int]) -> tuple[dict[int, int], dict[int, int]]:
    """By those places in the folded text that are ``wanted``, however long it is: where the character begins that
    stands there, and where the one before it ends, with what counts as nothing after it."""
    begins, ends, at, blank = dict[int, int](), dict[int, int](), 0, True
    for place, character in enumerate(text):
        said = _FOLDING[ord(character)]
        if blank:
            said = said.lstrip(" ")
        if said:
            if at in wanted:
                begins[at] = place
            at += len(said)
            blank = said.endswith(" ")
        if at in wanted:
            ends[at] = place + 1
    return begins, ends
