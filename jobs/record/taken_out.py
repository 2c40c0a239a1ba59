"""What erasures and retention took out of a treated table, by its own log: versions and counts, never who nor when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from jobs.lake.history import History
from jobs.lake.log_commits import ERASURE, RETENTION, Commit

FEW = 10


@dataclasses.dataclass(frozen=True)
class TakenOut:
    """what: ``erasure`` or ``retention``. rows: that went whole; None where Delta did not count them; fewer than ten as
    ``< 10``. receipt: the run, by which its receipt and the audit log know it."""

    version: int
    what: str
    rows: int | str | None
    receipt: str

    def as_data(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @property
    def told(self) -> str:
        return "rows that nobody counted" if self.rows is None else f"{self.rows} rows"

    def in_words(self) -> str:
        return f"version {self.version}: {self.what}, {self.told}, receipt {self.receipt}"


def of(history: History) -> Iterator[TakenOut]:
    """As far as the log has such commits, the oldest first."""
    return (found for commit in history.commits for found in of_commit(commit))


def of_commit(commit: Commit) -> Iterator[TakenOut]:
    """Nothing of one that took nothing out, or only marks that nothing was left."""
    if commit.run.get("mode") in (ERASURE, RETENTION) and commit.operation == "DELETE" and commit.removed:
        rows = commit.deleted
        told = rows if rows is None or rows == 0 or rows >= FEW else f"< {FEW}"
        run_id = str(commit.run.get("run_id", "")).partition("/")[0]
        yield TakenOut(commit.version, str(commit.run["mode"]), told, run_id)
