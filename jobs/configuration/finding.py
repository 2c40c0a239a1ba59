"""One thing that the policy has against the configuration."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

Level = Literal["refuse", "warn"]


@dataclasses.dataclass(frozen=True, order=True)
class Violation:
    """file: relative to the folder of the configuration. line: from 1; 0 if there is none. key: where in the file."""

    file: str
    line: int
    key: str
    level: Level
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        level = {"refuse": "refused", "warn": "warning"}[self.level]
        return ": ".join(filter(None, (where, level, self.key, self.message)))

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)
