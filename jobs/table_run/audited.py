"""What a run tells the audit log: that it starts, before it writes anything, and how it ended.

A run whose start cannot be told writes nothing. One whose end cannot be told has committed, says so, and ends with an
error; the next run tells it by the target's history.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from jobs.audit_log import limits, statements, targets, uses
from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Leaf, now
from jobs.audit_log.limits import LimitReached
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.audit_log.uses import SEALED
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.gates import used_up
from jobs.gates.known import Prepared
from jobs.lake.address import Address
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.record_names import RECORD
from jobs.run_events.events import Report, Warned, as_data
from jobs.table_run import limited
from jobs.table_run.aside import Aside
from jobs.table_run.of_run import OfRun, how, policy_sha256, told, why
from jobs.table_run.result import Result, summary
from privacy_udfs import sealed_rows
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import KeyReference, KeyReferences

T = TypeVar("T")
OF_RESULT = (
    "version",
    "rows",
    "execution",
    "not_columnar",
    "mode",
    "changed",
    "quarantined",
    "risk",
    "suppressed",
    "mondrian",
    "kept_out",
    "kept_out_values",
)
"""Of what the event of a commit says."""


@dataclasses.dataclass(frozen=True)
class Trail(OfRun):
    """What a run of a table tells."""

    prepared: Prepared

    @property
    def name(self) -> str:
        return self.prepared.table

    @property
    def begun(self) -> Transaction | None:
        return self.prepared.target.transaction

    def committed(self, result: Result, record: Mapping[str, str]) -> None:
        """Raises `LogProblem` where the log cannot be written; the commit stands."""
        if self.log is None:
            return
        log = self.log
        if result.execution == "none":
            leaf = self._once(lambda: self._leaf("run_unchanged", "unchanged", {"version": result.version}))
            spoken = f"{self.name}: version {result.version} was committed, and the audit log does not say so"
            told(spoken, lambda: log.append(leaf))
            return
        self._tell_commit(result.version, lambda log: self._about(log, result, record), record.get(RECORD))

    def _about(self, log: Log, result: Result, record: Mapping[str, str]) -> dict[str, Any]:
        said, location = as_data(summary(result)), self._location()
        prepared, source = self.prepared, self.prepared.source
        return {
            **{name: said[name] for name in OF_RESULT if said.get(name) is not None},
            "columns": {path: list(counts) for path, counts in result.counts.items()},
            "configuration_sha256": config.snapshot_sha256(prepared.conf, prepared.table),
            "policy_version": prepared.conf.policy.version,
            "source": prepared.entry.source.describe(),
            "source_version": source.version,
            "target": prepared.target.name,
            "location": location,
            "record_sha256": statements.sha256(record[RECORD]),
            **targets.told(log.spark, location, result.version, self._most(log)),
        }

    def attached(self, prepared: Prepared, aside: Aside) -> Prepared:
        """The run with a last look at the log right before its commit. Without Delta's own transaction there is no
        such moment. aside: knows by then what was treated."""
        begun = prepared.target.transaction
        if self.log is None or begun is None:
            return prepared
        look = functools.partial(self._still_told, aside)
        aside.charge = self._charge
        target = dataclasses.replace(prepared.target, transaction=dataclasses.replace(begun, at_last=look))
        return dataclasses.replace(prepared, target=target)

    def _still_told(self, aside: Aside) -> None:
        """Raises `LogProblem` where the log no longer says that the run was started: it must not commit then; and
        `LimitReached` where more was treated than the policy lets be. If it may be, the log says how much."""
        assert self.log is not None
        log, spoken = self.log, f"{self.prepared.table}: the audit log was changed meanwhile, and nothing was committed"

        def rows(state: State) -> Sequence[Leaf]:
            self._check_told(state)
            return self._rows(log, limited.rows_of(self.prepared, aside))

        if used_up.counts_rows(self.prepared):
            log.add_or_refuse(rows, spoken)
        else:
            told(spoken, lambda: self._check_told(log.state()))

    def _charge(self, rows: int, names: Collection[str]) -> None:
        """Tell that so many rows are treated under keys, before it is known what becomes of them; where rows are kept
        out, of which nobody is to know how many, the next power of two. The row before the commit takes its place.
        Raises as `_still_told`."""
        assert self.log is not None
        log, spoken = self.log, f"{self.prepared.table}: the audit log was changed meanwhile, and nothing was committed"
        charged = rows if self.prepared.entry.suppress is None else 1 << max(0, rows - 1).bit_length()

        def made(state: State) -> Sequence[Leaf]:
            self._check_told(state)
            return self._rows(log, dict.fromkeys(names, charged))

        log.add_or_refuse(made, spoken)

    def _rows(self, log: Log, rows: Mapping[str, int]) -> list[Leaf]:
        stated, used = self.prepared.conf.policy.limits, used_up.keys_of(self.prepared)
        keys = {name: key_id for name, key_id in used.items() if name in rows}
        assert stated is not None, "then no rows are counted"
        is_told = self.prepared.entry.suppress is None  # of a target that nobody sees, not even what stays
        limits.check_rows(log, stated, keys, rows, self.run_id, is_told)
        counted = [{"key": name, "key_id": key_id, "rows": rows[name]} for name, key_id in keys.items()]
        return [self._leaf(uses.ROWS, "treated", each) for each in counted]

    def _location(self) -> str:
        return self.prepared.target.location or Address.of(self.prepared.entry.target).location(self.prepared.spark)

    def _start(self) -> None:
        if self.log is None:
            return
        spoken = f"{self.prepared.table}: the audit log cannot be written, and nothing was committed"
        if self.log.audit.signing_key is not None:
            told(spoken, self.log.signer)  # a run whose end could not be signed does not begin
        rows = used_up.announced(self.prepared) if used_up.counts_rows(self.prepared) else None
        self.log.add_or_refuse(functools.partial(self._leaves, rows), spoken)

    def _leaves(self, rows: int | None, state: State) -> list[Leaf]:
        """Raises `LimitReached`. rows: that it says beforehand to treat."""
        prepared = self.prepared
        keys = used_up.keys_of(prepared)
        if keys and prepared.conf.policy.limits is not None and self.log is not None:
            limits.check_start(self.log, prepared.conf.policy.limits, keys, rows)
        body = {
            "mode": prepared.mode,
            "source": prepared.entry.source.describe(),
            "target": prepared.target.name,
            "location": prepared.target.location or "",
            "version": prepared.target.version,
            **self._looked_at(),
            "configuration_sha256": config.snapshot_sha256(prepared.conf, prepared.table),
            "policy_version": prepared.conf.policy.version,
            "policy_sha256": policy_sha256(prepared.conf),
            "application": str(prepared.spark.sparkContext.applicationId),
        }
        used = [{**use, "rows": rows} if rows is not None and use["key"] in keys else use for use in key_uses(prepared)]
        changed = self._policy_changed(state, prepared.conf)
        return [*changed, self._leaf("run_started", "started", body), *map(self._use, used)]

    def _use(self, use: Mapping[str, Any]) -> Leaf:
        return self._leaf("key_use", "used", use)


def started(prepared: Prepared, run_id: str, report: Report) -> Trail:
    """Tell that a run begins. Raises `LogProblem` where that cannot be told, and `LimitReached` where the policy lets
    no more be treated now, which is told: then it must not write anything."""
    trail = Trail(audit_log.opened(prepared.spark, prepared.conf), run_id, report, prepared)
    refusals_told(prepared.spark, prepared.conf, prepared.table, report, trail._start, LimitReached)
    return trail


def left_alone(prepared: Prepared, run_id: str) -> None:
    """Tell of a run of all rows that its target had them already. Raises `LogProblem`."""
    log = audit_log.opened(prepared.spark, prepared.conf)
    if log is None:
        return
    body = {"version": prepared.target.version, "made_from_sha256": prepared.made_from}
    leaf = log.leaf("run_unchanged", now(), table=prepared.table, run_id=run_id, outcome="unchanged", body=body)
    spoken = f"{prepared.table}: nothing was to be written, and the audit log does not say so"
    told(spoken, lambda: log.append(lambda _: [leaf]))


def refusals_told(
    spark: SparkSession,
    conf: Config,
    table: str,
    report: Report,
    step: Callable[[], T],
    errors: type[LakenymError] = LakenymError,
) -> T:
    """``step()``; if it ends with an error, the audit log says that the run was refused, or failed, before it began.
    ``step`` raises no error of Spark's. errors: those that are told."""
    try:
        return step()
    except errors as error:
        if conf.audit is not None:
            _tell_refusal(spark, conf, table, report, error)
        raise


