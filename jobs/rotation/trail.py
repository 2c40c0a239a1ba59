"""What a rotation tells the audit log: that it begins, each table that it moves, and that this was proven.

A table that is moved from itself is a run like any other there (``run_started`` before anything is written,
``run_committed`` after), of mode ``rotation``; one that is moved from its source tells so by itself. The rows of kind
``rotation`` say what they are parts of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log import statements, targets
from jobs.audit_log.leaves import Kind, Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.history import ROTATION as MODE
from jobs.lake.record_names import CONFIG, POLICY, RECORD
from jobs.rotation import bridged, foreseen
from jobs.rotation.in_place import Rewritten
from jobs.rotation.scope import Scope, Table
from jobs.rotation.turns import Turn
from jobs.run_events.events import Report
from jobs.table_run.of_run import OfRun, policy_sha256, told

KIND: Kind = "rotation"
BEGUN, MOVED, PROVEN = "begun", "moved", "proven"


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
        ways = {table.name: foreseen.way(self.scope, table) for table in self.scope.due}
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

    def of_run(self, table: Table, turns: Mapping[ColumnPath, Turn], run_id: str) -> RunTrail:
        return RunTrail(self.log, run_id, self.report, self, table, turns)


@dataclasses.dataclass(frozen=True)
class RunTrail(OfRun):
    """Of one table that is moved from itself."""

    whole: Trail
    table: Table
    turns: Mapping[ColumnPath, Turn]

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def begun(self) -> Transaction | None:
        return self.table.stands.transaction

    def _location(self) -> str:
        return self.table.location

    def started(self) -> None:
        """Raises `LogProblem`: then nothing may be written."""
        if self.log is not None:
            log, spoken = self.log, f"{self.name}: the audit log cannot be written, and nothing was committed"
            told(spoken, lambda: log.append(self._leaves))

    def _leaves(self, state: State) -> list[Leaf]:
        conf, stands = self.whole.conf, self.table.stands
        assert self.begun is not None
        body = {
            "mode": MODE,
            "source": stands.name,
            "target": stands.name,
            "location": self.table.location,
            "version": stands.version,
            **self._looked_at(),
            "policy_version": conf.policy.version,
            "policy_sha256": policy_sha256(conf),
            "application": str(self.begun.spark.sparkContext.applicationId),
            "rotation": self.whole.id,
        }
        return [*self._policy_changed(state, conf), self._leaf("run_started", "started", body), *self._uses()]

    def _uses(self) -> list[Leaf]:
        """Of mode ``rotation``: they count under no limit."""
        found: dict[int, set[tuple[str, str]]] = {}
        for turn in self.turns.values():
            for each in (turn.before, turn.after):
                for key_id in each.technique.layer_ids() or (each.key_id,):
                    found.setdefault(key_id, set()).add((each.technique.technique, each.domain))
        seals = {(self.whole.scope.key, id): uses for id, uses in found.items()}
        for turn in self.turns.values():
            if isinstance(turn, bridged.Turn):
                seals[turn.seal.name, turn.seal.key_id] = {(turn.seal.technique.technique, turn.seal.domain)}
        return [
            self._leaf("key_use", "used", {"key": key, "mode": MODE, "key_id": id, "for": [*map(list, sorted(uses))]})
            for (key, id), uses in sorted(seals.items())
        ]

    def still_told(self) -> None:
        """Right before the commit. Raises `LogProblem` where the log no longer says that the run was started."""
        if self.log is not None:
            log, spoken = self.log, f"{self.name}: the audit log was changed meanwhile, and nothing was committed"
            told(spoken, lambda: self._check_told(log.state()))

    def committed(self, made: Rewritten) -> None:
        """Raises `LogProblem` where the log cannot be written; the commit stands."""
        self._tell_commit(made.version, lambda log: self._about(log, made), made.properties[RECORD])

    def _about(self, log: Log, made: Rewritten) -> dict[str, Any]:
        """The configuration and the policy are those that the table itself names from now on."""
        stands, location = self.table.stands, self.table.location
        return {
            "version": made.version,
            "rows": made.rows,
            "execution": "spark",
            "mode": MODE,
            "configuration_sha256": made.properties.get(CONFIG, ""),
            "policy_version": made.properties.get(POLICY, ""),
            "source": stands.name,
            "source_version": stands.version,
            "target": stands.name,
            "location": location,
            "record_sha256": statements.sha256(made.properties[RECORD]),
            "rotation": self.whole.id,
            **targets.told(log.spark, location, made.version, self._most(log)),
        }


def opened(spark: SparkSession, conf: Config, scope: Scope, id: str, report: Report) -> Trail:
    return Trail(audit_log.opened(spark, conf), conf, scope, id, report)
