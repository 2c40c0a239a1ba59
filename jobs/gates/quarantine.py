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


def _counts_on(known: Inspected) -> Quarantined:
    """What stands there of runs whose rows the target keeps."""
    if not known.adds or growth.starts_anew(known):
        return Quarantined()
    return quarantined.of(known.target.history)
