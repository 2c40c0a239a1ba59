"""How a job was called: as ``lakenym keys`` or ``python jobs/keys.py``, for a person or for a program, to be debugged.

Helps and messages name what can be typed. Set once, when a process starts, by ``lakenym`` alone.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import jobs

COMMAND = "lakenym"
VERB_FILE = re.compile(r"(?<![\w./-])(?:(?:python|spark-submit) )?(?:jobs/)?([a-z][a-z_]{0,40})\.py\b")
"""``python jobs/keys.py``, ``jobs/keys.py``, ``keys.py``; no file in another folder."""


@dataclasses.dataclass
class _Call:
    """command: started as ``lakenym VERB``. text: for a person, whatever standard output is; None: see for oneself."""

    command: bool = False
    text: bool | None = None
    debug: bool = False


_call = _Call()


def by_command(text: bool | None = None, debug: bool = False) -> None:
    """This process was started as ``lakenym VERB``."""
    _call.command, _call.text, _call.debug = True, text, debug


def plainly() -> None:
    """This process was started by a job's file, or is somebody's Python: as it is at first."""
    _call.command, _call.text, _call.debug = False, None, False


def is_command() -> bool:
    """Whether it is ``lakenym VERB``."""
    return _call.command


def wants_text() -> bool | None:
    """Whether somebody said that a person reads; None where nobody did."""
    return _call.text


def wants_debug() -> bool:
    """Whether it is to be told where an error came from. ``LAKENYM_DEBUG`` says so too, for jobs by their files."""
    return _call.debug or bool(os.environ.get("LAKENYM_DEBUG"))


def program(job: str) -> str:
    """What a help calls a job; a verb as ``lakenym --help`` lists it."""
    return f"{COMMAND} {job.replace('_', '-')}" if _call.command else job


def spoken(text: str) -> str:
    """Words about jobs as they can be typed here: with ``lakenym``, where that started the process."""
    return VERB_FILE.sub(_as_verb, text) if _call.command else text


def _as_verb(found: re.Match[str]) -> str:
    is_job = (Path(jobs.__path__[0]) / f"{found[1]}.py").is_file()
    return f"{COMMAND} {found[1].replace('_', '-')}" if is_job else found[0]
