"""What a verification found: checks that hold, fail or could not be made; no value in any of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from jobs.console.shown import shown
from jobs.console.text_table import table_lines
from jobs.verification.survivors import Scanned

Outcome = Literal["holds", "fails", "not checked", "not checkable"]
NOT_CHECKABLE: Literal["not checkable"] = "not checkable"
"""Whatever is given: the source is there no more as the run read it. What was not checked, could be."""
MOST = 20
FORMAT = 1
"""Of the JSON: another one where a field that is there is no longer, or means something else."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One check. said: in a line what was looked at, or why it was not. faults: each thing that is wrong."""

    name: str
    outcome: Outcome
    said: str = ""
    faults: tuple[str, ...] = ()


def judged(name: str, faults: list[str], said: str = "") -> Check:
    """A check that was made."""
    return Check(name, "fails" if faults else "holds", said, tuple(faults))


@dataclasses.dataclass(frozen=True)
class Verified:
    """One table. version: that was looked at. source_version: that the newest run read. config_sha256: of the
    configuration that its record names. sample: about how many rows were to be treated anew. stays: whether a run would
    write nothing, as the source is as it was."""

    table: str
    version: int
    checks: tuple[Check, ...]
    scanned: Scanned | None = None
    source_version: int | None = None
    config_sha256: str = ""
    sample: int | None = None
    stays: bool = False

    @property
    def fails(self) -> bool:
        """Whether a check fails. One that could not be made does not count: what it says is for a person to judge."""
        return any(check.outcome == "fails" for check in self.checks)

    @property
    def unmade(self) -> int:
        """How many checks were not made."""
        return sum(check.outcome in ("not checked", NOT_CHECKABLE) for check in self.checks)

    @property
    def headline(self) -> str:
        """In words."""
        if self.fails:
            return "FAILS"
        return (
            f"holds; {self.unmade} of {len(self.checks)} checks were not made" if self.unmade else "holds what it says"
        )


def excused(found: Scanned) -> Iterator[str]:
    """Of values that are words of ours how many there are, and where: a leak of one would look the same."""
    for each in found.excused:
        where = f"{each.kind}{f' {shown(each.path)}' if each.path else ''}"
        yield f"{each.words} words of ours that {shown(each.column)} has too were excused in {where}"


def lines(found: Verified) -> Iterator[str]:
    """For a person."""
    yield f"{found.table}, version {found.version}: {found.headline}"
    if found.stays:
        yield f"nothing would be written by a run: the source is as it was at version {found.version}"
    rows = [(check.name, check.outcome, check.said) for check in found.checks]
    yield from table_lines(("check", "outcome", "said"), rows)
    for check in found.checks:
        if check.faults:
            yield ""
            yield f"{check.name}:"
            yield from (f"  {fault}" for fault in check.faults[:MOST])
            if len(check.faults) > MOST:
                yield f"  and {len(check.faults) - MOST} more"
    if found.scanned is not None and found.scanned.survivors:
        yield ""
        header = ("found in", "column", "spelt", "extent", "of the source's", "rows or lines")
        cells = [
            (each.place, each.path, each.spelling, each.extent, each.column, str(each.found))
            for each in found.scanned.survivors
        ]
        yield from table_lines(header, cells)


def as_data(found: Verified) -> Mapping[str, Any]:
    """As plain data."""
    scanned = found.scanned
    told = None if scanned is None else {
        "looked_for": list(scanned.looked_for),
        "left_out": dict(scanned.left_out),
        "values": scanned.values,
        "files": scanned.files,
        "not_looked_through": scanned.missing,
        "by_chance": [dataclasses.asdict(each) for each in scanned.by_chance],
        "excused": [dataclasses.asdict(each) for each in scanned.excused],
        "survivors": [dataclasses.asdict(each) for each in scanned.survivors],
    }  # fmt: skip
    return {
        "format": FORMAT,
        "table": found.table,
        "version": found.version,
        "source_version": found.source_version,
        "config_sha256": found.config_sha256,
        "sample": found.sample,
        "unchanged": found.stays,
        "holds": not found.fails,
        "not_made": found.unmade,
        "of": len(found.checks),
        "said": found.headline,
        "checks": [{**dataclasses.asdict(check), "faults": list(check.faults)} for check in found.checks],
        "survivor_scan": told,
    }
