"""Standard output and error of a process whose reader may be gone: what nobody is left to read ends no job.

With ``| head -1`` the reader goes away in the middle of a run. The run goes on to its end and has the exit code that it
would have had: half a run is worse than lines that nobody wanted. What cannot be written for another reason, such as
a full disk, was wanted: then the job fails.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, TextIO

from privacy_udfs.errors import LakenymError


class Unwritten(LakenymError):
    """What was to be told could not be written; what was done is done."""


class Output(io.TextIOBase):
    """A stream of this process, which leads nowhere once nobody reads it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __getattr__(self, name: str) -> Any:  # buffer
        return getattr(self._out, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._out.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._out.errors

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._out.isatty()

    def fileno(self) -> int:
        return self._out.fileno()

    def write(self, text: str) -> int:
        self._tried(lambda: self._out.write(text))
        return len(text)

    def flush(self) -> None:
        self._tried(self._out.flush)

    def _tried(self, step: Callable[[], object]) -> None:
        try:
            step()
        except BrokenPipeError:
            _nowhere(self._out)
        except OSError as error:
            _nowhere(self._out)  # the rest of it, which is written when the process ends, would fail too
            why = f"standard output cannot be written ({error.strerror}): what was done is done, but not all is told"
            if self._out is not sys.__stderr__:
                print(why, file=sys.stderr)
            raise Unwritten(why) from None


def _nowhere(out: IO[str]) -> None:
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), out.fileno())


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """While a job runs: its outputs may lose their readers, or be closed from the start. Raises `Unwritten`, also where
    a help ended the process, of which the end waits in memory by then."""
    _opened()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _kept(before[0]), _kept(before[1])
    try:
        yield
        sys.stdout.flush()
    except SystemExit as ended:
        if not ended.code:  # else something else is told already
            sys.stdout.flush()
        raise
    finally:
        with contextlib.suppress(Unwritten):
            sys.stdout.flush()
        sys.stdout, sys.stderr = before


def _kept(out: Any) -> Any:
    return out if isinstance(out, Output) or out.isatty() else Output(out)


def _opened() -> None:
    """Outputs that whoever started the process has closed (``>&-``) lead nowhere: else the next file that is opened
    would be standard output."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is not None:
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(os.devnull, os.O_WRONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
