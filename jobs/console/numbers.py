"""Numbers of things, in words."""

from __future__ import annotations


def many(number: int, one: str, more: str = "") -> str:
    """``1 fault``, ``1,200 faults``. more: the word for several, where it is not made with an s."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
