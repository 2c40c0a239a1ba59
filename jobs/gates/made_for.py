"""Whether the target was made for somebody else before: older versions of it would show both what each may see."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Inspected
from jobs.record.record_reader import made_for_of


def somebody_else(known: Inspected) -> Iterator[Finding]:
    """A target that goes from one recipient, or purpose, to another."""
    before, stated = made_for_of(known.target.properties), known.entry.made_for
    after = None if stated is None else (stated.kind, stated.name)
    if before is None or before == after:
        return
    was = f"the target {known.target.name} was made for {' '.join(before)}"
    shows = "older versions of it, which time travel shows, hold the pseudonyms made for that one"
    if after is None:
        yield Finding("warn", None, f"{was}, and the entry says no 'made_for' any more: {shows}")
    else:
        instead = "choose a new target, or drop the old table with its files first"
        yield Finding("refuse", None, f"{was}, and the entry says {stated}: {shows}, which would join: {instead}")
