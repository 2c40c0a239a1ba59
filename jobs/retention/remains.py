"""What still holds rows that went, and from which day on a further run takes it away."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any, Literal

from jobs.lake.old_versions import CLEANUP, FILES_KEPT, LOG_KEPT, OldVersions

Kind = Literal["data_file", "log", "checksum", "checkpoint", "change_file", "quarantine"]


@dataclasses.dataclass(frozen=True)
class Remains:
    """count: of files. until: the first day on which a further run takes it away, UTC; None where none does. why: and
    what to do, in words without a value."""

    kind: Kind
    count: int
    until: datetime.date | None
    why: str

    def as_data(self) -> dict[str, Any]:
        until = None if self.until is None else self.until.isoformat()
        return {"kind": self.kind, "count": self.count, "until": until, "why": self.why}


def of(old: OldVersions) -> Iterator[Remains]:
    """Of a table as it stands."""
    files = f"of older versions: VACUUM takes them once {FILES_KEPT} is over"
    yield from _some("data_file", old.files.count, old.files_until(old.files.last), files)
    changes = (
        f"of the change data feed, which holds rows that were deleted: VACUUM takes them once {FILES_KEPT} is over"
    )
    yield from _some("change_file", old.changes.count, old.files_until(old.changes.last), changes)
    why = f"least and greatest values, and values of partitions: the log is cleaned up once {LOG_KEPT} is over"
    if old.log_kept is None:
        why = f"least and greatest values, and values of partitions: they stay for good, since {CLEANUP} is false"
    for kind, left in (("log", old.commits), ("checksum", old.checksums), ("checkpoint", old.checkpoints)):
        yield from _some(kind, left.count, old.log_until(left.last), why)  # type: ignore[arg-type]


def _some(kind: Kind, count: int, until: datetime.date | None, why: str) -> Iterator[Remains]:
    if count:
        yield Remains(kind, count, until, why)
