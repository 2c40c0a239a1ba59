"""Keysets of this process, each loaded once and kept for a time."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from privacy_udfs.keysets.keyset import Keyset


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

    def get(self, name: str, uri: str, kek: str | None, key_id: int) -> Keyset:
        """The keyset at ``uri``, however many threads ask at once loaded by one of them.

        One that does not know ``key_id`` is older than the version, and loaded again.
        """
        with self._lock:
            slot = self._slots.setdefault((uri, kek), _Slot())
        with slot.lock:
            keyset = self._kept(slot, key_id)
            if keyset is None:
                slot.loaded = None
                keyset = self._load(name, uri, kek)
                slot.loaded = (self._clock(), keyset)
            return keyset

    def _kept(self, slot: _Slot, key_id: int) -> Keyset | None:
        if slot.loaded is None or self._clock() - slot.loaded[0] >= self._time_to_live:
            return None
        keyset = slot.loaded[1]
        return keyset if any(entry.id == key_id for entry in keyset.entries) else None

    def clear(self) -> None:
        """Forget every keyset."""
        with self._lock:
            self._slots = {}

    def reset(self) -> None:
        """Start anew, locks included: in a forked child they may be held by threads that are not there."""
        self._lock = threading.Lock()
        self._slots = {}
