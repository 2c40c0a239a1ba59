"""What every run tells the audit log alike, whatever it treats: how it ended, once, and by a signed statement."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs.audit_log import log as audit_log
from jobs.audit_log import settling, statements
from jobs.audit_log.leaves import ENDS, Kind, Leaf, now, plain
from jobs.audit_log.log import Log, LogProblem
from jobs.audit_log.state import State
from jobs.configuration.audit_entry import MEGABYTE
from jobs.configuration.config import Config
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import canonical_json
from jobs.console.exit_codes import FAILED
from jobs.lake import audit_table, delta_commit, replace
from jobs.lake.address import Address
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.problems import CommitConflict, PassedOver
from jobs.lake.state import TargetState
from jobs.run_events.events import Report, Warned
from privacy_udfs.errors import LakenymError

LONGEST_REASON = 2000
NOT_TOLD = "it no longer says that the run was started: it was taken away, cut, or made anew"


@dataclasses.dataclass(frozen=True)
class OfRun(abc.ABC):
    """log: None where the configuration names none; then nothing is told."""

    log: Log | None
    run_id: str
    report: Report

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Of the table."""

    @property
    @abc.abstractmethod
    def begun(self) -> Transaction | None:
        """By which it commits."""

    @abc.abstractmethod
    def _location(self) -> str: ...

    # -- its start ----------------------------------------------------------------------------------------------------

    def _policy_changed(self, state: State, conf: Config) -> list[Leaf]:
        """Where another policy is in force than the log knows."""
        policy = policy_sha256(conf)
        if state.policy in ("", policy):
            return []
        change = {"before_sha256": state.policy, "policy_sha256": policy, "policy_version": conf.policy.version}
        return [self._leaf("policy_change", "changed", change)]

    def _looked_at(self) -> dict[str, Any]:
        """By which the very table is known again that the run looked at; nothing where there was none."""
        begun = self.begun
        if begun is None or begun.version < 0:
            return {}
        found = delta_commit.commit_digest(begun.spark, begun.log, begun.version)
        return {} if found is None else {"commit_sha256": found}

    def _check_told(self, state: State) -> None:
        """Raises `LogProblem` where the log no longer says that the run was started: it must not commit then."""
        if self.run_id not in state.open and not self._ends():
            raise LogProblem(NOT_TOLD)

    # -- its end ------------------------------------------------------------------------------------------------------

    def _tell_commit(self, version: int, body: Callable[[Log], Mapping[str, Any]], record: str | None) -> None:
        """record: the text that the table has. Raises `LogProblem` where the log cannot be written; the commit
        stands."""
        if self.log is None:
            return
        log, spoken, found = self.log, f"{self.name}: version {version} was committed", list[tuple[State, Leaf]]()
        told(f"{spoken}, and the audit log does not say so", lambda: found.extend(self._add_commit(log, body)))
        for state, leaf in found:
            whole = f"{spoken} and the audit log says so, but no checkpoint of that was left"
            told(whole, functools.partial(self._sign, log, state, leaf, record))
            if any(run.get("location") == leaf.body["location"] for run in state.open.values()):
                self._settle(log, str(leaf.body["location"]))

    def _add_commit(self, log: Log, body: Callable[[Log], Mapping[str, Any]]) -> list[tuple[State, Leaf]]:
        """The leaf that tells of it, and the state of the log after it; nothing where others have told."""
        whole = {**body(log), **({} if log.audit.checkpoints is None else {"checkpoint": True})}
        state, added = log.append(self._once(lambda: self._leaf("run_committed", "committed", whole)))
        return [(state, leaf) for leaf in added]

    def _sign(self, log: Log, state: State, leaf: Leaf, record: str | None) -> None:
        """leaf: the last one of the state."""
        if log.audit.checkpoints is None:
            return
        line = audit_log.of_table(self.name, int(leaf.body["version"]), leaf.body["files"]["sha256"])
        log.leave(audit_log.name_of(state.size), log.signed(state, [line]))
        index = state.size - 1
        log.leave(statements.name_of(index), statements.of_run(leaf, index, log.signer(), record))

    def _settle(self, log: Log, location: str) -> None:
        """Tell of earlier runs of the target that did not; a later run can do it as well."""
        try:
            settling.settle(log, location)
        except Exception as problem:
            said = f"the audit log does not say how an earlier run ended ({type(problem).__name__})"
            self.report(Warned(self.name, said))

    def _most(self, log: Log) -> int:
        return log.audit.contents_up_to_mb * MEGABYTE

    def ended_by(self, error: BaseException) -> None:
        """Tell that a run was refused or failed, where it is certain that it committed nothing; what else became of it
        is told later, by the target's history. Warns where the log cannot be written."""
        if self.log is None:
            return
        log, kind, outcome = self.log, *how(error)
        try:
            if self._committed_nothing(error):
                log.append(self._once(lambda: self._leaf(kind, outcome, why(error))))
                return
            said = "nobody knows whether it committed; the next run tells the audit log by the target's history"
        except Exception as problem:
            said = f"the audit log does not say how this run ended ({type(problem).__name__})"
        self.report(Warned(self.name, said))

    def _committed_nothing(self, error: BaseException) -> bool:
        """Whether that is certain: the store was never asked for the commit, or Delta refused it. After any other
        error, and after an interruption, the commit may still be on its way."""
        begun = self.begun
        if begun is not None and not begun.is_asked_for.is_set():
            return True
        assert self.log is not None
        target = Address(path=self._location())
        return isinstance(error, CommitConflict | PassedOver) and (
            not target.exists(self.log.spark) or replace.lacks(self.log.spark, TargetState(target), self.run_id)
        )

    def _once(self, leaf: Callable[[], Leaf]) -> Callable[[State], Sequence[Leaf]]:
        """A leaf that ends the run, if no other run has told its end by then. Raises `LogProblem` where the log knows
        nothing of the run: it is another log than the one that was told of its start."""

        def made(state: State) -> Sequence[Leaf]:
            if self.run_id in state.open:
                return [leaf()]
            ends = self._ends()
            if not ends:
                raise LogProblem(NOT_TOLD)
            return [leaf()] if ends == {"run_unknown"} else []

        return made

    def _ends(self) -> set[str]:
        """The kinds of rows that tell how the run ended: others may have spoken for it."""
        assert self.log is not None
        rows = audit_table.chosen(self.log.spark, self.log.address, {"kind": ENDS, "run_id": [self.run_id]})
        return {str(row["kind"]) for row in rows}

    def _leaf(self, kind: Kind, outcome: str, body: Mapping[str, Any]) -> Leaf:
        assert self.log is not None
        about = {"table": self.name, "run_id": self.run_id, "outcome": outcome}
        return self.log.leaf(kind, now(), body=plain(body), **about)


def policy_sha256(conf: Config) -> str:
    return statements.sha256(canonical_json(conf.written[POLICY]))


def how(error: BaseException) -> tuple[Kind, str]:
    refused = isinstance(error, LakenymError) and error.exit_code != FAILED
    return ("run_refused", "refused") if refused else ("run_failed", "failed")


def why(error: BaseException) -> dict[str, Any]:
    """Messages of ours hold no value; those of others may."""
    reason = str(error) if isinstance(error, LakenymError) else "unexpected"
    return {"error": type(error).__name__, "reason": reason[:LONGEST_REASON]}


def told(spoken: str, step: Callable[[], object]) -> None:
    """``step()``, whose errors are told as ``spoken``."""
    try:
        step()
    except LakenymError as error:
        problem = str(error)
    except Exception as error:  # whatever it is: its text may hold anything
        problem = type(error).__name__
    else:
        return
    raise LogProblem(f"{spoken}: {problem}")
