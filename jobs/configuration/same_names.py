"""Which names Spark and Delta take for one. To be equal in lower case is one of two ways that Java compares.

Resolving compares character by character, each in upper and then in lower case, where a character stays one: capital I
with a dot and small i without one are both ``i``, the Kelvin sign is ``k``, and sharp s is not ``SS``. Maps of names
hold them in lower case as a whole, where capital I with a dot becomes ``i`` and a dot above.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def forms(name: str) -> tuple[str, ...]:
    """What it is looked up by: two names that share a form are one. The first is as ``equalsIgnoreCase`` compares."""
    return "".join(_lower(_upper(character)) for character in name), name.lower()


def pairs(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names that are taken for one that stands before them: the earlier one, the later one."""
    seen: dict[tuple[int, str], str] = {}
    for name in names:
        found = [seen.setdefault((kind, form), name) for kind, form in enumerate(forms(name))]
        earlier = next((other for other in found if other is not name), None)
        if earlier is not None:
            yield earlier, name


def _upper(character: str) -> str:
    """As Java's ``Character.toUpperCase``, which gives one character: the title case of one that has no such."""
    return next((form for form in (character.upper(), character.title()) if len(form) == 1), character)


def _lower(character: str) -> str:
    return character.lower()[:1]  # one character alone has more, and ``i`` comes first
