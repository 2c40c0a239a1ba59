"""What the audit log is told of the way back: that it begins, before anything is shown; how it ended; what was refused.

An approval that counts once is used up by the row that says it began. Whether it was used is looked up in the very
transaction that adds that row (`jobs.audit_log.log.Log.add_or_refuse`), so of two that are started at once one is
refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Kind, Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import audit_table
from jobs.lake.audit_table import LEAF
from jobs.reversal.approval import Approval
from jobs.reversal.asked import Asked
from jobs.run_events.events import Report, Warned
from privacy_udfs.errors import LakenymError

REVERSAL: Kind = "reversal"
BREAK_GLASS: Kind = "break_glass"
SUBJECT_ACCESS: Kind = "subject_access"
KINDS: tuple[Kind, ...] = (REVERSAL, BREAK_GLASS, SUBJECT_ACCESS)
"""Of runs that write what is to be removed when its time is over."""
STARTED, DONE, FAILED, REFUSED, REMOVED, REVIEWED = "started", "done", "failed", "refused", "removed", "reviewed"
LONGEST = 2000


@dataclasses.dataclass
class Trail:
    """Of one run. approval: what was opened of the approval so far."""

    log: Log
    asked: Asked
    run_id: str
    report: Report
    approval: Approval | None = None

    @property
    def kind(self) -> Kind:
        return BREAK_GLASS if self.asked.break_glass else REVERSAL

    def started(self, more: Mapping[str, Any], check_glass: Callable[[], None]) -> None:
        """Raises `Refused` where the approval was used up, `LogProblem` where the log cannot be written. Then nothing
        may be shown. check_glass: raises where no glass may be broken by what the log says; asked as long as it may
        change."""
        if self.log.audit.signing_key is not None:
            self.log.signer()
        leaf = self._leaf(STARTED, {**self._about(), **more})

        def made(state: State) -> Sequence[Leaf]:
            self.check_open(check_glass)
            return [leaf]

        self.log.add_or_refuse(made, f"{self.asked.table}: the audit log cannot be written, and nothing was shown")

    def check_open(self, check_glass: Callable[[], None]) -> None:
        """Raises `Refused` as `started` does, by what the log says now; it binds only where `started` asks it."""
        if self.approval is not None and self.approval.once and _is_used(self.log, self.approval.id):
            raise Refused("the approval counts once, and was used")
        if self.asked.break_glass:
            check_glass()

    def done(self, more: Mapping[str, Any]) -> None:
        """Raises `LogProblem`; what was written stands."""
        signs = self.log.audit.checkpoints is not None
        leaf = self._leaf(DONE, {**more, "checkpoint": True} if signs else more)
        spoken = f"{self.asked.table}: values were turned back, and the audit log does not say how that ended"
        state = self.log.add_or_refuse(lambda state: [leaf], spoken)
        if signs:
            self.log.leave(audit_log.name_of(state.size), self.log.signed(state))

    def failed(self, error: BaseException, left: bool) -> None:
        """Tell that a run failed that had begun. left: whether something of it may be at its place; False only where
        that was looked at. Warns where it cannot be told."""
        self._told(FAILED, {**why(error), "left": left})

    def refused(self, error: BaseException) -> None:
        """Tell that a run was refused. Warns where it cannot be told: it is refused anyway."""
        self._told(REFUSED, {**self._about(), **why(error)})

    def _told(self, outcome: str, body: Mapping[str, Any]) -> None:
        leaf = self._leaf(outcome, body)
        try:
            self.log.append(lambda state: [leaf])
        except Exception as problem:  # whatever it is: its text may hold anything
            told = f"the audit log does not say that this reversal was {outcome} ({type(problem).__name__})"
            self.report(Warned(self.asked.table, told))

    def _leaf(self, outcome: str, body: Mapping[str, Any]) -> Leaf:
        about = {"table": self.asked.table, "run_id": self.run_id, "outcome": outcome}
        return self.log.leaf(self.kind, now(), body=plain(dict(body)), **about)

    def _about(self) -> dict[str, Any]:
        """Of rows no condition is told, which may hold values: its hash, which is the approval's too."""
        asked = self.asked
        told: dict[str, Any] = {
            "actor": asked.actor[:LONGEST],
            "purpose": asked.purpose[:LONGEST],
            "columns": list(asked.columns),
            "beside": list(asked.beside),
            "rows_sha256": asked.rows.sha256,
            "form": asked.form,
        }
        if self.approval is not None:
            told["approval"] = self.approval.id
        return {**told, "reason": asked.reason[:LONGEST]} if asked.break_glass else told


def opened(spark: SparkSession, conf: Config, asked: Asked, run_id: str, report: Report) -> Trail:
    """Raises `Refused` where there is no audit log: what nobody can look at afterwards is not done."""
    return Trail(log_of(spark, conf), asked, run_id, report)


def log_of(spark: SparkSession, conf: Config) -> Log:
    """The audit log. Raises `Refused` where there is none."""
    log = audit_log.opened(spark, conf)
    if log is None:
        raise Refused("there is no audit.yaml: nothing is turned back that no log tells of")
    return log


def tell_removed(log: Log, started: Sequence[Leaf]) -> None:
    """Tell that what runs wrote is no longer there. started: the rows by which they began."""
    told = [_removed(log, each) for each in started]
    log.append(lambda state: told)


def _removed(log: Log, started: Leaf) -> Leaf:
    about = {"table": started.table, "run_id": started.run_id, "outcome": REMOVED}
    return log.leaf(started.kind, now(), body={"output": started.body["output"]}, **about)


def leaves(log: Log, outcomes: Sequence[str] = (), kinds: Sequence[str] = KINDS) -> list[Leaf]:
    """What the log tells of the way back, in order."""
    wanted = {"kind": list(kinds), "outcome": list(outcomes)}
    return [Leaf.parse(row[LEAF]) for row in audit_table.chosen(log.spark, log.address, wanted)]


def _is_used(log: Log, approval: str) -> bool:
    """Asked within the transaction that is to add a row: one that was added since it began is a conflict of it."""
    return any(leaf.body.get("approval") == approval for leaf in leaves(log, (STARTED,), (REVERSAL,)))


def why(error: BaseException) -> dict[str, Any]:
    """Of an error, for the log: messages of ours hold no value; those of others may."""
    told = str(error) if isinstance(error, LakenymError) else "unexpected"
    return {"error": type(error).__name__, "why": told[:LONGEST]}
