"""The source of a run."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Readable
from jobs.lake import consent


def consented(known: Readable) -> Iterator[Finding]:
    """A source that must not be read unless a person said yes."""
    return (Finding("refuse", None, reason) for reason in consent.refusals(known.entry, known.source))
