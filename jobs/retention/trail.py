"""What the audit log is told: that rows are about to go, and what went and what remains. No value, no row.

A run that is killed in between, or fails, is told of by the next one of the table, as an erasure is. Nobody can tell a
run that is slow from one that is dead, so both may be about to tell the same: whoever tells looks, in the transaction
that adds the row, whether it was told by then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Kind, Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.lake import commits_of_runs
from jobs.lake.commits_of_runs import OfRun
from jobs.lake.log_commits import RETENTION
from jobs.lake.remains import Remains
from jobs.retention import killed
from jobs.retention.aged import Aged
from jobs.retention.killed import BEGUN, DONE, Begun
from jobs.risk_measures.report import count as few
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures
from jobs.table_run.of_run import policy_sha256, told

KIND: Kind = "retention"
LOST = (
    "the receipt lacks what an earlier run took away, since the table's log no longer has its commit, or no number of "
    "rows; the audit log tells of it (jobs/audit.py list)"
)
UNKNOWN = (
    "an earlier run was killed, or failed, and may have taken rows away before: nobody can tell any more, since the "
    "table's log does not reach back to it"
)


@dataclasses.dataclass(frozen=True)
class Before:
    """What earlier runs left untold. earlier: of which the receipt is to tell. settled: by run, up to which version of
    the table it is known, once that receipt is left, that no more is owed."""

    earlier: Sequence[OfRun] = ()
    settled: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Trail:
    """log: None where the configuration names none; then nothing is told. killed: by table, the runs that began.
    receipt: the id of the receipt that this run is to leave; None where it leaves none."""

    log: Log | None
    conf: Config
    killed: Mapping[str, Mapping[str, Begun]] = dataclasses.field(default_factory=dict)
    receipt: str | None = None

    def begun(self, one: Aged, run_id: str, rows: int) -> None:
        """Raises `LogProblem` where that cannot be told: then nothing may be taken away."""
        asked = {} if self.receipt is None else {"receipt": self.receipt}
        body = {**self._rule(one), "version": one.stands.version, "rows": few(rows), **asked}
        self._append(one, run_id, BEGUN, body, "nothing was taken away")

    def done(
        self, one: Aged, run_id: str, made: OfRun | None, remains: Sequence[Remains], aside: Sequence[Remains]
    ) -> None:
        """made: None where nothing was to be taken away. aside: what remains in its quarantine. Raises `LogProblem`;
        what was done stands."""
        left = {"remains": [each.as_data() for each in remains]}
        left |= {"quarantine_remains": [each.as_data() for each in aside]} if aside else {}
        body, otherwise = {**self._rule(one), **left}, "what was due was taken away all the same"
        if made is None:
            self._append(one, run_id, DONE, {**body, "version": one.stands.version, "rows": 0}, otherwise)
        else:
            self._tell(one, made, body, otherwise)

    def done_before(self, spark: SparkSession, one: Aged, own: str, report: Report) -> Before:
        """Tell what runs took away that were killed before they told it; what a receipt is owed of, told before or now.
        own: the run that goes on. Raises `LogProblem`."""
        runs, newest = self.killed.get(one.name, {}), _newest(one)
        untold = {run: each.told for run, each in runs.items() if newest.get(run, -1) > each.told}
        made = commits_of_runs.of_runs(spark, one.location, RETENTION, untold)
        for each in made:
            body = {**runs[each.run_id].said, "told_by": own}
            self._tell(one, each, body, "what an earlier run took away is gone all the same")
        for run, began in runs.items():
            if began.told < 0 and run not in {each.run_id for each in made}:
                self._tell_end(one, run, {**began.said, "told_by": own}, report)
        if self.receipt is None:
            return Before()
        owed = {run: each.left for run, each in runs.items() if each.asked and newest.get(run, -1) > each.left}
        earlier = made if owed == untold else commits_of_runs.of_runs(spark, one.location, RETENTION, owed)
        known = [each for each in earlier if each.rows is not None]
        asked = {run for run, each in runs.items() if each.is_owed} | {*owed}
        away = {run for run in asked if runs[run].rows} | {each.run_id for each in earlier}
        if away - {each.run_id for each in known}:
            report(Warned(one.name, LOST))
        versions = {each.run_id: each.version for each in earlier}
        return Before(known, {run: max(one.stands.version, versions.get(run, -1)) for run in asked})

    def owed(self, tables: Collection[str]) -> bool:
        """Whether a receipt may be owed of a run of some tables."""
        return any(each.is_owed for table in tables for each in self.killed.get(table, {}).values())

    def _rule(self, one: Aged) -> dict[str, Any]:
        said = one.rule.model_dump(exclude_none=True, exclude={"period"})
        before = {} if one.boundary is None else {"before": one.boundary.text}
        policy = {"policy_version": self.conf.policy.version, "policy_sha256": policy_sha256(self.conf)}
        return {"rule": said, **before, "location": one.location, **policy}

    def _tell(self, one: Aged, made: OfRun, body: Mapping[str, Any], otherwise: str) -> None:
        """What a run took away, but for what another one told of it by now."""

        def rest(log: Log) -> list[Leaf]:
            left = made.after(self._told(log, one, made.run_id))
            if left is None:
                return []
            said = {**body, "version": left.version, "rows": None if left.rows is None else few(left.rows)}
            return [self._leaf(log, one, made.run_id, DONE, said)]

        self._add(one, rest, otherwise)

    def _tell_end(self, one: Aged, run_id: str, body: Mapping[str, Any], report: Report) -> None:
        """That a run took nothing away up to the version that was looked at: so nobody looks for it again, unless it
        is slow, and commits after all. Where nobody can tell any more, that is told, once."""
        is_beyond = _is_beyond(one, body)
        if is_beyond:
            report(Warned(one.name, UNKNOWN))
        said = {**body, "version": max(one.stands.version, _began(body)), "rows": None if is_beyond else 0}

        def once(log: Log) -> list[Leaf]:
            is_told = self._told(log, one, run_id) >= 0
            return [] if is_told else [self._leaf(log, one, run_id, DONE, said)]

        self._add(one, once, "what an earlier run took away is gone all the same")

    def _told(self, log: Log, one: Aged, run_id: str) -> int:
        return killed.told_up_to(log.leaves(KIND)).get((one.name, run_id), -1)

    def _leaf(self, log: Log, one: Aged, run_id: str, outcome: str, body: Mapping[str, Any]) -> Leaf:
        return log.leaf(KIND, now(), table=one.name, run_id=run_id, outcome=outcome, body=plain(body))

    def _append(self, one: Aged, run_id: str, outcome: str, body: Mapping[str, Any], otherwise: str) -> None:
        self._add(one, lambda log: [self._leaf(log, one, run_id, outcome, body)], otherwise)

    def _add(self, one: Aged, make: Callable[[Log], list[Leaf]], otherwise: str) -> None:
        """make: is asked within the transaction that adds the rows, and again whenever others were faster."""
        if self.log is None:
            return
        log = self.log
        told(
            f"{one.name}: the audit log cannot be written, and {otherwise}",
            lambda: log.append(lambda state: make(log)),
        )


def _newest(one: Aged) -> dict[str, int]:
    """By run, the newest commit of retention that the table's log has of it."""
    commits = (each for each in one.stands.history.commits if each.is_retention)
    return {commits_of_runs.name_of(each.run.get("run_id")): each.version for each in commits}


def _began(said: Mapping[str, Any]) -> int:
    version = said.get("version")
    return version if isinstance(version, int) else -1


def _is_beyond(one: Aged, said: Mapping[str, Any]) -> bool:
    """Whether the table's log cannot have what a run may have committed: it begins later, or is another table's."""
    commits = one.stands.history.commits
    oldest = commits[0].version if commits else one.stands.version + 1
    is_there = oldest - 1 <= _began(said) <= one.stands.version
    return not is_there or said.get("location") != one.location


def opened(spark: SparkSession, conf: Config) -> Trail:
    """Raises what the log raises."""
    log = audit_log.opened(spark, conf)
    rows = [] if log is None else failures.translated("audit.yaml", lambda: log.leaves(KIND))
    return Trail(log, conf, killed.by_table(rows))
