"""What the audit log is told of an export: that it begins, before anything is written; how it ended; what was refused.

No id, no pseudonym and no count is told: of the person the keyed digest alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.console.exit_codes import Refused
from jobs.reversal import trail
from jobs.reversal.trail import DONE, FAILED, LONGEST, REFUSED, STARTED, SUBJECT_ACCESS, why
from jobs.run_events.events import Report, Warned
from jobs.subject_access.approval import Approval
from jobs.subject_access.request import Request


@dataclasses.dataclass
class Trail:
    """Of one run. approval, person: as far as they are known."""

    log: Log
    request: Request
    run_id: str
    report: Report
    approval: Approval | None = None
    person: str = ""

    def started(self, more: Mapping[str, Any]) -> None:
        """Raises `Refused` where the approval was used up, `LogProblem` where the log cannot be written."""
        if self.log.audit.signing_key is not None:
            self.log.signer()
        leaf = self._leaf(STARTED, {**self._about(), **more})

        def made(state: State) -> Sequence[Leaf]:
            self._check_unused()
            return [leaf]

        self.log.add_or_refuse(made, "the audit log cannot be written, and nothing was given out")

    def _check_unused(self) -> None:
        """Asked within the transaction that adds the row by which a run begins."""
        assert self.approval is not None
        told = trail.leaves(self.log, (STARTED,), (SUBJECT_ACCESS,))
        if any(leaf.body.get("approval") == self.approval.id for leaf in told):
            raise Refused("the approval counts once, and was used")

    def done(self) -> None:
        """Raises `LogProblem`; what was written stands."""
        signs = self.log.audit.checkpoints is not None
        leaf = self._leaf(DONE, {"checkpoint": True} if signs else {})
        spoken = "an export was written, and the audit log does not say how that ended"
        state = self.log.add_or_refuse(lambda state: [leaf], spoken)
        if signs:
            self.log.leave(audit_log.name_of(state.size), self.log.signed(state))

    def failed(self, error: BaseException, left: bool) -> None:
        """left: whether something of it may be at its place. Warns where it cannot be told."""
        self._told(FAILED, {**why(error), "left": left})

    def refused(self, error: BaseException) -> None:
        self._told(REFUSED, {**self._about(), **why(error)})

    def _told(self, outcome: str, body: Mapping[str, Any]) -> None:
        leaf = self._leaf(outcome, body)
        try:
            self.log.append(lambda state: [leaf])
        except Exception as problem:  # whatever it is: its text may hold anything
            told = f"the audit log does not say that this export was {outcome} ({type(problem).__name__})"
            self.report(Warned("", told))

    def _leaf(self, outcome: str, body: Mapping[str, Any]) -> Leaf:
        return self.log.leaf(SUBJECT_ACCESS, now(), body=plain(dict(body)), run_id=self.run_id, outcome=outcome)

    def _about(self) -> dict[str, Any]:
        request = self.request
        told = {
            "domain": request.asked.domain,
            "actor": request.actor[:LONGEST],
            "purpose": request.purpose[:LONGEST],
            "person": self.person,
        }
        return told if self.approval is None else {**told, "approval": self.approval.id}
