"""What the audit log is told: that rows are about to go, and what went and what remains. No value, no row."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Kind, now, plain
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.lake.remains import Remains
from jobs.retention.aged import Aged
from jobs.risk_measures.report import count as few
from jobs.table_run.of_run import policy_sha256, told

KIND: Kind = "retention"
BEGUN, DONE = "begun", "done"


@dataclasses.dataclass(frozen=True)
class Trail:
    """log: None where the configuration names none; then nothing is told."""

    log: Log | None
    conf: Config

    def begun(self, one: Aged, run_id: str, rows: int) -> None:
        """Raises `LogProblem` where that cannot be told: then nothing may be taken away."""
        body = {**self._rule(one), "version": one.stands.version, "rows": few(rows)}
        self._append(one, run_id, BEGUN, body, "nothing was taken away")

    def done(self, one: Aged, run_id: str, version: int, rows: int, remains: Sequence[Remains]) -> None:
        """Raises `LogProblem`; what was done stands."""
        left = [each.as_data() for each in remains]
        body = {**self._rule(one), "version": version, "rows": few(rows), "remains": left}
        self._append(one, run_id, DONE, body, "what was due was taken away all the same")

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
    return Trail(audit_log.opened(spark, conf), conf)
