"""Numbers as people write them: groups of digits with a few marks between, where a number may begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARK = r"[ \t\u00a0\u202f().\-/\u2010-\u2015]"
_RUN = re.compile(rf"\d+(?:{_MARK}{{1,3}}\d+)*")
_GROUP = re.compile(r"\d+")


class Group(NamedTuple):
    """Digits that nothing parts: ``text[start:end]``."""

    start: int
    end: int


def runs(text: str) -> Iterator[list[Group]]:
    """Groups of digits that could be one number, for they stand in a line with marks between them and no letter."""
    for run in _RUN.finditer(text):
        yield [Group(*group.span()) for group in _GROUP.finditer(text, *run.span())]


def stretches(groups: list[Group], least: int, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of all sequences of groups with so many digits together, from each group on the longest first. No
    group is parted, so there are at most ``most`` for each."""
    for first, begins in enumerate(groups):
        count, ends = 0, []
        for group in groups[first : first + most]:
            count += group.end - group.start
            if count > most:
                break
            if count >= least:
                ends.append(group.end)
        yield from ((begins.start, end) for end in reversed(ends))
