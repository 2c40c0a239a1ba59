"""Which rows of a target's source stand in quarantine, as the commits of its runs say it.

Whatever else stands there of the table is of no account: rows of a run that ended before it committed, of rows that a
later run treated anew, or that were treated again since.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jobs.lake.history import History
from jobs.lake.quarantine_table import Ranges


@dataclasses.dataclass(frozen=True)
class Quarantined:
    """id: of the quarantine's table, None where nothing stands there. runs: whose rows stand there, and how many, those
    aside that are taken out. taken_out: rows that the newest commit put to the target, or replaced, which may still
    stand there too. table: what the entry was called by which they were sealed; None where the commit does not say."""

    id: str | None = None
    runs: Mapping[str, int] = dataclasses.field(default_factory=dict)
    taken_out: Ranges = dataclasses.field(default_factory=dict)
    table: str | None = None

    def __bool__(self) -> bool:
        return bool(self.runs or self.taken_out)


def of(history: History) -> Quarantined:
    """What the newest run of ours says."""
    run, _ = history.since_last_run
    return Quarantined() if run is None else from_json(run.run.get("quarantine"))


def from_json(told: Any) -> Quarantined:
    """What `as_json` made; nothing of anything else."""
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return Quarantined()
    return Quarantined(
        told["id"],
        {str(run): int(rows) for run, rows in told.get("runs", {}).items()},
        _ranges(told.get("taken_out", {})),
        told["table"] if isinstance(told.get("table"), str) else None,
    )


def as_json(stands: Quarantined, version: int | None) -> Mapping[str, Any]:
    """What the user metadata of a commit says. version: of the quarantine, where the run put rows there."""
    found: dict[str, Any] = {"id": stands.id, "table": stands.table, "runs": stands.runs}
    if version is not None:
        found["version"] = version
    return {**found, "taken_out": stands.taken_out} if stands.taken_out else found


def _ranges(told: Any) -> Ranges:
    return {str(run): [(int(first), int(last)) for first, last in stretches] for run, stretches in told.items()}
