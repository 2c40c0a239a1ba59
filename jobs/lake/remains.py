"""What still holds values of rows that went from a table, and from which day on a further run takes it away."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from jobs.lake.delta_commit import Kept
from jobs.lake.log_left import LogFile
from jobs.lake.table_files import Stale

Kind = Literal[
    "data_file",  # of an older version of a table, until VACUUM may take it
    "log",  # a commit file of a Delta log, or a compacted one: statistics, partition values
    "checksum",  # `.crc` of a Delta log, which holds statistics of all files
    "checkpoint",  # and the sidecars of one
    "change_file",  # of a change data feed: it holds the rows that were deleted
    "source",  # a file source, or one that was not to be changed
    "unknown",  # a file below the table's folder of which nobody knows what it is
    "unread",  # a value of a row that stays, in which nobody can look: a JSON text, a sealed one
]
OF_FILES: tuple[Kind, ...] = ("data_file", "change_file")
OF_LOG: tuple[Kind, ...] = ("log", "checksum", "checkpoint")
WAITS = "older versions of the table are kept that long (delta.deletedFileRetentionDuration)"
UNREAD = "; they are from before the table's record changed, or cannot be read, so that nobody looked into some of them"
LOGGED = (
    "statistics of files that are gone, and values of partitions, are kept as long as the log is "
    "(delta.logRetentionDuration)"
)
FOR_GOOD = (
    "the table keeps its log for good (delta.enableExpiredLogCleanup is false): let it be cleaned, "
    "or erase with --force"
)


@dataclasses.dataclass(frozen=True)
class Remains:
    """What holds, or may hold, such values. count: of files, or of places where there are none to count. until: the
    first day on which a further run takes it away, UTC; None where no run of this job does. why: and what to do, in
    words without a value. digests: of files, of each its name's (`digest`)."""

    kind: Kind
    count: int
    until: datetime.date | None
    why: str
    digests: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        until = None if self.until is None else self.until.isoformat()
        return {"kind": self.kind, "count": self.count, "until": until, "why": self.why}


def of_files(files: Sequence[Stale], why: str = WAITS) -> Iterator[Remains]:
    """Of files that are no part of the newest version."""
    for kind in OF_FILES:
        some = [each for each in files if each.is_change == (kind == "change_file")]
        if some:
            unread = "" if all(each.is_read for each in some) else UNREAD
            digests = tuple(sorted(digest(each.place) for each in some if each.place))
            yield Remains(kind, len(some), day_after(max(each.due for each in some)), why + unread, digests)


def of_log(files: Sequence[LogFile], since: int, kept: Kept) -> Iterator[Remains]:
    """Of files of a log. since: the time from which on they are of older versions alone, in milliseconds."""
    until = None if kept.log is None else day_after(since + kept.log)
    for kind in OF_LOG:
        count = sum(each.kind == kind for each in files)
        if count:
            yield Remains(kind, count, until, FOR_GOOD if until is None else LOGGED)


def digest(place: str) -> str:
    """By which a file is known again: its name alone, since folders are called after values."""
    return hashlib.sha256(place.rpartition("/")[2].encode()).hexdigest()[:32]


def day_after(moment: int) -> datetime.date:
    """The first whole day after a moment in milliseconds, in UTC."""
    at = datetime.datetime.fromtimestamp(moment / 1000, datetime.timezone.utc)
    return at.date() + datetime.timedelta(days=1)
