"""A receiver that is dead is not asked for every event: a stream would wait for it with each batch, for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from jobs.lineage.transport import NotTaken, Transport

IN_A_ROW = 3
PAUSE = 600.0
"""Seconds for which nothing is sent after so many events in a row that were not taken."""


class Patient:
    """The same way of events. After some that were not taken nothing is sent for a while, which is said once; then each
    further failure begins the next while. Several threads may call it."""

    def __init__(self, send: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._send, self._clock, self._lock = send, clock, threading.Lock()
        self._failures, self._until = 0, 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            if self._clock() < self._until:
                return
        try:
            self._send(event)
        except NotTaken as error:
            raise self._failed(error) from None
        with self._lock:
            self._failures, self._until = 0, 0.0

    def _failed(self, error: NotTaken) -> NotTaken:
        with self._lock:
            self._failures += 1
            if self._failures < IN_A_ROW:
                return error
            self._until = self._clock() + PAUSE
        return NotTaken(f"{error}; {IN_A_ROW} events or more in a row: none is sent for {PAUSE / 60:g} minutes")
