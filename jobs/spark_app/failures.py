"""Errors on their way to a person: cleaned of values, named by table, turned into exit codes.

Spark's errors quote what they stumble over (a row, a cell, a line), so none of their text is passed on except error
classes and our own messages, which hold no values by construction and carry the run's mark (`privacy_udfs.wording`).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TypeVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.console import called, outputs
from jobs.console.exit_codes import Refused
from jobs.console.shown import say
from jobs.record.record_reader import RecordProblem
from jobs.run_events.events import Failed, Report
from jobs.spark_app import spark_errors
from privacy_udfs import wording
from privacy_udfs.errors import FAILED, LakenymError

T = TypeVar("T")
LOST = (EOFError, ConnectionError)
"""What Python meets where the process at the other end went away."""
GONE = (
    "the connection to Spark's Java process, or to a service, broke off in the middle of the work (killed, or out of "
    "memory: spark.driver.memory): the target is as it was before, or holds the whole of a commit; run it again"
)
DEFECT = (
    "this is a defect of the program. What it says is not shown, since it may hold a value: report this line (lakenym "
    "--debug, or LAKENYM_DEBUG=1, tells the way to it)"
)


class RunFailed(LakenymError):
    """A run failed; its target is as it was before."""


def translated(table: str, step: Callable[[], T]) -> T:
    """``step()``, with every error of Spark replaced by one that holds no value of the table."""
    try:
        return step()
    except RecordProblem as error:
        raise RecordProblem(f"{table}: {error}") from None
    except LakenymError:
        raise
    except (PySparkException, Py4JError) as error:
        raise _translate(table, error) from None


def _translate(table: str, error: Exception) -> LakenymError:
    ours = wording.told(str(error))
    if ours is None:
        return RunFailed(f"{table}: {spark_errors.explained(error)}; nothing was committed")
    named = ours.message if ours.message.startswith(f"{table}: ") else f"{table}: {ours.message}"
    return RunFailed(f"{named} ({ours.kind}); nothing was committed")


def exit_code(report: Report, step: Callable[[], int], table: str = "") -> int:
    """The exit code of ``step()``; what went wrong is reported, without a traceback. Nor is there one where outputs
    lose their readers (`jobs.console.outputs`)."""
    try:
        with outputs.kept():
            return _exit_code(report, step, table)
    except outputs.Unwritten:  # it is told already
        return FAILED


def _exit_code(report: Report, step: Callable[[], int], table: str) -> int:
    risk = None
    try:
        return step()
    except LakenymError as error:
        code, message, kind = error.exit_code, str(error), type(error).__name__
        risk = error.risk if isinstance(error, Refused) else None
    except Exception as error:  # a defect: say what it was, not what it held
        code, kind = FAILED, type(error).__name__
        message = GONE if isinstance(error, LOST) else f"unexpected {kind} at {_where(error)}: {DEFECT}"
        if called.wants_debug():
            say("\n".join(_frames(error)), sys.stderr)
    report(Failed(table, code, called.spoken(message), kind, risk))
    return code


def _frames(error: BaseException) -> Iterator[str]:
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
