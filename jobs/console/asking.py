"""Questions to a person at a terminal."""

from __future__ import annotations


def answer(question: str) -> str:
    """What they typed; nothing where they ended the input instead (Ctrl-D)."""
    try:
        return input(question)
    except EOFError:
        print()
        return ""
