"""Errors on their way to a person: cleaned of values, named by table, turned into exit codes.

Spark's errors quote what they stumble over (a row, a cell, a line), so none of their text is passed on except error
classes and our own messages, which hold no values by construction and carry the run's mark (`privacy_udfs.wording`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.console import called, outputs, process
from jobs.console.exit_codes import INTERRUPTED, Refused
from jobs.console.shown import say
from jobs.console.terminal import is_terminal
from jobs.record.record_reader import RecordProblem
from jobs.run_events import events
from jobs.run_events.events import Failed, Report
from jobs.spark_app import interruption, spark_errors
from privacy_udfs import wording
from privacy_udfs.errors import FAILED, LakenymError

T = TypeVar("T")
LOST = (EOFError, ConnectionError)
"""What Python meets where the process at the other end went away."""
GONE = (
    "the connection to Spark's Java process, or to a service, broke off in the middle of the work (killed, or out of "
    "memory: spark.driver.memory): the target is as it was before, or holds the whole of a commit; run it again"
)


class RunFailed(LakenymError):
    """A run failed; its target is as it was before."""


def translated(table: str, step: Callable[[], T]) -> T:
    """``step()``, with every error of Spark replaced by one that holds no value of the table."""
    try:
        return step()
    except RecordProblem as error:
        raise RecordProblem(f"{table}: {error}" if table else str(error)) from None
    except LakenymError:
        raise
    except (PySparkException, Py4JError) as error:
        raise _translate(table, error) from None


def _translate(table: str, error: Exception) -> LakenymError:
    ours, of_table = wording.told(str(error)), f"{table}: " if table else ""
    if ours is None:
        return RunFailed(f"{of_table}{spark_errors.explained(error)}; nothing was committed")
    named = ours.message if ours.message.startswith(of_table) else f"{of_table}{ours.message}"
    return RunFailed(f"{named} ({ours.kind}); nothing was committed")


def exit_code(report: Report, step: Callable[[], int], table: str = "") -> int:
    """The exit code of ``step()``; what went wrong is reported, without a traceback. Nor is there one where outputs
    lose their readers (`jobs.console.outputs`), or after Ctrl-C, which ends a job, but is raised out of one table of
    it. table: empty for the job."""
    try:
        with outputs.kept():
            return _exit_code(report, step, table)
    except outputs.Unwritten:  # it is told already
        return FAILED


def _exit_code(report: Report, step: Callable[[], int], table: str) -> int:
    try:
        return step()
    except KeyboardInterrupt:
        failed = Failed(table, INTERRUPTED, interruption.WORD, "KeyboardInterrupt")
        if table:  # the tables after it are not to be begun
            raise
    except Exception as error:
        failed = _failed(table, error)
        if table and interruption.is_heard() and threading.current_thread() is threading.main_thread():
            if failed.message != interruption.OF_A_RUN:  # what became of it is told, as of a run in a lane
                _tell(report, failed)
            raise KeyboardInterrupt from None  # whatever swallowed it
    _tell(report, failed)
    return failed.exit_code


def _failed(table: str, error: Exception) -> Failed:
    kind = type(error).__name__
    if called.wants_debug() and not isinstance(error, LakenymError):
        say("\n".join(process.frames(error)), sys.stderr)
    if interruption.is_heard():
        return Failed(table, INTERRUPTED, called.spoken(interruption.told(table, error, RunFailed)), kind)
    if isinstance(error, LakenymError):
        risk = error.risk if isinstance(error, Refused) else None
        return Failed(table, error.exit_code, called.spoken(str(error)), kind, risk)
    if isinstance(error, PySparkException | Py4JError):
        return Failed(table, FAILED, _of_spark(error), kind)
    if isinstance(error, LOST):
        return Failed(table, FAILED, GONE, kind)
    return Failed(table, FAILED, process.unexpected(error), kind)  # not what it held


def _of_spark(error: Exception) -> str:
    """Of an error that no `translated` met; whether anything was committed by then is not known here."""
    ours, told = wording.told(str(error)), spark_errors.explained(error)
    if ours is not None:
        return f"{ours.message} ({ours.kind})"
    return process.unexpected(error) if told.startswith(spark_errors.NO_WORDS) else told


def _tell(report: Report, failed: Failed) -> None:
    """A verb's words for a person stand in standard error: whatever program reads the rest is told too."""
    report(failed)
    if report is events.terminal and called.is_command() and not is_terminal():
        events.json_lines(failed)
