"""Our own words in what Spark says, told apart from all else by a mark that no value can imitate.

An error raised in a Python worker, or by an assertion in a plan, reaches the driver as a part of a long text of
Spark's, which may quote values. Only what stands between this run's marks is ours. The mark is random, drawn on the
driver when the run starts, and travels in the closures and plans that it makes; no value in a table can know it.

Code that runs in a worker takes the mark when it is planned, on the driver, and gives it to `marked`::

    mark = wording.mark()
    def worker(batches):
        with wording.marked_errors(mark):
            ...  # raise any LakenymError

An assertion's text is ``wording.marked(mark, "SourceProblem", "the csv source holds ...")``.
"""

from __future__ import annotations

import contextlib
import contextvars
import re
import secrets
from collections.abc import Iterator
from typing import NamedTuple

from privacy_udfs.errors import LakenymError

_MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark")
_PROCESS = secrets.token_hex(16)


class Told(NamedTuple):
    """What was raised on purpose: the name of the error's class, and its message."""

    kind: str
    message: str


def renew() -> str:
    """A new mark for what is planned and raised from here on in this thread."""
    _MARK.set(secrets.token_hex(16))
    return mark()


def mark() -> str:
    """The mark of the run."""
    return _MARK.get(_PROCESS)


def marked(mark: str, kind: str, message: str) -> str:
    """A message as it travels through Spark."""
    return f"<{mark} {kind}>{message}</{mark}>"


FOLDER = r"=[^/]*/"
"""The value in the name of a partition folder."""


def file_shown(path: str) -> str:
    """The path of a file as messages show it: of folders such as ``name=Ann`` the value is left out."""
    return re.sub(FOLDER, "=.../", path)


@contextlib.contextmanager
def marked_errors(mark: str | None) -> Iterator[None]:
    """Errors raised on purpose leave the block with their message marked; None leaves them as they are."""
    try:
        yield
    except LakenymError as error:
        if mark is not None:
            error.args = (marked(mark, type(error).__name__, str(error)),)
        raise error from None


def told(text: str) -> Told | None:
    """The first message of this run in a text of Spark's; None where it holds none."""
    found = re.search(rf"<{mark()} (\w+)>(.*?)</{mark()}>", text, re.DOTALL)
    return None if found is None else Told(found[1], found[2])
