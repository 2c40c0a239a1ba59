"""Colour with meaning, on a terminal alone: red is what stops, yellow what wants somebody, green what is well.

The one place for it. Lines are coloured once nothing in them can be an escape, by words that stand where a job puts
its own: after the place in a file, or alone in a cell of a table. ``NO_COLOR`` (no-color.org) and ``TERM=dumb`` turn it
off.
"""

from __future__ import annotations

import os
import re
from typing import IO

from jobs.console import called

RED, YELLOW, GREEN, FAINT, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
WORDS = {
    "refused": RED, "fails": RED, "FAILS": RED, "not proven": RED, "error": RED, "stopped": RED,
    "warning": YELLOW, "not checked": YELLOW, "undecided": YELLOW, "weaker": YELLOW,
    "holds": GREEN, "proven": GREEN, "HOLDS": GREEN, "stronger": GREEN,
}  # fmt: skip
"""What a word means, wherever a job says it."""
LEVELS = ("refused", "warning", "error", "stopped")
"""Words that no cell is coloured for: columns of tables are called so."""
_WORD = "|".join(map(re.escape, WORDS))
_CELL = "|".join(re.escape(word) for word in WORDS if word not in LEVELS)
_AT_WORK = re.compile(rf"(?<=: )({_WORD})(?=: )|(?<=  )({_CELL})(?=  |$)|^({_WORD})(?=: )", re.MULTILINE)
_RULE = re.compile(r"^ *-{2,}(  -+)*$", re.MULTILINE)


def on(file: IO[str]) -> bool:
    """Whether text for this file is coloured."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or called.wants_text():
        return False
    return file.isatty()


def meant(text: str, file: IO[str]) -> str:
    """Lines with their words coloured, if the file is a terminal."""
    return _RULE.sub(_faint, _AT_WORK.sub(_word, text)) if on(file) else text


def whole(text: str, colour: str, file: IO[str]) -> str:
    """A text in one colour, line by line, if the file is a terminal."""
    return "\n".join(f"{colour}{line}{PLAIN}" for line in text.split("\n")) if on(file) else text


def _word(found: re.Match[str]) -> str:
    return f"{WORDS[found[0]]}{found[0]}{PLAIN}"


def _faint(found: re.Match[str]) -> str:
    return f"{FAINT}{found[0]}{PLAIN}"
