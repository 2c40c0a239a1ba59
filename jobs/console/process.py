"""A job as a whole process: what ends it is told in a line, never by a trace that may quote a value."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator

from jobs.console import called, outputs, shown
from jobs.console.exit_codes import FAILED, INTERRUPTED
from jobs.console.terminal import is_terminal
from privacy_udfs.errors import LakenymError

DEFECT = (
    "this is a defect of the program. What it says is not shown, since it may hold a value: report this line (lakenym "
    "--debug, or LAKENYM_DEBUG=1, tells the way to it)"
)


def ended(main: Callable[[], int]) -> int:
    """The exit code of a job that was started by its file: ``sys.exit(process.ended(main))``. Its outputs, helps among
    them, may lose their readers, and Ctrl-C before anything began leaves a line."""
    try:
        with outputs.kept():
            return main()
    except outputs.Unwritten:  # it is told already
        return FAILED
    except KeyboardInterrupt:
        print("interrupted by Ctrl-C", file=sys.stderr)
        return INTERRUPTED


def exit_code(step: Callable[[], int]) -> int:
    """The exit code of ``step()``, of a job that needs no Spark; what went wrong is told, without a traceback."""
    try:
        return step()
    except outputs.Unwritten:
        raise
    except LakenymError as error:
        message, code = called.spoken(str(error)), error.exit_code
    except Exception as error:
        if called.wants_debug():
            shown.say("\n".join(frames(error)), sys.stderr)
        message, code = unexpected(error), FAILED
    shown.say_event(message, sys.stderr)
    if called.is_command() and not is_terminal():
        failed = {"event": "failed", "table": "", "exit_code": code, "message": message}
        print(shown.stamped(failed), flush=True)
    return code


def unexpected(error: BaseException) -> str:
    """What is said of an error that nobody raised on purpose: its class and place, not what it holds."""
    return f"unexpected {type(error).__name__} at {_where(error)}: {DEFECT}"


def frames(error: BaseException) -> Iterator[str]:
    """The way to an error and to those behind it: places and classes, no text of theirs."""
    seen: BaseException | None = error
    while seen is not None:
        yield f"{type(seen).__name__}:"
        for frame in traceback.extract_tb(seen.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        seen = seen.__cause__ or seen.__context__


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown place" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
