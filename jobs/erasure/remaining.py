"""What still holds those who were taken out of a table, until when, and why: in words, by kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from jobs.erasure.stale import Found
from jobs.lake import log_left, table_files
from jobs.lake.delta_commit import Kept
from jobs.lake.log_left import Left
from jobs.lake.remains import FOR_GOOD, Remains, day_after, of_files, of_log
from jobs.lake.table_files import Stale

AT_WORK = "the file is of no commit, and who writes it may be at work yet"
WHAT = "nobody knows what it is: look at it, and delete it if it is nothing"
FOLDERS = (
    "the table was partitioned otherwise: its checkpoints name the folders of files that were taken out, after values, "
    "for delta.deletedFileRetentionDuration, and these are kept for delta.logRetentionDuration; with --force they go "
    "after the first of the two"
)
CLOSED = (
    "rows that stay hold texts in which nobody can tell, or take out, who is named, in {}: no JSON, an object or array "
    "where an id is asked for, a member that is there twice, or one of them in a value of another shape than its paths "
    "lead into. Put them right or delete these rows, and run it again"
)


def unread(number: int, why: str) -> Iterator[Remains]:
    if number:
        yield Remains("unread", number, None, why)


def of(found: Found, left: Left, kept: Kept) -> tuple[Remains, ...]:
    told = (*of_files(found.files), *of_log(left.files, left.since, kept))
    return (*told, *_folders(found, kept), *_unknown(found, left))


def foreseen(found: Found, left: Left, kept: Kept, rewritten: int, feeds: bool, forced: bool) -> tuple[Remains, ...]:
    """What would be left after an erasure now. rewritten: files that it would write anew. feeds: whether a change feed
    would be told."""
    now = table_files.now()
    if forced:
        at_work = [dataclasses.replace(each, due=each.free) for each in found.files if each.free > now]
        return (*of_files(at_work, AT_WORK), *_folders(found, kept), *_unknown(found, left))
    waits = [each for each in found.files if each.due > now]
    taken = [Stale("", now, now + kept.files, is_change=False)] * rewritten
    told = [Stale("", now, now + kept.files, is_change=True)] * feeds
    log = () if log_left.is_due(left.since, kept) else left.files
    of_old = (*of_files([*waits, *taken, *told]), *of_log(log, left.since, kept))
    return (*of_old, *_folders(found, kept), *_unknown(found, left))


def _folders(found: Found, kept: Kept) -> Iterator[Remains]:
    """Told by the day for the log too: what is made anew of it until then says these names again."""
    if found.folders:
        until = None if kept.log is None else day_after(found.folders + kept.files + kept.log)
        yield Remains("checkpoint", 1, until, FOR_GOOD if until is None else FOLDERS)


def _unknown(found: Found, left: Left) -> Iterator[Remains]:
    number = len(found.unknown) + len(left.unknown)
    if number:
        yield Remains(
            "unknown", number, None, f"files below the table's folder that are no part of a Delta table: {WHAT}"
        )
