"""Errors on their way to a person: cleaned of values, named by table, turned into exit codes.

Spark's errors quote what they stumble over (a row, a cell, a line), so none of their text is passed on except error
classes and our own messages, which hold no values by construction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.lake.problems import MARK, CommitConflict, SourceProblem
from jobs.shared.checks import Refused
from jobs.shared.cli import BadUsage
from jobs.shared.configuration.config import ConfigError
from jobs.shared.events import Report
from jobs.shared.treatment_plan import PlanError
from privacy_udfs.errors import KeyProblem, LakenymError

DONE, REFUSED, BAD_USAGE, FAILED = 0, 1, 2, 3
OURS = re.compile(r"^privacy_udfs\.errors\.(\w+): ([^\n]*)", re.MULTILINE)  # the end of a traceback, no quoted value
RAISED = re.compile(rf"{MARK}(.*?){MARK}", re.DOTALL)  # our words only: no value can hold the mark
CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")
T = TypeVar("T")


class RunFailed(LakenymError):
    """A run failed; its target is as it was before."""


def translated(table: str, step: Callable[[], T]) -> T:
    """``step()``, with every error of Spark replaced by one that holds no value of the table."""
    try:
        return step()
    except LakenymError:
        raise
    except (PySparkException, Py4JError) as error:
        raise _translate(table, str(error)) from None


def _translate(table: str, text: str) -> LakenymError:
    ours = OURS.search(text)
    if ours:
        said = ours[2] if ours[2].startswith(f"{table}: ") else f"{table}: {ours[2]}"
        return RunFailed(f"{said} ({ours[1]}); nothing was written")
    raised = RAISED.search(text)
    if raised:
        return RunFailed(f"{table}: {raised[1]}; nothing was written")
    found = CONDITION.search(text)
    condition = f"[{found[1]}]" if found else "with an error of no known class"
    return RunFailed(f"{table}: Spark failed {condition}; nothing was written. The cluster's own logs hold the details")


def exit_code(report: Report, step: Callable[[], int], table: str = "") -> int:
    """The exit code of ``step()``; what went wrong is reported, without a traceback."""
    try:
        return step()
    except (ConfigError, BadUsage) as error:
        code, message = BAD_USAGE, str(error)
    except (PlanError, Refused, CommitConflict, KeyProblem, SourceProblem) as error:
        code, message = REFUSED, str(error)
    except LakenymError as error:
        code, message = FAILED, str(error)
    except Exception as error:  # a defect: say what it was, not what it held
        code, message = FAILED, f"unexpected {type(error).__name__} at {_where(error)}"
    report("failed", table=table, exit_code=code, message=message)
    return code


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown place" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
