"""What the audit log is told: that rows are about to go, and what went and what remains. No value, no row.

A run that is killed in between, or fails, is told of by the next one of the table, as an erasure is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Kind, now, plain
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.lake import commits_of_runs
from jobs.lake.commits_of_runs import OfRun
from jobs.lake.log_commits import RETENTION
from jobs.lake.remains import Remains
from jobs.retention import killed
from jobs.retention.aged import Aged
from jobs.retention.killed import BEGUN, DONE, NOTHING, Unfinished
from jobs.risk_measures.report import count as few
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures
from jobs.table_run.of_run import policy_sha256, told

KIND: Kind = "retention"
LOST = (
    "the receipt lacks what an earlier run took away, since the table's log no longer has its commit, or no number of "
    "rows; the audit log tells of it (jobs/audit.py list)"
)


@dataclasses.dataclass(frozen=True)
class Trail:
    """log: None where the configuration names none; then nothing is told. killed: by table, what earlier runs left
    untold. receipt: the id of the receipt that this run is to leave; None where it leaves none."""

    log: Log | None
    conf: Config
    killed: Mapping[str, Unfinished] = dataclasses.field(default_factory=dict)
    receipt: str | None = None

    def begun(self, one: Aged, run_id: str, rows: int) -> None:
        """Raises `LogProblem` where that cannot be told: then nothing may be taken away."""
        asked = {} if self.receipt is None else {"receipt": self.receipt}
        body = {**self._rule(one), "version": one.stands.version, "rows": few(rows), **asked}
        self._append(one, run_id, BEGUN, body, "nothing was taken away")

    def done(
        self, one: Aged, run_id: str, version: int, rows: int, remains: Sequence[Remains], aside: Sequence[Remains]
    ) -> None:
        """aside: what remains in its quarantine. Raises `LogProblem`; what was done stands."""
        left = {"remains": [each.as_data() for each in remains]}
        left |= {"quarantine_remains": [each.as_data() for each in aside]} if aside else {}
        body = {**self._rule(one), "version": version, "rows": few(rows), **left}
        self._append(one, run_id, DONE, body, "what was due was taken away all the same")

    def done_before(self, spark: SparkSession, one: Aged, own: str, report: Report) -> list[OfRun]:
        """Tell what runs took away that were killed before they told it; what a receipt is owed of, told before or now.
        own: the run that goes on. Raises `LogProblem`."""
        left = self.killed.get(one.name, NOTHING)
        made = commits_of_runs.of_runs(spark, one.location, RETENTION, {*left.untold, *left.owed})
        for each in made:
            if each.run_id in left.untold:
                rows = None if each.rows is None else few(each.rows)
                said = {**left.untold[each.run_id], "version": each.version, "rows": rows, "told_by": own}
                self._append(one, each.run_id, DONE, said, "what an earlier run took away is gone all the same")
        known = {each.run_id: each for each in made if each.rows is not None}
        away = {run for run, rows in left.owed.items() if rows not in (None, 0)} | {each.run_id for each in made}
        if self.receipt is not None and {*left.owed} & away - {*known}:
            report(Warned(one.name, LOST))
        return [each for run, each in known.items() if run in left.owed]

    def owed(self, tables: Collection[str]) -> list[str]:
        """The runs of some tables of which a receipt is owed."""
        return [run for table in tables for run in self.killed.get(table, NOTHING).owed]

    def _rule(self, one: Aged) -> dict[str, Any]:
        said = one.rule.model_dump(exclude_none=True, exclude={"period"})
        before = {} if one.boundary is None else {"before": one.boundary.text}
        policy = {"policy_version": self.conf.policy.version, "policy_sha256": policy_sha256(self.conf)}
        return {"rule": said, **before, "location": one.location, **policy}

    def _append(self, one: Aged, run_id: str, outcome: str, body: Mapping[str, Any], otherwise: str) -> None:
        if self.log is None:
            return
        log = self.log
        leaf = log.leaf(KIND, now(), table=one.name, run_id=run_id, outcome=outcome, body=plain(body))
        told(
            f"{one.name}: the audit log cannot be written, and {otherwise}",
            lambda: log.append(lambda state: [leaf]),
        )


def opened(spark: SparkSession, conf: Config) -> Trail:
    """Raises what the log raises."""
    log = audit_log.opened(spark, conf)
    rows = [] if log is None else failures.translated("audit.yaml", lambda: log.leaves(KIND))
    return Trail(log, conf, killed.by_table(rows))
