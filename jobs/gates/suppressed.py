"""Whether rows that a run keeps out still stand in what its target was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.configuration.finding import Finding
from jobs.gates.known import Inspected
from jobs.gates.target import log_cleanup
from jobs.lake import leftovers
from jobs.lake.leftovers import Leftovers
from jobs.lake.state import TargetState
from jobs.record import record_reader
from jobs.record.record_reader import RecordProblem

MOST_NAMED = 5
FEED = "delta.enableChangeDataFeed"


def still_there(known: Inspected) -> Iterator[Finding]:
    """Treated versions whose small classes were not kept out, or smaller ones only."""
    stated, target = known.entry.suppress, known.target
    versions = [] if stated is None else _laxer(target, stated.k)
    if versions and target.location is not None:
        left = leftovers.of(known.spark, target.location, versions, target.version, target.properties)
        if left:
            yield Finding("warn", None, _told(target, versions, left))


def _laxer(target: TargetState, k: int) -> list[int]:
    """Versions whose record keeps less out. Those that no run of ours made are told, and refused, as raw."""
    raw, record, found = set(target.raw_versions), target.properties, list[int]()
    for commit in target.history.commits:
        record = record if commit.record is None else commit.record
        if commit.version not in raw and (_least(record) or 0) < k:
            found.append(commit.version)
    return found


def _least(record: Mapping[str, str]) -> int | None:
    """The least class of a version; of a record that nobody reads any more no more is known than of one without."""
    try:
        return record_reader.suppress_of(record)
    except RecordProblem:
        return None


def _told(target: TargetState, versions: Sequence[int], left: Leftovers) -> str:
    shown = ", ".join(map(str, versions[:MOST_NAMED])) + (", ..." if len(versions) > MOST_NAMED else "")
    told = f"suppress: {len(versions)} version(s) of {target.name} ({shown}) kept none, or smaller classes, out"
    if not left.files:
        return (
            f"{told}: their data files are gone, but Delta's log still holds the least and greatest values of their "
            f"columns. {log_cleanup(left)}"
        )
    feed = ", and its change data feed as deleted" if str(target.properties.get(FEED)).lower() == "true" else ""
    return (
        f"{told}: time travel shows rows that a run keeps out now{feed}, until VACUUM takes their files "
        "(delta.deletedFileRetentionDuration)"
    )
