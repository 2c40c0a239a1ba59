"""When batches are due, and what ends a stream; no Spark."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from jobs.configuration.trigger import NOW, Trigger
from jobs.run_events.events import Event
from jobs.table_run import rounds


class Waits(threading.Event):
    """Notes for how long it is asked to wait, and does not; ends after three times."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        if len(self.asked) > 3:
            self.set()
        return self.is_set()


def test_available_now_does_not_wait() -> None:
    stopping = threading.Event()
    found = rounds.after(0.0, NOW, stopping)
    assert [next(found), next(found)] == [None, None]
    stopping.set()
    assert next(found, "ended") == "ended"


def test_intervals_are_between_beginnings() -> None:
    stopping = Waits()
    assert len(list(rounds.after(time.monotonic() + 50, Trigger(10), stopping))) == 3
    assert [round(each / 10) for each in stopping.asked] == [6, 7, 8, 9]


def test_what_took_longer_than_the_interval_is_followed_at_once() -> None:
    stopping = Waits()
    list(rounds.after(time.monotonic() - 1000, Trigger(600), stopping))
    assert stopping.asked[0] <= 0 < stopping.asked[1]


@pytest.mark.parametrize("number", rounds.SIGNALS)
def test_a_second_signal_does_what_it_did_before(number: signal.Signals) -> None:
    events: list[Event] = []
    seen: list[int] = []
    before = signal.signal(number, lambda given, _: seen.append(given))
    told = threading.Event()

    def report(event: Event) -> None:
        events.append(event)
        told.set()

    try:
        with rounds.ended_by_signals(report) as stopping:
            assert not stopping.is_set()
            signal.raise_signal(number)
            assert stopping.is_set()
            assert not seen
            signal.raise_signal(number)
            assert seen == [number]
        signal.raise_signal(number)
        assert seen == [number, number]
        assert told.wait(60)
        assert len(events) == 1
    finally:
        signal.signal(number, before)


def test_another_thread_has_no_signals() -> None:
    found: list[bool] = []

    def elsewhere() -> None:
        with rounds.ended_by_signals(lambda event: None) as stopping:
            found.append(stopping.is_set())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [False]
