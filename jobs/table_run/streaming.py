"""The stream of one table: batch after batch, each of them a run that adds what the source gained.

A batch is all that a run is: gates, keys, the look at the target, one commit that says where it stopped. Between two
batches a stream knows nothing that it believes: what comes next is told by the target's history alone. So a stream that
was killed, wherever that was, is continued by another one, or by a run with ``mode: incremental``, and the other way
round. What is kept here only saves work, or ends the stream.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Sequence

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.trigger import NOW, Trigger
from jobs.console.exit_codes import BadUsage, Refused
from jobs.gates.known import Allowed, Prepared
from jobs.lake import read
from jobs.lake.batch import Batch
from jobs.lake.position import Position
from jobs.lake.problems import CannotGrow, CommitConflict
from jobs.lake.state import TargetState
from jobs.run_events.events import Event, Report, Warned
from jobs.spark_app import failures
from jobs.table_run import audited, rounds
from jobs.table_run.execution import execute
from jobs.table_run.planned import prepared
from jobs.table_run.result import Result, together

MOST_CONFLICTS = 3
"""In a row; after so many the stream stops."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """How streams are to go. files: of a batch, as `jobs.lake.batch.Batch`; None: all that are new."""

    trigger: Trigger = NOW
    files: int | None = None


def asked(conf: Config, names: Sequence[str], trigger: str | None, files: int | None) -> Asked | None:
    """How the streams among some tables are to go; None where none is one. Raises `NoTrigger`, and `BadUsage` where
    nothing would heed what is asked."""
    if any(conf.tables[name].mode == "stream" for name in names):
        return Asked(NOW if trigger is None else Trigger.parse(trigger), files)
    if trigger is not None or files is not None:
        raise BadUsage("a trigger and files of a batch are for streams: state mode: stream, or --mode stream")
    return None


@dataclasses.dataclass(frozen=True)
class Progress:
    """A stream between two batches. result: of all that were written; None before the first. stopped: where the last
    one did, None if it came to nothing. end: where the stream does, None where it does not. is_done: whether it has.
    looked: at the target, for the last one. conflicts: in a row."""

    result: Result | None = None
    stopped: Position | None = None
    end: Position | None = None
    looked: TargetState | None = None
    is_done: bool = False
    conflicts: int = 0


@dataclasses.dataclass(frozen=True)
class Stream:
    """The stream of a table. report: is told each warning once (`once`)."""

    conf: Config
    table: str
    allowed: Allowed
    asked: Asked
    report: Report

    def prepared(self, spark: SparkSession) -> Prepared:
        """The first batch, up to its first write."""
        return prepared(spark, self.conf, self.table, self.allowed, self.report, Batch(self.asked.files))

    def first(self, spark: SparkSession, run: Prepared) -> Progress:
        """Write the first batch."""
        end = run.source.newest or run.source.position if self.asked.trigger == NOW else None
        return self._written(spark, run, Progress(end=end))

    def further(self, spark: SparkSession, before: Progress) -> Progress:
        """Write the next batch, if the source has anything new."""
        source = self.conf.tables[self.table].source
        if before.end is None and before.stopped is not None and read.is_still_at(spark, source, before.stopped):
            return before
        batch = Batch(self.asked.files, before.end, before.looked)
        allowed = dataclasses.replace(self.allowed, retreat=False)

        def step() -> Prepared:
            return failures.translated(
                self.table, lambda: prepared(spark, self.conf, self.table, allowed, self.report, batch)
            )

        run = audited.refusals_told(spark, self.conf, self.table, self.report, step)
        if run.target.version < 0 and before.result is not None:
            raise CannotGrow(f"{run.target.name} is no longer there: start the stream again to make it anew")
        return self._written(spark, run, before)

    def _written(self, spark: SparkSession, run: Prepared, before: Progress) -> Progress:
        try:
            result = execute(spark, run, self.report)
        except CommitConflict as error:
            if before.conflicts == MOST_CONFLICTS:
                raise
            self.report(Warned(self.table, f"{error}; as the stream does"))
            return dataclasses.replace(before, stopped=None, looked=run.target, conflicts=before.conflicts + 1)
        is_done = before.end is not None and run.source.newest is None
        return Progress(together(before.result, result), run.source.position, before.end, run.target, is_done)

    def to_its_end(self, spark: SparkSession, stopping: threading.Event) -> Result:
        """All of it, from the first batch on. Raises whatever stops it; what batches before committed stays."""
        began = time.monotonic()
        prepare = functools.partial(failures.translated, self.table, lambda: self.prepared(spark))
        run = audited.refusals_told(spark, self.conf, self.table, self.report, prepare)
        progress = failures.translated(self.table, lambda: self.first(spark, run))
        for _ in rounds.after(began, self.asked.trigger, stopping):
            if progress.is_done:
                break
            progress = failures.translated(self.table, functools.partial(self.further, spark, progress))
        if progress.result is None:
            raise Refused(f"{self.table}: the stream was ended before it could commit anything")
        return progress.result


def once(report: Report) -> Report:
    """The same, told each warning once: gates see in every batch what they saw in the first."""
    said: set[Warned] = set()

    def told(event: Event) -> None:
        if not (isinstance(event, Warned) and event in said):
            report(event)
        if isinstance(event, Warned):
            said.add(event)

    return told
