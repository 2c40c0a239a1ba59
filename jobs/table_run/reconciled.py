"""Whether what a change feed says fits the log of its table and the rows of the target: a doubt stops the run.

The feed of a Delta table has been known to leave out deletes, and to be unreadable; and a key that is none would have a
row replaced by another's. It is held against the log version by version, where the log tells how many rows each
made, so that a delete and an insert that it lacks do not cancel out.
"""

from __future__ import annotations

import dataclasses

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from jobs.lake import change, source_errors
from jobs.lake.changed import Feed
from jobs.lake.problems import HEALS, CannotGrow, SourceProblem
from jobs.table_run.changed_keys import KEY, RAW, ChangedKeys

GONE = (
    "FileNotFoundException",
    "FAILED_READ_FILE.FILE_NOT_EXIST",
    "DELTA_FILE_NOT_FOUND",
    "DELTA_FILE_NOT_FOUND_DETAILED",
    "DELTA_MISSING_CHANGE_DATA",
    "DELTA_REMOVE_FILE_CDC_MISSING_EXTENDED_METADATA",
    "UTFDataFormatException",
)
"""Conditions and classes of errors that say that data of the feed is not there, or that Delta cannot hand it to tasks;
a run in full needs none of it."""


@dataclasses.dataclass(frozen=True)
class Moves:
    """How many rows of the target change; one that it had in quarantine until then counts as inserted. stale: how many
    updates are of rows that it no longer has. places: of the files that hold a row which changes."""

    inserted: int
    updated: int
    deleted: int
    stale: int
    places: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        return {"inserted": self.inserted, "updated": self.updated, "deleted": self.deleted, "stale": self.stale}

    def without(self, there: int, new: int) -> Moves:
        """The same where some rows cannot be put. there: how many would have replaced one. new: how many others."""
        return dataclasses.replace(
            self, inserted=self.inserted - new, updated=self.updated - there, deleted=self.deleted + there
        )


def moves(changed: ChangedKeys) -> Moves:
    """Look at the feed, then at the target. Raises `CannotGrow` where they do not fit."""
    _check_feed(changed)
    columns = [total.alias(name) for name, total in _totals(len(changed.names)).items()]
    met = changed.met.agg(*columns).collect()[0]
    _check_keys(changed, met)
    _check_rows(changed, met)
    places = tuple(dict.fromkeys(place for some in met["places"] for place in some))
    return Moves(met["inserted"], met["updated"], met["deleted"], met["stale"], places)


# -- the feed by itself -----------------------------------------------------------------------------------------------


def _check_feed(changed: ChangedKeys) -> None:
    source, seen = changed.prepared.entry.source.describe(), F.col("seen")
    _check_log(source, changed.feed, _told(changed))
    nulls = [F.count_if(F.col("key")[f"{RAW} {at}"].isNull() & seen) for at in range(len(changed.names))]
    doubtful, *without = changed.by_key.agg(F.count_if((F.col("twice") | F.col("torn")) & seen), *nulls).collect()[0]
    for name, count in zip(changed.names, without, strict=True):
        if count:
            raise SourceProblem(f"{source}: {count} of its changed rows have no {name}, which is a column of the key")
    if doubtful:
        raise _not_unique(source, changed.names, doubtful)


def _check_log(source: str, feed: Feed, told: dict[int, int]) -> None:
    """told: by how many rows the feed makes the table grow in each version that it has a row of."""
    missed = f"{source}: its change data feed missed changes"
    for commit in feed.commits:
        if commit.has_rows and commit.version not in told:
            raise CannotGrow(f"{missed}: it has none of version {commit.version}, which changed rows: {HEALS}")
        more = told.get(commit.version, 0)
        if commit.more not in (None, more):
            of = f"in version {commit.version} it makes {more:+} rows, and the table's log has {commit.more:+}"
            raise CannotGrow(f"{missed}: {of}: {HEALS}")
    total = sum(told.values())
    if total != feed.more:
        raise CannotGrow(f"{missed}: it makes {total:+} rows, and the table has {feed.more:+}: {HEALS}")


