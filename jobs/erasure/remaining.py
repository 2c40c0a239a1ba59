"""What still holds those who were taken out of a table, until when, and why: in words, by kind."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from jobs.erasure.outcome import Kind, Remains
from jobs.erasure.stale import Found, Stale
from jobs.lake import table_files
from jobs.lake.delta_commit.take_out import Kept
from jobs.lake.log_left import Left

DAY = 24 * 3600 * 1000
WAITS = "older versions of the table are kept that long (delta.deletedFileRetentionDuration)"
UNREAD = "; they are from before the table's record changed, or cannot be read, so that nobody looked into some of them"
LOGGED = "statistics of files that are gone are kept as long as the log is (delta.logRetentionDuration)"
FOR_GOOD = (
    "the table keeps its log for good (delta.enableExpiredLogCleanup is false): let it be cleaned, or use --force"
)
WHAT = "nobody knows what it is: look at it, and delete it if it is nothing"


def of(found: Found, left: Left, kept: Kept) -> tuple[Remains, ...]:
    return (*_files(found.files), *_log(left, left.since, kept), *_unknown(found, left))


def foreseen(found: Found, left: Left, kept: Kept, rewritten: int, feeds: bool, forced: bool) -> tuple[Remains, ...]:
    """What would be left after an erasure now. rewritten: files that it would write anew. feeds: whether a change feed
    would be told."""
    now = table_files.now()
    if forced:
        at_work = [each for each in found.files if each.free > now]
        return (*_files(at_work, forced=True), *_unknown(found, left))
    waits = [each for each in found.files if each.due > now]
    taken = [Stale("", now, now + kept.files, 0, False, True, True)] * rewritten
    told = [Stale("", now, now + kept.files, 0, True, True, True)] * feeds
    if left.files and not _is_past(left.since, kept, now):
        return (*_files([*waits, *taken, *told]), *_log(left, left.since, kept), *_unknown(found, left))
    return (*_files([*waits, *taken, *told]), *_unknown(found, left))


def _is_past(since: int, kept: Kept, now: int) -> bool:
    return kept.log is not None and since + kept.log <= now


def _files(files: Sequence[Stale], forced: bool = False) -> Iterator[Remains]:
    kinds: tuple[Kind, ...] = ("data_file", "change_file")
    for kind in kinds:
        some = [each for each in files if each.is_change == (kind == "change_file")]
        if some:
            last = max(each.free if forced else each.due for each in some)
            why = "the file is of no commit, and who writes it may be at work yet" if forced else WAITS
            yield Remains(kind, len(some), _day(last), why + ("" if all(each.is_read for each in some) else UNREAD))


def _log(left: Left, since: int, kept: Kept) -> Iterator[Remains]:
    kinds: tuple[Kind, ...] = ("log", "checksum", "checkpoint")
    for kind in kinds:
        count = sum(each.kind == kind for each in left.files)
        if count and kept.log is None:
            yield Remains(kind, count, None, FOR_GOOD)
        elif count:
            yield Remains(kind, count, _day(since + (kept.log or 0)), LOGGED)


def _unknown(found: Found, left: Left) -> Iterator[Remains]:
    number = len(found.unknown) + len(left.unknown)
    if number:
        yield Remains(
            "unknown", number, None, f"files below the table's folder that are no part of a Delta table: {WHAT}"
        )


def _day(moment: int) -> datetime.date:
    """The first whole day after a moment, in UTC."""
    at = datetime.datetime.fromtimestamp(moment / 1000, datetime.timezone.utc)
    return at.date() + datetime.timedelta(days=1)
