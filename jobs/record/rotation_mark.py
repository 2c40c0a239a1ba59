"""What a table says while it waits to be moved to another version of a key, so that readers know that joins are broken.

A property of its own, in a commit of its own, before the first table of a domain is moved; the very commit that moves
the table takes it away. So a table that has one still holds the old version, and one that has none holds what its
record says. Whoever can write the table can write it: what is not in our form says nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from jobs.configuration.documents import canonical_json
from jobs.lake.record_names import ROTATION
from jobs.record import treatment_record

TIME = "%Y-%m-%dT%H:%M:%SZ"
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Mark:
    """key: its name. before, after: versions, by id. since: when the table was marked, UTC."""

    key: str
    before: tuple[int, ...]
    after: int
    since: str

    @property
    def at(self) -> datetime.datetime:
        """When, in UTC."""
        return datetime.datetime.strptime(self.since, TIME).replace(tzinfo=datetime.timezone.utc)

    def properties(self) -> dict[str, str]:
        told = {"key": self.key, "from": list(self.before), "to": self.after, "since": self.since}
        return {ROTATION: treatment_record.shown(canonical_json(told))}

    def __str__(self) -> str:
        versions = ", ".join(map(str, self.before))
        return f"waits since {self.since} to be moved from version {versions} of key {self.key} to {self.after}"


def of(properties: Mapping[str, str]) -> Mark | None:
    """What a table's properties say; None where they say nothing in our form."""
    try:
        told = json.loads(properties.get(ROTATION, "null"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.keys() != {"key", "from", "to", "since"}:
        return None
    key, before, after, since = told["key"], told["from"], told["to"], told["since"]
    sound = isinstance(key, str) and isinstance(before, list) and all(map(_is_id, before)) and _is_id(after)
    if not sound or not isinstance(since, str) or not STAMP.fullmatch(since) or not _is_time(since):
        return None
    return Mark(key, tuple(before), after, since)


def _is_time(text: str) -> bool:
    try:
        datetime.datetime.strptime(text, TIME)
    except ValueError:
        return False
    return True


def _is_id(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
