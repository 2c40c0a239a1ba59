"""When two names are one person's, however they are written."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """The form in which names are compared: compatible characters, case, and what cannot be seen make no difference."""
    seen = "".join(each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each) != "Cf")
    return unicodedata.normalize("NFKC", seen.casefold()).strip()


def is_same(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def may_run_as(person: str, user: str) -> bool:
    """Whether a user of a system may be a person: systems know ann@example.org as ann, or as ann@ of a realm."""
    return is_same(person, user) or is_same(person.partition("@")[0], user.partition("@")[0])
