"""Runs side by side: lanes, each with a thread, a session and a mark of its own, that take one table after the other.

What a run sets in its session (the commit's user metadata, settings of the writer) is never seen by a run beside it. A
prepared run stays in its lane: it belongs to the lane's session, and what was marked when it was planned is known by
the lane's mark when it fails (`privacy_udfs.wording`). Not a session for each table: a thousand would not fit.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.console.exit_codes import DONE
from jobs.lake.active_session import active
from jobs.spark_app import interruption, session

A = TypeVar("A")
MOST = 8
"""Lanes where nobody says how many: each takes the driver some memory, however many cores a cluster has."""
AGAIN = 0.2
"""Seconds between two calls that end what still runs: a lane may be between two jobs of Spark's."""


@dataclasses.dataclass(frozen=True)
class Lane:
    """context: of Python, which holds the mark."""

    spark: SparkSession
    context: contextvars.Context


def open_for(spark: SparkSession, tables: int, wanted: int | None = None) -> Lanes:
    """Lanes for some tables. wanted: how many; None: as many as Spark has cores, and no more than `MOST`."""
    count = min(spark.sparkContext.defaultParallelism, MOST) if wanted is None else wanted
    return Lanes(spark, [_lane(spark) for _ in range(max(1, min(count, tables)))])


def _lane(spark: SparkSession) -> Lane:
    context = contextvars.copy_context()
    return Lane(context.run(session.for_run, spark), context)


class Lanes:
    """What `open_for` opens."""

    def __init__(self, spark: SparkSession, lanes: Sequence[Lane]) -> None:
        self._spark = spark
        self._lanes = lanes

    @property
    def sessions(self) -> list[SparkSession]:
        """One of each lane."""
        return [lane.spark for lane in self._lanes]

    def each(
        self,
        items: Iterable[A],
        step: Callable[[SparkSession, A], int],
        belongs_to: Callable[[A], SparkSession] | None = None,
    ) -> int:
        """``step`` for each item; the highest of its exit codes. When this one ends by Ctrl-C, all lanes do.

        belongs_to: the session of the lane that must take an item; None: whichever lane is free takes the next.
        """
        waiting = collections.deque(items)
        own = {lane.spark: waiting for lane in self._lanes}
        if belongs_to is not None:
            own = {lane.spark: collections.deque() for lane in self._lanes}
            for item in waiting:
                own[belongs_to(item)].append(item)
        return self._side_by_side(own, step)

    def _side_by_side(
        self, own: dict[SparkSession, collections.deque[A]], step: Callable[[SparkSession, A], int]
    ) -> int:
        with concurrent.futures.ThreadPoolExecutor(len(self._lanes), "lane") as pool:
            running = [pool.submit(lane.context.run, _walk, lane.spark, own[lane.spark], step) for lane in self._lanes]
            try:
                concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_EXCEPTION)
                # else the end of one lane would be seen only after that of lanes before it, which it is to bring about
                ended_first = sorted(running, key=lambda each: not each.done())
                return max(each.result() for each in ended_first)
            except BaseException:  # Ctrl-C: the main thread alone is told
                for items in own.values():
                    items.clear()
                self._end(running)
                raise

    def _end(self, running: Sequence[concurrent.futures.Future[int]]) -> None:
        while concurrent.futures.wait(running, AGAIN).not_done:
            with contextlib.suppress(Py4JError, OSError):  # the JVM gets Ctrl-C too, and may be gone
                self._spark.sparkContext.cancelAllJobs()


def _walk(spark: SparkSession, items: collections.deque[A], step: Callable[[SparkSession, A], int]) -> int:
    """One lane's way through what is left; its session is the thread's active one."""
    code = DONE
    with active(spark):
        while not interruption.is_heard():
            try:
                item = items.popleft()
            except IndexError:
                return code
            code = max(code, step(spark, item))
        return code
