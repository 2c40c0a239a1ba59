"""What is wrong with a log, or what one should know of it."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Finding:
    """level: ``wrong`` where something was changed, ``unchecked`` where nobody can tell, as a table is out of reach or
    no longer says what it was, ``note`` where a person may want to look. where: the part."""

    level: Literal["wrong", "unchecked", "note"]
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def wrong(where: str, message: str) -> Finding:
    return Finding("wrong", where, message)


def unchecked(where: str, message: str) -> Finding:
    return Finding("unchecked", where, message)


def note(where: str, message: str) -> Finding:
    return Finding("note", where, message)
