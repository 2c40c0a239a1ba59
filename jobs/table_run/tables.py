"""The tables of one command, side by side: all are planned and checked before the first is written."""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import DONE
from jobs.gates.known import Allowed, Prepared
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures
from jobs.spark_app.lanes import Lanes
from jobs.table_run import audited, rounds
from jobs.table_run.execution import execute
from jobs.table_run.planned import prepared
from jobs.table_run.streaming import Asked, Progress, Stream

T = TypeVar("T")
OVER = object()
"""No further round is due."""


@dataclasses.dataclass(frozen=True)
class Tables:
    """What they are run by. asked, stopping: of those that are streams. progress: of those, once they have begun."""

    conf: Config
    allowed: Allowed
    report: Report
    lanes: Lanes
    asked: Asked = dataclasses.field(default_factory=Asked)
    stopping: threading.Event = dataclasses.field(default_factory=threading.Event)
    ready: list[Prepared] = dataclasses.field(default_factory=list)
    progress: dict[str, Progress] = dataclasses.field(default_factory=dict)

    def run(self, names: list[str], is_dry: bool) -> int:
        """The exit code. Streams go on together, a batch of each in a round, and end together when one must."""
        code = self.lanes.each(names, self._told(functools.partial(self._prepare, is_dry), str))
        if code or is_dry:
            return code
        began = time.monotonic()
        code = self.lanes.each(self.ready, self._told(self._execute, lambda one: one.table), lambda one: one.spark)
        due = rounds.after(began, self.asked.trigger, self.stopping)
        while not code and self._going() and next(due, OVER) is not OVER:
            code = self.lanes.each(self._going(), self._told(self._go_on, str))
        return code

    def _going(self) -> list[str]:
        return [name for name, progress in self.progress.items() if not progress.is_done]

    def _prepare(self, is_dry: bool, spark: SparkSession, name: str) -> int:
        stream = self._stream(name)

        def step() -> Prepared:
            if stream is not None:
                return stream.prepared(spark)
            return prepared(spark, self.conf, name, self.allowed, self.report)

        whole = functools.partial(failures.translated, name, step)
        one = whole() if is_dry else audited.refusals_told(spark, self.conf, name, self.report, whole)
        self.ready.append(one)
        self.report(events.Checked(name, len(one.plan.leaves)))
        if is_dry and one.unchanged and one.made_from is not None:
            self.report(events.Unchanged(name, one.target.version))
        return DONE

    def _execute(self, spark: SparkSession, one: Prepared) -> int:
        stream = self._stream(one.table)
        if stream is None:
            failures.translated(one.table, lambda: execute(spark, one, self.report))
        elif not self.stopping.is_set():
            self.progress[one.table] = failures.translated(one.table, lambda: stream.first(spark, one))
        return DONE

    def _go_on(self, spark: SparkSession, name: str) -> int:
        stream, before = self._stream(name), self.progress[name]
        if stream is not None and not self.stopping.is_set():
            self.progress[name] = failures.translated(name, lambda: stream.further(spark, before))
        return DONE

    def _stream(self, name: str) -> Stream | None:
        if self.conf.tables[name].mode != "stream":
            return None
        return Stream(self.conf, name, self.allowed, self.asked, self.report)

    def _told(
        self, step: Callable[[SparkSession, T], int], table: Callable[[T], str]
    ) -> Callable[[SparkSession, T], int]:
        return lambda spark, each: failures.exit_code(self.report, lambda: step(spark, each), table(each))
