"""Whether a person watches, and how wide what they watch is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jobs.console import called


def is_terminal() -> bool:
    """Whether output ends on a terminal, also through ``spark-submit``, which hands it on through a pipe; or whether
    somebody said that a person reads it."""
    asked = called.wants_text()
    return _ends_on_one() if asked is None else asked


def _ends_on_one() -> bool:
    if sys.stdout.isatty():
        return True
    try:
        return "SPARK_ENV_LOADED" in os.environ and Path(f"/proc/{os.getppid()}/fd/1").readlink().is_char_device()
    except OSError:  # no /proc on this system
        return False


def columns() -> int | None:
    """How many characters a line of the terminal holds; None where there is none, and lines may be of any length.
    ``COLUMNS`` says it where a person reads, as for other programs."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isascii() and stated.isdigit() and int(stated) and (called.wants_text() or _ends_on_one()):
        return int(stated)
    if not _ends_on_one():
        return None
    for descriptor in (1, 2, 0):  # a job of spark-submit has a pipe for its output
        try:
            found = os.get_terminal_size(descriptor).columns
        except (OSError, ValueError):
            continue
        if found:
            return found
    return None
