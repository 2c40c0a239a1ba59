"""What a check finds: in a file of the configuration, or of a table as a whole. Whoever asks, it is told the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

Level = Literal["refuse", "warn"]
"""``refuse``: the table must not be treated. ``warn``: it may, and someone should act."""


@dataclasses.dataclass(frozen=True, order=True)
class Place:
    """file: relative to the folder of the configuration. line: from 1; 0 if there is none. key: where in the file."""

    file: str
    line: int = 0
    key: str = ""

    def says(self, level: Level, message: str) -> Finding:
        """A finding here."""
        return Finding(level, self, message)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that stands against treating a table. place: None where it is the table as a whole."""

    level: Level
    place: Place | None
    message: str

    def __str__(self) -> str:
        if self.place is None:
            return self.message
        where = f"{self.place.file}:{self.place.line}" if self.place.line else self.place.file
        level = {"refuse": "refused", "warn": "warning"}[self.level]
        return ": ".join(filter(None, (where, level, self.place.key, self.message)))

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        place = {} if self.place is None else dataclasses.asdict(self.place)
        return {**place, "level": self.level, "message": self.message}


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Each once, by file and line; those of a table as a whole come first."""
    return sorted(set(found), key=lambda each: (each.place or Place(""), each.level, each.message))


def refused(found: Iterable[Finding]) -> list[Finding]:
    """Those that refuse."""
    return [each for each in found if each.level == "refuse"]
