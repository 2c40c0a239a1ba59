"""What policy.yaml says of erasures: which key tells the erased, and where the list stands that keeps them out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from jobs.configuration.entry import PATTERNS, Entry, Name
from jobs.configuration.uris import TablePath, without_user

ID_PATTERN = r"^[0-9a-f]{32}$"
PATTERNS[ID_PATTERN] = "the id that jobs/erase.py --make-list printed: 32 hex digits"


class ErasedListEntry(Entry):
    """path: of the Delta table that ``jobs/erase.py --make-list`` made. id: that it has."""

    path: TablePath
    id: Annotated[str, Field(pattern=ID_PATTERN)]

    @field_validator("path")
    @classmethod
    def _is_one_place(cls, path: str) -> str:
        if any(each in path for each in "*?[]"):
            raise ValueError("expected one place, got a path with one of *?[], which readers take for a pattern")
        return path

    @property
    def place(self) -> str:
        """For messages: the path without what a URI may hold before its host."""
        return without_user(self.path)


class Erasure(Entry):
    """key: of keys.yaml, by which receipts and the list tell whom they are about; it serves nothing else. list: of
    those whose rows later runs leave out; nobody is kept out if left out."""

    key: Name
    list: ErasedListEntry | None = None
