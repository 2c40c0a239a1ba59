"""Faults of one kind that many columns of a file have, as one line: a draft that nobody filled in has hundreds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jobs.configuration.documents import Fault
from jobs.configuration.entry import ASK, NOT_BLANK, PATTERNS

MOST_ALONE, NAMED = 3, 3
_KEY = re.compile(r"columns\.(.+)\.(why|class|treatment)", re.DOTALL)
_KINDS = {
    "why": (f"expected {PATTERNS[NOT_BLANK]}", "the 'why' of {count} columns is blank ({named}): say of each why"),
    "class": (ASK, "the class of {count} columns is undecided ({named}): a person must decide, and name each"),
    "treatment": (ASK, "the treatment of {count} columns is undecided ({named}): a person must decide"),
}


def together(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The faults, those of a kind as one where a file has more than three."""
    kinds: dict[tuple[str, str], list[tuple[Fault, str]]] = {}
    for fault in faults:
        found = _KEY.fullmatch(fault.key)
        if found is not None and fault.message.startswith(_KINDS[found[2]][0]):
            kinds.setdefault((fault.file, found[2]), []).append((fault, found[1]))
        else:
            yield fault
    for (_, word), alike in kinds.items():
        if len(alike) <= MOST_ALONE:
            yield from (fault for fault, _ in alike)
        else:
            yield _one(word, sorted(alike))


def _one(word: str, alike: list[tuple[Fault, str]]) -> Fault:
    first, _ = alike[0]
    named = ", ".join(name for _, name in alike[:NAMED]) + f" and {len(alike) - NAMED:,} more"
    return Fault(first.file, first.line, "columns", _KINDS[word][1].format(count=f"{len(alike):,}", named=named))
