"""What an erasure tells the audit log: that it begins, before anything is deleted; each table; how it ended.

A row names a domain, tables, versions and days, and never a subject. ``same`` is what erasures of the very same
subjects share (`jobs.erasure.commitment`): so a later run, which finishes what waited for its day, is known as one.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.audit_log.erasure_rows import BEGAN, DONE, ERASED, FAILED, KIND, WAITS
from jobs.audit_log.leaves import Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.configuration.uris import without_user
from jobs.erasure import killed
from jobs.erasure.outcome import Earlier, Erased, TableErased
from jobs.lake import commits_of_runs, log_commits
from jobs.lake.commits_of_runs import OfRun
from jobs.lake.remains import Remains
from jobs.risk_measures.report import count as few
from jobs.run_events.events import Report, Warned
from jobs.signatures.keys import SigningKey
from jobs.table_run.of_run import told, why


@dataclasses.dataclass(frozen=True)
class Trail:
    """Of one run of `jobs/erase.py`. log: None where the configuration names none; then nothing is told, and no receipt
    is signed. same: as of `jobs.erasure.commitment.Commitment`; the run's id where nobody knows."""

    log: Log | None
    run_id: str
    domain: str
    same: str
    report: Report

    @property
    def signer(self) -> SigningKey | None:
        """What signs the receipt: the key of the audit log. None where there is none."""
        if self.log is None or self.log.audit.signing_key is None:
            return None
        return self.log.signer()

    def began(self, tables: Sequence[str], subjects: int, more: Mapping[str, Any] | None = None) -> None:
        """Raises `LogProblem` where that cannot be told: then nothing may be deleted. more: what the plan says."""
        if self.log is not None and self.log.audit.signing_key is not None:
            told("the audit log's key does not sign, and nothing was erased", self.log.signer)
        body = {"tables": list(tables), "subjects": subjects, **(more or {})}
        self._append(BEGAN, "", body, "nothing was erased")

    def erased(self, table: TableErased) -> None:
        """Raises `LogProblem`; what was taken out stays out. Where another run of the same subjects told it by now,
        which took this one for killed, it is not told twice."""
        body = {
            "location": without_user(table.place),
            "before": table.before,
            "version": table.after,
            "rows": few(table.rows_deleted),
            "elements": few(table.elements_removed),
            "files": table.files,
        }

        def once(log: Log) -> list[Leaf]:
            told = self._told(log, self.run_id, table.name) if table.is_changed else -1
            if told <= table.before:
                return [self._leaf(log, ERASED, table.name, body)]
            rest = commits_of_runs.of_runs(log.spark, table.place, log_commits.ERASURE, {self.run_id: told})
            return [self._leaf(log, ERASED, table.name, {**body, **killed.body_of(each)}) for each in rest]

        self._add(once, f"{table.name} was erased from all the same")

    def erased_before(self, table: str, made: OfRun, more: Mapping[str, Any]) -> None:
        """The same of an earlier run, which was killed before it could tell it, or is slow. Raises `LogProblem`."""

        def rest(log: Log) -> list[Leaf]:
            left = made.after(self._told(log, made.run_id, table))
            body = {} if left is None else {**more, **killed.body_of(left)}
            return [] if left is None else [self._leaf(log, ERASED, table, body, made.run_id)]

        self._add(rest, f"{table} was erased from all the same")

    def _told(self, log: Log, run_id: str, table: str) -> int:
        return killed.told_up_to(erasure_rows.leaves(log), run_id).get(table, -1)

    def ended(self, outcome: Erased, receipt: str | None, earlier: Sequence[Earlier] = ()) -> None:
        """Raises `LogProblem`. receipt: its text, of which the log keeps the hash. earlier: what it tells besides."""
        body: dict[str, Any] = {
            "tables": {each.name: each.after for each in outcome.tables},
            "remains": [_remains(name, each) for name, each in outcome.all_remains],
            "unsearched": len(outcome.unsearched),
            "until": None if outcome.until is None else outcome.until.isoformat(),
            "forced": outcome.forced,
        }
        if receipt is not None:
            body["receipt_sha256"] = hashlib.sha256(receipt.encode()).hexdigest()
            body |= {killed.ALSO: killed.also(earlier)} if earlier else {}
        self._append(DONE if outcome.is_gone else WAITS, "", body, "what is erased stays so all the same")

    def failed(self, error: BaseException) -> None:
        """Tell that the run failed that had begun. Warns where it cannot be told."""
        try:
            self._append(FAILED, "", why(error), "")
        except Exception as problem:  # whatever it is: its text may hold anything
            what = f"the audit log does not say that this erasure failed ({type(problem).__name__})"
            self.report(Warned("", what))

    def _append(self, outcome: str, table: str, body: Mapping[str, Any], otherwise: str) -> None:
        self._add(lambda log: [self._leaf(log, outcome, table, body)], otherwise)

    def _add(self, make: Callable[[Log], list[Leaf]], otherwise: str) -> None:
        """make: is asked within the transaction that adds the rows, and again whenever others were faster."""
        if self.log is None:
            return
        log = self.log
        told(f"the audit log cannot be written, and {otherwise}", lambda: log.append(lambda state: make(log)))

    def _leaf(self, log: Log, outcome: str, table: str, body: Mapping[str, Any], run_id: str | None = None) -> Leaf:
        said = plain({"domain": self.domain, "same": self.same, **body})
        return log.leaf(KIND, now(), table=table, run_id=run_id or self.run_id, outcome=outcome, body=said)


def _remains(table: str, each: Remains) -> dict[str, Any]:
    return {"table": table, **{name: said for name, said in each.as_data().items() if name != "why"}}


def opened(spark: SparkSession, conf: Config, run_id: str, domain: str, same: str | None, report: Report) -> Trail:
    return Trail(audit_log.opened(spark, conf), run_id, domain, same or run_id, report)
