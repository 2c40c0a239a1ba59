"""Where something stands in a text, and which of several that overlap counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """``text[start:end]`` is of ``kind``. Places count code points, as Python's do. is_rest: it is what another span
    leaves of one that overlaps it, and no whole value."""

    start: int
    end: int
    kind: str
    is_rest: bool = False


def chosen(spans: Iterable[Span], order: Sequence[str]) -> list[Span]:
    """Those that count where spans overlap, from left to right: the longest; of equals the leftmost; of those at one
    place the kind that stands first in ``order``. And what these leave of the others: it may be personal as well, such
    as a telephone number that a card number before it took the first digits of."""
    rank = {kind: at for at, kind in enumerate(order)}
    ranked = sorted(spans, key=lambda span: (span.start - span.end, span.start, rank[span.kind]))
    taken = bytearray(max((span.end for span in ranked), default=0))
    found, others = list[Span](), list[Span]()
    for span in ranked:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            found.append(span)
        else:
            others.append(span)
    for span in others:
        for start, end in _free(taken, span.start, span.end):
            taken[start:end] = b"\1" * (end - start)
            found.append(Span(start, end, span.kind, True))
    return sorted(found)


def _free(taken: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of a span that nothing took."""
    while (first := taken.find(0, start, end)) >= 0:
        start = taken.find(1, first, end)
        start = end if start < 0 else start
        yield first, start


_JOINING = ".:/-"


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter, digit or underscore touches the span."""
    return not (_is_word(text[max(0, start - 1) : start]) or _is_word(text[end : end + 1]))


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether it also is no part of a longer number that a mark parts: ``1.5``, ``10:30``, ``7-3``."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return stands_alone(text, start, end) and not (_goes_on(before[::-1]) or _goes_on(after))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _goes_on(outward: str) -> bool:
    """outward: the next characters, the nearest first."""
    return outward[:1] in _JOINING and outward[1:].isdecimal()
