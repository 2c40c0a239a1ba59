"""What monitoring finds: how urgent it is, of which table, what, and what to do."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from jobs.console.shown import shown

Level = Literal["alert", "warn"]
"""``alert``: something is over a bound, and the job ends with 1. ``warn``: someone should look, and there is time."""
What = Literal[
    "psi",
    "new_categories",
    "nulls",
    "distinct",
    "rows",
    "columns",
    "joinable",
    "target",
    "others",
    "stale",
    "refused",
    "quarantine",
    "rotation",
    "retention",
    "review",
    "policy",
    "key_age",
    "run",
    "reversal",
    "break_glass",
    "audit",
    "limit",
]


@dataclasses.dataclass(frozen=True)
class Finding:
    """table: empty where it is the house as a whole. column: empty where it is the table as a whole."""

    level: Level
    table: str
    what: What
    message: str
    to_do: str
    column: str = ""

    def __str__(self) -> str:
        named = ": ".join(filter(None, (self.table, self.column)))
        return shown(f"{self.level}: {f'{named}: ' if named else ''}{self.message}; {self.to_do}")

    def as_data(self) -> dict[str, Any]:
        return {name: value for name, value in dataclasses.asdict(self).items() if value or name == "table"}
