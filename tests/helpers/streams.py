"""Streams over a lake that grows (`tests.helpers.growing`), and what happens to it between two triggers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.pseudonymize import Result
from jobs.run_events.events import Event
from tests.helpers.growing import run, told


class Clock(threading.Event):
    """What ends a stream, and waits for no time: at each trigger the next thing is done instead, and after the last of
    them the stream ends."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self.steps = list(steps)

    def wait(self, timeout: float | None = None) -> bool:
        if self.steps:
            self.steps.pop(0)()
        else:
            self.set()
        return self.is_set()


def idle() -> None:
    """Nothing happens."""


def streamed(spark: SparkSession, lake: Path, **more: Any) -> Result:
    return run(spark, lake, mode="stream", **more)


def going_on(spark: SparkSession, lake: Path, *steps: Callable[[], object], **more: Any) -> tuple[Result, list[Event]]:
    """A stream with an interval; and what it told."""
    events: list[Event] = []
    given = {"trigger": "1 hour", "stopping": Clock(*steps), "report": events.append, **more}
    return streamed(spark, lake, **given), events


def added(spark: SparkSession, lake: Path) -> list[int]:
    """The rows of each commit of the target."""
    return [each["rows"] for each in told(spark, lake)]