def _told(changed: ChangedKeys) -> dict[int, int]:
    more = F.sum(F.col("all_after") - F.col("all_before"))
    try:
        return {row[0]: row[1] for row in changed.by_version.groupBy("version").agg(more).collect()}
    except (PySparkException, Py4JError) as error:
        if not source_errors.is_one_of(error, GONE):
            raise
        raise CannotGrow(
            f"{changed.prepared.entry.source.describe()}: its change data feed cannot be read "
            f"[{source_errors.named(error)}]: files of it may be gone (VACUUM), or a deletion vector be too large for "
            f"it: {HEALS}"
        ) from None


def _not_unique(place: str, names: tuple[str, ...], count: int) -> CannotGrow:
    return CannotGrow(
        f"{place}: {count} of the changed keys ({', '.join(names)}) do not tell one row from all others, or changes of "
        f"them are missing in the change data feed: state another 'key', or use --mode full"
    )


# -- the feed and the target ------------------------------------------------------------------------------------------


def _totals(keys: int) -> dict[str, Column]:
    was, stays, born, put, there, known = (F.col(name) for name in ("was", "stays", "born", "put", "there", "known"))
    waits = F.col("waits") > 0
    return {
        "keys": F.count("*"),
        "distinct": F.count_distinct(*(F.col(f"{KEY} {at}") for at in range(keys))),
        "twice": F.count_if(F.col("rows") + F.col("waits") > 1),
        "unexpected": F.count_if(~was & ~F.col("apart") & known),
        "missing": F.count_if(was & ~known),
        "entering": F.count_if(stays & ~there & ((~was & ~born) | (was & born) | waits)),
        "new": F.count_if(put & ~known),
        "gone": F.count_if(~stays & known),
        "inserted": F.count_if(put & ~there),
        "updated": F.count_if(put & there),
        "deleted": F.count_if(~stays & there),
        "stale": F.count_if(stays & ~put),
        "places": F.collect_set("places"),
    }


def _check_keys(changed: ChangedKeys, met: Row) -> None:
    if met["keys"] != met["distinct"]:
        where = changed.prepared.entry.source.describe()
        raise _not_unique(where, changed.names, met["keys"] - met["distinct"])
    if met["twice"] or met["unexpected"]:
        raise _not_unique(changed.prepared.target.name, changed.names, met["twice"] + met["unexpected"])


def _check_rows(changed: ChangedKeys, met: Row) -> None:
    """Rows that others deleted in the target stay gone; where nobody did, all must be there, or in quarantine."""
    prepared = changed.prepared
    name, whole = prepared.target.name, not prepared.target.history.may_lack_rows
    if whole and met["missing"]:
        raise CannotGrow(f"{name} lacks {met['missing']} rows that the source had in the last run: {HEALS}")
    if not whole and met["entering"]:
        raise CannotGrow(
            f"rows were deleted in {name}, and of rows that it lacks {met['entering']} were deleted and inserted again "
            f"in the source, brought under its 'rows' or another key by an update, or updated while they stood in "
            f"quarantine: nobody knows whether one of them is a deleted one: {HEALS}, which brings all rows of the "
            f"source (--accept-deleted-rows)"
        )
    if not prepared.entry.reads_some and not _keeps_somebody_out(changed):
        _check_number(changed, met, whole)


def _keeps_somebody_out(changed: ChangedKeys) -> bool:
    """Whether rows of the source may be of the erased: then the numbers of both tables say nothing of each other."""
    return changed.prepared.kept_out is not None and bool(changed.prepared.kept_out.columns)


def _check_number(changed: ChangedKeys, met: Row, whole: bool) -> None:
    target, aside = changed.prepared.target, len(changed.all_aside)
    there = change.rows_of(changed.prepared.spark, target).count() + aside
    after, held = there + met["new"] - met["gone"], changed.feed.held
    if after > held or (whole and after != held):
        with_these = " with those in quarantine" if aside else ""
        raise CannotGrow(
            f"{target.name} would have {after} rows{with_these}, and its source has {held}: the change data feed "
            f"missed changes: {HEALS}"
        )
