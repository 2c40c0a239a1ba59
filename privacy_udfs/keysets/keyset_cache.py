"""Keysets of this process, each loaded once and kept for a time."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.technique import Key


@dataclasses.dataclass
class _Slot:
    """One keyset with the time at which it was loaded; its lock lets one thread load while the others wait."""

    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    loaded: tuple[float, Keyset] | None = None


class KeysetCache:
    """load: gets a name, URI and KEK's URI. time_to_live: seconds by ``clock``, which never goes back.

    A failed load is not kept: the next caller tries again.
    """

    def __init__(
        self,
        load: Callable[[str, str, str | None], Keyset],
        time_to_live: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._time_to_live = time_to_live
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, str | None], _Slot] = {}

    def use(self, name: str, uri: str, kek: str | None, of: Callable[[Keyset], Key]) -> Key:
        """``of`` the keyset at ``uri``, however many threads ask at once loaded by one of them.

        Where ``of`` raises `KeyProblem` about one that was kept, what is asked for may be newer: it is loaded again.
        """
        with self._lock:
            slot = self._slots.setdefault((uri, kek), _Slot())
        with slot.lock:
            if slot.loaded is not None and self._clock() - slot.loaded[0] < self._time_to_live:
                with contextlib.suppress(KeyProblem):
                    return of(slot.loaded[1])
            slot.loaded = None
            keyset = self._load(name, uri, kek)
            slot.loaded = (self._clock(), keyset)
        return of(keyset)

    def clear(self) -> None:
        """Forget every keyset."""
        with self._lock:
            self._slots = {}

    def reset(self) -> None:
        """Start anew, locks included: in a forked child they may be held by threads that are not there."""
        self._lock = threading.Lock()
        self._slots = {}
