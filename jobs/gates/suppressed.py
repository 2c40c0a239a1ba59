"""Whether rows that a run keeps out, or values that it puts into boxes, still stand in what its target was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jobs.configuration.asked_risk import is_stricter
from jobs.configuration.finding import Finding
from jobs.configuration.risk_bounds import ALWAYS
from jobs.console.numbers import many
from jobs.gates.known import Inspected
from jobs.gates.target import log_cleanup
from jobs.lake import leftovers
from jobs.lake.leftovers import Leftovers
from jobs.lake.state import TargetState
from jobs.record import record_reader
from jobs.record.record_reader import RecordProblem

MOST_NAMED = 5
FEED = "delta.enableChangeDataFeed"
Record = Mapping[str, str]


def still_there(known: Inspected) -> Iterator[Finding]:
    """Treated versions whose small classes were not kept out, or smaller ones only."""
    stated = known.entry.suppress
    if stated is not None:
        k = stated.k
        said = ("suppress", "kept none, or smaller classes, out", "rows that a run keeps out now")
        yield from _told(known, lambda record: (_read(record_reader.suppress_of, record) or 0) < k, *said)


def finer_before(known: Inspected) -> Iterator[Finding]:
    """Treated versions whose quasi-identifiers were not cut into boxes, or into smaller ones."""
    stated = known.entry.mondrian
    if stated is not None:
        bounds = stated.bounds()
        said = ("mondrian", "have no boxes, or smaller ones", "values that a run puts into boxes now")
        yield from _told(known, lambda record: _are_finer(_read(record_reader.mondrian_of, record), bounds), *said)


def _are_finer(boxes: Mapping[str, Any] | None, bounds: Mapping[str, float]) -> bool:
    """Whether there are none, or such as miss one of the bounds."""
    if boxes is None:
        return True
    return any(is_stricter(name, bound, boxes.get(name, ALWAYS[name])) for name, bound in bounds.items())


def _told(known: Inspected, is_laxer: Callable[[Record], bool], name: str, did: str, shows: str) -> Iterator[Finding]:
    target = known.target
    versions = _laxer(target, is_laxer)
    if versions and target.location is not None:
        left = leftovers.of(known.spark, target.location, versions, target.version, target.properties)
        if left:
            shown = ", ".join(map(str, versions[:MOST_NAMED])) + (", ..." if len(versions) > MOST_NAMED else "")
            head = f"{name}: {many(len(versions), 'version')} of {target.name} ({shown}) {did}"
            yield Finding("warn", None, f"{head}: {_left(target, left, shows)}")


def _laxer(target: TargetState, is_laxer: Callable[[Record], bool]) -> list[int]:
    """Versions whose record says less. Those that no run of ours made are told, and refused, as raw."""
    raw, record, found = set(target.raw_versions), target.properties, list[int]()
    for commit in target.history.commits:
        record = record if commit.record is None else commit.record
        if commit.version not in raw and is_laxer(record):
            found.append(commit.version)
    return found


def _read(read: Callable[[Record], Any], record: Record) -> Any:
    """What a version's record says; of one that nobody reads any more no more is known than of none."""
    try:
        return read(record)
    except RecordProblem:
        return None


def _left(target: TargetState, left: Leftovers, shows: str) -> str:
    if not left.files:
        return (
            "their data files are gone, but Delta's log still holds the least and greatest values of their columns. "
            f"{log_cleanup(left)}"
        )
    feed = ", and its change data feed as deleted" if str(target.properties.get(FEED)).lower() == "true" else ""
    return f"time travel shows {shows}{feed}, until VACUUM takes their files (delta.deletedFileRetentionDuration)"
