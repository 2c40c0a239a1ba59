"""What erasures took out of a table that its source still gives: it is known how much that is, and not whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from jobs.console.shown import shown
from jobs.lake.history import APPENDS
from jobs.lake.log_commits import ERASURE, Commit
from jobs.risk_measures.report import SMALL
from jobs.treatment.kept_out import Watched
from jobs.verification.outcome import Check
from jobs.verification.standing import Standing


@dataclasses.dataclass(frozen=True)
class Since:
    """Since the newest run that wrote all rows. version: of the newest erasure. rows: that went, None where the log
    does not say it: then no missing row is excused. parts: at most so many rows stay and are others."""

    version: int
    rows: int | None
    parts: int

    @property
    def why(self) -> str:
        return (
            f"no more is missing than erasures took out since a run wrote all rows (the newest is version "
            f"{self.version}), and no list of the erased says whether it is that: run it once with --mode full"
        )

    def may_be(self, missing: int, others: int = 0) -> bool:
        """Whether so many rows may be missing for that alone. others: rows that the source does not give."""
        return 0 <= others <= self.parts and 0 <= missing <= (self.rows or 0) + others


def of(table: Standing) -> Since | None:
    history, found = table.state.history, list[Commit]()
    for commit in reversed(history.commits):
        if commit.version in history.ours and commit.operation != APPENDS:
            break
        if commit.run.get("mode") == ERASURE and commit.takes_away:
            found.append(commit)
    if not found:
        return None
    rows = [commit.deleted for commit in found]
    known = [each for each in rows if each is not None]
    return Since(found[0].version, sum(known) if len(known) == len(rows) else None, sum(map(_parts, found)))


def _parts(commit: Commit) -> int:
    said = commit.run.get("elements", 0)
    return said if isinstance(said, int) else SMALL  # few are told as words


def judged(check: Check, since: Since | None, missing: int, others: int = 0) -> Check:
    """The check; as one that was not made where what is wrong may be what erasures took out."""
    if check.outcome != "fails" or since is None or not since.may_be(missing, others):
        return check
    return Check(check.name, "not checked", since.why)


def by_list(check: Check, lost: str | None) -> Check:
    """The check; where it fails, and the list that the table's last run had is another one, that is told beside."""
    if check.outcome != "fails" or lost is None:
        return check
    return dataclasses.replace(check, faults=(*check.faults, f"whom that run kept out nobody can tell: {lost}"))


def unfit(columns: Iterable[Watched]) -> str:
    """Why nobody can tell which rows are of those on the list; empty where one can."""
    why = (f"{shown(str(each.path))}: {each.unfit}" for each in columns if each.unfit is not None)
    told = "; ".join(why)
    return (
        f"the list of the erased names subjects who may stand where runs do not leave them out: {told}" if told else ""
    )
