"""When the batches of streams are due, and what ends them: a word from outside, between two batches."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration.trigger import Trigger
from jobs.run_events.events import Report, Warned

SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOPS = "ends after the batches at work; a second signal ends them too"


def after(began: float, trigger: Trigger, stopping: threading.Event) -> Iterator[None]:
    """Each time that the next batches are due, until ``stopping`` is set. began: when the first ones did, by the
    monotonic clock. Batches that take longer than the interval are followed by the next ones at once."""
    while not stopping.is_set():
        if trigger.seconds is not None:
            began = max(began + trigger.seconds, time.monotonic())
            if stopping.wait(began - time.monotonic()):
                return
        yield


@contextlib.contextmanager
def ended_by_signals(report: Report) -> Iterator[threading.Event]:
    """What SIGTERM and Ctrl-C set for the while; a second one, of either, does what it did before."""
    stopping = threading.Event()
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) or signal.SIG_DFL for number in SIGNALS}
    is_main = threading.current_thread() is threading.main_thread()  # no other may be asked

    def stop(number: int, _: Any) -> None:
        stopping.set()
        _put_back(before)
        # by a thread of its own: the one that is interrupted may be telling something, and hold the lock for that
        threading.Thread(target=report, args=(Warned("", STOPS),), daemon=True).start()

    if is_main:
        for number in SIGNALS:
            signal.signal(number, stop)
    try:
        yield stopping
    finally:
        if is_main:
            _put_back(before)


def _put_back(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