def _tell_refusal(spark: SparkSession, conf: Config, table: str, report: Report, error: LakenymError) -> None:
    try:
        log = audit_log.opened(spark, conf)
        assert log is not None
        kind, outcome = how(error)
        leaf = log.leaf(kind, now(), table=table, outcome=outcome, body=why(error))
        log.append(lambda state: [leaf])
    except Exception as problem:  # the run is refused anyway
        report(Warned(table, f"the audit log does not say that this run was refused ({type(problem).__name__})"))


def key_uses(prepared: Prepared) -> list[dict[str, Any]]:
    """The key versions that a run opens, and what each treats."""
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for reference in prepared.keys.references(prepared.plan).values():
        for each in reference.by_domain.values() if isinstance(reference, KeyReferences) else (reference,):
            if isinstance(each, KeyReference):
                for key_id in each.technique.layer_ids() or (each.key_id,):
                    found.setdefault((each.name, key_id), set()).add((each.technique.technique, each.domain))
    seals = prepared.entry.quarantine
    if seals is not None:
        found.setdefault((seals.key, prepared.keys.ids[seals.key]), set()).add((SEALED, sealed_rows.DOMAIN))
    return [
        {"key": name, "key_id": key_id, "for": [list(use) for use in sorted(uses)]}
        for (name, key_id), uses in sorted(found.items())
    ]
