"""Whether rows that were set aside before are still kept account of."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates import growth
from jobs.gates.known import Inspected
from jobs.lake import quarantined
from jobs.lake.quarantined import Quarantined


def same_place(known: Inspected) -> Iterator[Finding]:
    """Rows of earlier runs that stand in another quarantine than the entry names, and would be lost sight of."""
    stands = _counts_on(known)
    if stands and (known.quarantine is None or known.quarantine.id != stands.id):
        yield Finding(
            "refuse",
            None,
            f"rows of earlier runs of {known.target.name} stand in another quarantine than the entry names now: name "
            "that one (on_refused may be stop), or treat all rows anew with --mode full",
        )


def same_name(known: Inspected) -> Iterator[Finding]:
    """Rows of earlier runs that are sealed for another name of the table, under which nobody would look for them."""
    stands = _counts_on(known)
    if stands.runs and stands.table not in (None, known.table):
        yield Finding(
            "refuse",
            None,
            f"rows of earlier runs of {known.target.name} stand in quarantine as those of table {stands.table}: call "
            "the entry so until they are treated (--requeue), or treat all rows anew with --mode full",
        )


def _counts_on(known: Inspected) -> Quarantined:
    """What stands there of runs whose rows the target keeps."""
    if not known.adds or growth.starts_anew(known):
        return Quarantined()
    return quarantined.of(known.target.history)
