"""Where a Delta table of secrets stands, as the configuration says it: a vault, keys of subjects, a list, a bridge."""

from __future__ import annotations

from pydantic import field_validator

from jobs.configuration.entry import Entry
from jobs.configuration.uris import TablePath, without_user


class ClosedTableEntry(Entry):
    """path: of the table. Each kind adds its ``id``, by which another table in that place is noticed."""

    path: TablePath

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
