"""What all pages say in the same way."""

from __future__ import annotations

import dataclasses

Number = int | str
"""A count as it may be shown: itself, or ``< 10``."""


@dataclasses.dataclass(frozen=True)
class Missing:
    """Why there is nothing to show, and the command that would give it; empty where none does."""

    why: str
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Notice:
    """Something that wants somebody. level: ``alert`` or ``warn``."""

    level: str
    what: str
    message: str
