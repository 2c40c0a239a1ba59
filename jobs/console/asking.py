"""Questions to a person at a terminal."""

from __future__ import annotations

import sys


def answer(question: str) -> str:
    """What they typed; nothing where they ended the input instead (Ctrl-D)."""
    if not sys.stdout.isatty() and sys.stderr.isatty():  # standard output is a program's
        print(question, end="", file=sys.stderr, flush=True)
        question = ""
    try:
        return input(question)
    except EOFError:
        print(file=sys.stderr)
        return ""
