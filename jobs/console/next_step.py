"""The command that comes next, in one line, for a person who is on the way from files to treated tables."""

from __future__ import annotations

import shlex
import sys

from jobs.console import called
from jobs.console.shown import say
from jobs.console.terminal import is_terminal


def tell(verb: str, *words: object) -> None:
    """``next: python jobs/check.py --conf conf``, on a terminal only: elsewhere nobody reads it."""
    if is_terminal():
        say(f"next: {command(verb, *words)}", sys.stderr)


def command(verb: str, *words: object) -> str:
    """As it is typed."""
    return called.spoken(shlex.join(["python", f"jobs/{verb}.py", *map(str, words)]))
