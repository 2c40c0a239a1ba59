"""What a rotation tells the audit log: that it begins, each table that it moves, and that this was proven.

A table that is moved from itself is a run like any other there (``run_started`` before anything is written,
``run_committed`` after), of mode ``rotation``; one that is moved from its source tells so by itself. The rows of kind
``rotation`` say what they are parts of.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log import statements, targets
from jobs.audit_log.leaves import Kind, Leaf, now, plain
from jobs.audit_log.log import Log, LogProblem
from jobs.audit_log.state import State
from jobs.configuration import config
from jobs.configuration.audit_entry import MEGABYTE
from jobs.configuration.config import Config
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import canonical_json
from jobs.console.exit_codes import FAILED
from jobs.lake import delta_commit, replace
from jobs.lake.history import ROTATION as MODE
from jobs.lake.problems import CommitConflict
from jobs.lake.replace import Commit
from jobs.rotation.scope import Scope, Table
from jobs.rotation.turns import Turn
from jobs.run_events.events import Report, Warned
from privacy_udfs.errors import LakenymError

KIND: Kind = "rotation"
BEGUN, MOVED, PROVEN = "begun", "moved", "proven"
LONGEST = 2000
NOT_TOLD = "it no longer says that the run was started: it was taken away, cut, or made anew"


@dataclasses.dataclass(frozen=True)
class Trail:
    """log: None where the configuration names none; then nothing is told. id: of the rotation that was asked for."""

    log: Log | None
    conf: Config
    scope: Scope
    id: str
    report: Report

    def begun(self) -> None:
        """Raises `LogProblem` where that cannot be told: then nothing may be written."""
        if self.log is None:
            return
        if self.log.audit.signing_key is not None:
            self.log.signer()
        ways = {table.name: table.way for table in self.scope.due}
        domains = sorted({domain for table in self.scope.due for domain in table.domains})
        self._append(self._leaf(BEGUN, "", self.id, {"tables": ways, "domains": domains}), "nothing was written")

    def moved(self, table: Table, run_id: str, version: int, way: str) -> None:
        if self.log is not None:
            body = {"rotation": self.id, "location": table.location, "version": version, "way": way}
            self._append(self._leaf(MOVED, table.name, run_id, body), f"{table.name} was moved all the same")

    def proven(self, table: Table, run_id: str, version: int, checks: Mapping[str, str]) -> None:
        if self.log is not None:
            body = {"rotation": self.id, "location": table.location, "version": version, "checks": dict(checks)}
            self._append(
                self._leaf(PROVEN, table.name, run_id, body), f"{table.name} was moved and proven all the same"
            )

    def _leaf(self, outcome: str, table: str, run_id: str, body: Mapping[str, Any]) -> Leaf:
        assert self.log is not None
        about = {"key": self.scope.key, "to": self.scope.to, "from": list(self.scope.old)}
        return self.log.leaf(KIND, now(), table=table, run_id=run_id, outcome=outcome, body=plain({**about, **body}))

    def _append(self, leaf: Leaf, otherwise: str) -> None:
        assert self.log is not None
        log = self.log
        told(f"the audit log cannot be written, and {otherwise}", lambda: log.append(lambda state: [leaf]))

    def of_run(self, table: Table, turns: Mapping[Any, Turn], run_id: str) -> RunTrail:
        return RunTrail(self, table, turns, run_id)


@dataclasses.dataclass(frozen=True)
class RunTrail:
    """Of one table that is moved from itself."""

    whole: Trail
    table: Table
    turns: Mapping[Any, Turn]
    run_id: str

    @property
    def log(self) -> Log | None:
        return self.whole.log

    def started(self) -> None:
        """Raises `LogProblem`: then nothing may be written."""
        if self.log is None:
            return
        log = self.log
        told(
            f"{self.table.name}: the audit log cannot be written, and nothing was committed",
            lambda: log.append(self._leaves),
        )

    def _leaves(self, state: State) -> list[Leaf]:
        conf, stands = self.whole.conf, self.table.stands
        policy = statements.sha256(canonical_json(conf.written[POLICY]))
        begun = stands.transaction
        assert begun is not None
        digest = delta_commit.commit_digest(begun.spark, begun.log, begun.version)
        body = {
            "mode": MODE,
            "source": stands.name,
            "target": stands.name,
            "location": self.table.location,
            "version": stands.version,
            **({} if digest is None else {"commit_sha256": digest}),
            "policy_version": conf.policy.version,
            "policy_sha256": policy,
            "application": str(begun.spark.sparkContext.applicationId),
            "rotation": self.whole.id,
        }
        change = {"before_sha256": state.policy, "policy_sha256": policy, "policy_version": conf.policy.version}
        changed = [self._leaf("policy_change", "changed", change)] if state.policy not in ("", policy) else []
        return [*changed, self._leaf("run_started", "started", body), *self._uses()]

    def _uses(self) -> list[Leaf]:
        found: dict[int, set[tuple[str, str]]] = {}
        for turn in self.turns.values():
            for each in (turn.before, turn.after):
                for key_id in each.technique.layer_ids() or (each.key_id,):
                    found.setdefault(key_id, set()).add((each.technique.technique, each.domain))
        return [
            self._leaf(
                "key_use",
                "used",
                {"key": self.whole.scope.key, "key_id": id, "mode": MODE, "for": [list(use) for use in sorted(uses)]},
            )
            for id, uses in sorted(found.items())
        ]

    def still_told(self) -> None:
        """Right before the commit. Raises `LogProblem` where the log no longer says that the run was started."""
        if self.log is None:
            return
        log, spoken = self.log, f"{self.table.name}: the audit log was changed meanwhile, and nothing was committed"

        def look() -> None:
            if self.run_id not in log.state().open:
                raise LogProblem(NOT_TOLD)

        told(spoken, look)

    def committed(self, commit: Commit, record: str) -> None:
        if self.log is None:
            return
        spoken = f"{self.table.name}: version {commit.version} was committed, and the audit log does not say so"
        told(spoken, functools.partial(self._committed, self.log, commit, record))

    def _committed(self, log: Log, commit: Commit, record: str) -> None:
        location, conf = self.table.location, self.whole.conf
        body = {
            "version": commit.version,
            "rows": commit.rows,
            "execution": "spark",
            "mode": MODE,
            "configuration_sha256": config.snapshot_sha256(conf, self.table.name),
            "policy_version": conf.policy.version,
            "source": self.table.stands.name,
            "source_version": self.table.stands.version,
            "target": self.table.stands.name,
            "location": location,
            "record_sha256": statements.sha256(record),
            "rotation": self.whole.id,
            **targets.told(log.spark, location, commit.version, log.audit.contents_up_to_mb * MEGABYTE),
        }
        signs = log.audit.checkpoints is not None
        leaf = self._leaf("run_committed", "committed", {**body, "checkpoint": True} if signs else body)
        state, _ = log.append(lambda state: [leaf] if self.run_id in state.open else [])
        if signs:
            line = audit_log.of_table(self.table.name, commit.version, body["files"]["sha256"])
            log.leave(audit_log.name_of(state.size), log.signed(state, [line]))
            log.leave(statements.name_of(state.size - 1), statements.of_run(leaf, state.size - 1, log.signer(), record))

    def ended_by(self, error: BaseException) -> None:
        """Tell that it was refused or failed, where it is certain that nothing was committed."""
        if self.log is None:
            return
        begun, name = self.table.stands.transaction, self.table.name
        assert begun is not None
        certain = not begun.is_asked_for.is_set() or (
            isinstance(error, CommitConflict) and replace.lacks(self.log.spark, self.table.stands, self.run_id)
        )
        said = "nobody knows whether it committed; audit.py settle tells by the table's history"
        if certain:
            refused = isinstance(error, LakenymError) and error.exit_code != FAILED
            kind: Kind = "run_refused" if refused else "run_failed"
            why = str(error) if isinstance(error, LakenymError) else "unexpected"
            leaf = self._leaf(kind, kind[4:], {"error": type(error).__name__, "reason": why[:LONGEST]})
            log = self.log
            try:
                log.append(lambda state: [leaf] if self.run_id in state.open else [])
                return
            except Exception as problem:
                said = f"the audit log does not say how this run ended ({type(problem).__name__})"
        self.whole.report(Warned(name, said))

    def _leaf(self, kind: Kind, outcome: str, body: Mapping[str, Any]) -> Leaf:
        assert self.log is not None
        about = {"table": self.table.name, "run_id": self.run_id, "outcome": outcome}
        return self.log.leaf(kind, now(), body=plain(dict(body)), **about)


def told(spoken: str, step: Callable[[], Any]) -> None:
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


def opened(spark: SparkSession, conf: Config, scope: Scope, id: str, report: Report) -> Trail:
    return Trail(audit_log.opened(spark, conf), conf, scope, id, report)
