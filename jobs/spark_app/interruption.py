"""Ctrl-C while Spark is at work: what ends because of it is told as interrupted, not as what Spark says of it.

Spark's handler cancels all jobs, and then interrupts the main thread alone. Runs in other threads meet an error of a
cancelled job: that Ctrl-C was heard is how they know what became of them.
"""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from privacy_udfs.errors import LakenymError

WORD = "interrupted by Ctrl-C"
OF_A_RUN = f"{WORD}: the target is as it was before, or holds the whole of a commit; run it again"
CANCELLED = "SPARK_JOB_CANCELLED"
_heard = threading.Event()


def is_heard() -> bool:
    """Whether Ctrl-C was pressed since Spark was started."""
    return _heard.is_set()


def watched() -> None:
    """From now on Ctrl-C is remembered; then it does what it did before."""
    _heard.clear()
    if threading.current_thread() is not threading.main_thread():  # no other may be asked
        return
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or isinstance(before, _Remembering):
        return
    signal.signal(signal.SIGINT, _Remembering(before))
    for name in ("", "py4j.clientserver", "py4j.java_gateway"):  # it says so by the root logger, with a traceback
        logging.getLogger(name).addFilter(_is_no_interruption)


def _is_no_interruption(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], KeyboardInterrupt))


class _Remembering:
    """A handler that remembers that it was called."""

    def __init__(self, before: object) -> None:
        self._before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        _heard.set()
        assert callable(self._before)
        self._before(number, frame)


def told(table: str, error: Exception, comes_of_spark: type[LakenymError]) -> str:
    """What a run, or a job, says that ended with this error: what it would have said too, where that is not about its
    cancelled jobs. table: empty for the job, which may have no target. comes_of_spark: our error for one of Spark's."""
    is_own = isinstance(error, LakenymError) and not isinstance(error, comes_of_spark)
    return f"{WORD}; {error}" if is_own and CANCELLED not in str(error) else OF_A_RUN if table else WORD
