"""Whether the target was made for somebody else before: older versions of it would show both what each may see."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Inspected
from jobs.record.record_reader import columns_of, made_for_of
from privacy_udfs.scope_labels import PERSON


def somebody_else(known: Inspected) -> Iterator[Finding]:
    """A target that goes from one recipient, or purpose, to another, or to none, after which it could go to any."""
    before, stated = made_for_of(known.target.properties), known.entry.made_for
    after = None if stated is None else (stated.kind, stated.name)
    if before == after:
        return
    if before is None:
        if _joins_all(known):
            was = f"the target {known.target.name} was made for nobody in particular, and the entry says {stated}"
            shows = "older versions of it, which time travel shows, hold pseudonyms that join with all tables"
            yield Finding("warn", None, f"{was}: {shows}: choose a new target, or drop the old table with its files")
        return
    was = f"the target {known.target.name} was made for {' '.join(before)}"
    says = "the entry says no 'made_for' any more" if stated is None else f"the entry says {stated}"
    shows = "older versions of it, which time travel shows, hold the pseudonyms made for that one, which would join"
    instead = "choose a new target, or drop the old table with its files first"
    yield Finding("refuse", None, f"{was}, and {says}: {shows}: {instead}")


def _joins_all(known: Inspected) -> bool:
    found = (each for record in columns_of(known.target.properties).values() for each in record.each)
    named = (each for each in found if each.key is not None and each.domain is not None and "/" not in each.domain)
    return any(each.scope == PERSON for each in named)  # a column's own label has a '/'
