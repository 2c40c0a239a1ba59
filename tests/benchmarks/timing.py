"""Fair times on a machine that others use too: cases take turns, and what counts is the median over the turns of the
ratio within a turn. What disturbs a turn disturbs all its cases about alike, so a ratio is steadier than a time."""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import psutil

from tests.helpers import processes

Run = Callable[[], object]


@dataclasses.dataclass(frozen=True)
class Times:
    """One case's times in seconds, one for each turn."""

    turns: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.turns)

    def ratio(self, base: Times) -> float:
        """The median over the turns of this case's time divided by that of ``base``."""
        return statistics.median(mine / its for mine, its in zip(self.turns, base.turns, strict=True))

    def spread(self, base: Times) -> tuple[float, float]:
        """The least and the greatest of these ratios."""
        ratios = [mine / its for mine, its in zip(self.turns, base.turns, strict=True)]
        return min(ratios), max(ratios)


def interleaved(cases: Mapping[str, Run], turns: int) -> dict[str, Times]:
    """Processor seconds of each case, all threads together, in each of ``turns`` turns after one to warm up."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(turns + 1):
        for name in in_turn(cases, turn):
            start = time.process_time()
            cases[name]()
            found[name].append(time.process_time() - start)
    return {name: Times(tuple(times[1:])) for name, times in found.items()}


def in_turn(names: Iterable[str], turn: int) -> list[str]:
    """The order of the cases in a turn: every other one goes backwards, so that no case always follows the same one."""
    return list(names) if turn % 2 else list(names)[::-1]


@dataclasses.dataclass(frozen=True)
class Spent:
    """What one run took: seconds by the clock, and processor seconds of the JVM and of all Python processes."""

    clock: float
    jvm: float
    python: float

    @property
    def processor(self) -> float:
        return self.jvm + self.python


class ProcessorClock:
    """Processor seconds of this process and all below it. Looked at often, since a process that ends takes its
    figure with it."""

    def __init__(self, period: float = 0.1) -> None:
        self._seen: dict[tuple[int, float], tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._period = period
        threading.Thread(target=self._watch, daemon=True).start()

    def measure(self, run: Run) -> Spent:
        jvm, python = self.now()
        start = time.perf_counter()
        run()
        clock = time.perf_counter() - start
        jvm_after, python_after = self.now()
        return Spent(clock, jvm_after - jvm, python_after - python)

    def now(self) -> tuple[float, float]:
        """Seconds so far: of the JVM, of Python."""
        with self._lock:
            self._look()
            jvm = sum(seconds for name, seconds in self._seen.values() if name == "java")
            return jvm, sum(seconds for _, seconds in self._seen.values()) - jvm

    def _watch(self) -> None:
        while True:
            time.sleep(self._period)
            with self._lock:
                self._look()

    def _look(self) -> None:
        me = psutil.Process()
        for process in (me, *processes.below(me)):
            try:
                times = process.cpu_times()
                self._seen[process.pid, process.create_time()] = (process.name(), times.user + times.system)
            except psutil.Error:  # it ended meanwhile
                continue
