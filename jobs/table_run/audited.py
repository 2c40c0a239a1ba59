"""What a run tells the audit log: that it starts, before it writes anything, and how it ended.

A run whose start cannot be told writes nothing. One whose end cannot be told has committed, says so, and ends with an
error; the next run tells it by the target's history.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from jobs.audit_log import limits, settling, statements, targets, uses
from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import ENDS, Kind, Leaf, now, plain
from jobs.audit_log.limits import LimitReached
from jobs.audit_log.log import Log, LogProblem
from jobs.audit_log.state import State
from jobs.audit_log.uses import SEALED
from jobs.configuration import config
from jobs.configuration.audit_entry import MEGABYTE
from jobs.configuration.config import Config
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import canonical_json
from jobs.console.exit_codes import FAILED
from jobs.gates import used_up
from jobs.gates.known import Prepared
from jobs.lake import audit_table, delta_commit, replace
from jobs.lake.address import Address
from jobs.lake.problems import CommitConflict, PassedOver
from jobs.lake.record_names import RECORD
from jobs.lake.state import TargetState
from jobs.run_events.events import Report, Warned, as_data
from jobs.table_run import limited
from jobs.table_run.aside import Aside
from jobs.table_run.result import Result, summary
from privacy_udfs import sealed_rows
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import KeyReference, KeyReferences

T = TypeVar("T")
LONGEST_REASON = 2000
NOT_TOLD = "it no longer says that the run was started: it was taken away, cut, or made anew"
OF_RUN = (
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
)
"""Of what the event of a commit says."""


@dataclasses.dataclass(frozen=True)
class Trail:
    """What a run tells. log: None where the configuration names none; then nothing is told."""

    log: Log | None
    prepared: Prepared
    run_id: str
    report: Report

    def committed(self, result: Result, record: Mapping[str, str]) -> None:
        """Raises `LogProblem` where the log cannot be written; the commit stands."""
        if self.log is None:
            return
        log, spoken = self.log, f"{self.prepared.table}: version {result.version} was committed"
        told: list[tuple[State, Leaf, Mapping[str, Any]]] = []
        _told(f"{spoken}, and the audit log does not say so", lambda: told.extend(self._committed(log, result, record)))
        for state, leaf, body in told:
            whole = f"{spoken} and the audit log says so, but no checkpoint of that was left"
            _told(whole, functools.partial(self._sign, log, state, leaf, body, record))
            if any(run.get("location") == body["location"] for run in state.open.values()):
                self._settle(log, str(body["location"]))

    def _committed(self, log: Log, result: Result, record: Mapping[str, str]) -> Iterator[Any]:
        """The state of the log with the leaf that tells of a commit, the leaf, and its body."""
        if result.execution == "none":
            log.append(self._once(lambda: self._leaf("run_unchanged", "unchanged", {"version": result.version})))
            return
        location = self._location()
        body = {**self._about(result, record), **targets.told(log.spark, location, result.version, self._most(log))}
        if log.audit.checkpoints is not None:
            body["checkpoint"] = True
        state, added = log.append(self._once(lambda: self._leaf("run_committed", "committed", body)))
        yield from ((state, leaf, body) for leaf in added)

    def _sign(self, log: Log, state: State, leaf: Leaf, body: Mapping[str, Any], record: Mapping[str, str]) -> None:
        if log.audit.checkpoints is None:
            return
        line = audit_log.of_table(self.prepared.table, int(body["version"]), body["files"]["sha256"])
        log.leave(audit_log.name_of(state.size), log.signed(state, [line]))
        index = state.size - 1
        log.leave(statements.name_of(index), statements.of_run(leaf, index, log.signer(), record.get(RECORD)))

    def _settle(self, log: Log, location: str) -> None:
        """Tell of earlier runs of the target that did not; a later run can do it as well."""
        try:
            settling.settle(log, location)
        except Exception as problem:
            told = f"the audit log does not say how an earlier run ended ({type(problem).__name__})"
            self.report(Warned(self.prepared.table, told))

    def _most(self, log: Log) -> int:
        return log.audit.contents_up_to_mb * MEGABYTE

    def _about(self, result: Result, record: Mapping[str, str]) -> dict[str, Any]:
        told = as_data(summary(result))
        prepared, source = self.prepared, self.prepared.source
        return {
            **{name: told[name] for name in OF_RUN if told.get(name) is not None},
            "columns": {path: list(counts) for path, counts in result.counts.items()},
            "configuration_sha256": config.snapshot_sha256(prepared.conf, prepared.table),
            "policy_version": prepared.conf.policy.version,
            "source": prepared.entry.source.describe(),
            "source_version": source.version,
            "target": prepared.target.name,
            "location": self._location(),
            "record_sha256": statements.sha256(record[RECORD]),
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

        def check_told(state: State) -> None:
            if self.run_id not in state.open and not self._ends():
                raise LogProblem(NOT_TOLD)

        def rows(state: State) -> Sequence[Leaf]:
            check_told(state)
            return self._rows(log, limited.rows_of(self.prepared, aside))

        if used_up.counts_rows(self.prepared):
            log.add_or_refuse(rows, spoken)
        else:
            _told(spoken, lambda: check_told(log.state()))

    def _charge(self, rows: int, names: Collection[str]) -> None:
        """Tell that so many rows are treated under keys, before it is known what becomes of them; where rows are kept
        out, of which nobody is to know how many, the next power of two. The row before the commit takes its place.
        Raises as `_still_told`."""
        assert self.log is not None
        log, spoken = self.log, f"{self.prepared.table}: the audit log was changed meanwhile, and nothing was committed"
        told = rows if self.prepared.entry.suppress is None else 1 << max(0, rows - 1).bit_length()

        def made(state: State) -> Sequence[Leaf]:
            if self.run_id not in state.open and not self._ends():
                raise LogProblem(NOT_TOLD)
            return self._rows(log, dict.fromkeys(names, told))

        log.add_or_refuse(made, spoken)

    def _rows(self, log: Log, rows: Mapping[str, int]) -> list[Leaf]:
        stated, used = self.prepared.conf.policy.limits, used_up.keys_of(self.prepared)
        keys = {name: key_id for name, key_id in used.items() if name in rows}
        assert stated is not None, "then no rows are counted"
        is_told = self.prepared.entry.suppress is None  # of a target that nobody sees, not even what stays
        limits.check_rows(log, stated, keys, rows, self.run_id, is_told)
        told = [{"key": name, "key_id": key_id, "rows": rows[name]} for name, key_id in keys.items()]
        return [self._leaf(uses.ROWS, "treated", each) for each in told]

    def ended_by(self, error: BaseException) -> None:
        """Tell that a run was refused or failed, where it is certain that it committed nothing; what else became of it
        is told later, by the target's history. Warns where the log cannot be written."""
        if self.log is None:
            return
        log, kind, outcome = self.log, *_how(error)
        try:
            if self._committed_nothing(error):
                log.append(self._once(lambda: self._leaf(kind, outcome, _why(error))))
                return
            told = "nobody knows whether it committed; the next run tells the audit log by the target's history"
        except Exception as problem:
            told = f"the audit log does not say how this run ended ({type(problem).__name__})"
        self.report(Warned(self.prepared.table, told))

    def _committed_nothing(self, error: BaseException) -> bool:
        """Whether that is certain: the store was never asked for the commit, or Delta refused it. After any other
        error, and after an interruption, the commit may still be on its way."""
        begun = self.prepared.target.transaction
        if begun is not None and not begun.is_asked_for.is_set():
            return True
        assert self.log is not None
        target = Address(path=self._location())
        return isinstance(error, CommitConflict | PassedOver) and (
            not target.exists(self.log.spark) or replace.lacks(self.log.spark, TargetState(target), self.run_id)
        )

    def _location(self) -> str:
        return self.prepared.target.location or Address.of(self.prepared.entry.target).location(self.prepared.spark)

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
        told = audit_table.chosen(self.log.spark, self.log.address, {"kind": ENDS, "run_id": [self.run_id]})
        return {str(row["kind"]) for row in told}

    def _leaf(self, kind: Kind, outcome: str, body: Mapping[str, Any]) -> Leaf:
        assert self.log is not None
        about = {"table": self.prepared.table, "run_id": self.run_id, "outcome": outcome}
        return self.log.leaf(kind, now(), body=plain(body), **about)

    def _start(self) -> None:
        if self.log is None:
            return
        spoken = f"{self.prepared.table}: the audit log cannot be written, and nothing was committed"
        if self.log.audit.signing_key is not None:
            _told(spoken, self.log.signer)  # a run whose end could not be signed does not begin
        rows = used_up.announced(self.prepared) if used_up.counts_rows(self.prepared) else None
        self.log.add_or_refuse(functools.partial(self._leaves, rows), spoken)

    def _leaves(self, rows: int | None, state: State) -> list[Leaf]:
        """Raises `LimitReached`. rows: that it says beforehand to treat."""
        prepared, policy = self.prepared, _policy_sha256(self.prepared.conf)
        keys = used_up.keys_of(prepared)
        if keys and prepared.conf.policy.limits is not None and self.log is not None:
            limits.check_start(self.log, prepared.conf.policy.limits, keys, rows)
        version = prepared.conf.policy.version
        body = {
            "mode": prepared.mode,
            "source": prepared.entry.source.describe(),
            "target": prepared.target.name,
            "location": prepared.target.location or "",
            "version": prepared.target.version,
            **self._looked_at(),
            "configuration_sha256": config.snapshot_sha256(prepared.conf, prepared.table),
            "policy_version": version,
            "policy_sha256": policy,
            "application": str(prepared.spark.sparkContext.applicationId),
        }
        change = {"before_sha256": state.policy, "policy_sha256": policy, "policy_version": version}
        changed = [self._leaf("policy_change", "changed", change)] if state.policy not in ("", policy) else []
        used = [{**use, "rows": rows} if rows is not None and use["key"] in keys else use for use in key_uses(prepared)]
        return [*changed, self._leaf("run_started", "started", body), *map(self._use, used)]

    def _looked_at(self) -> dict[str, Any]:
        """By which the very table is known again that the run looked at; nothing where there was none."""
        begun = self.prepared.target.transaction
        if begun is None or begun.version < 0:
            return {}
        found = delta_commit.commit_digest(self.prepared.spark, begun.log, begun.version)
        return {} if found is None else {"commit_sha256": found}

    def _use(self, use: Mapping[str, Any]) -> Leaf:
        return self._leaf("key_use", "used", use)


def started(prepared: Prepared, run_id: str, report: Report) -> Trail:
    """Tell that a run begins. Raises `LogProblem` where that cannot be told, and `LimitReached` where the policy lets
    no more be treated now, which is told: then it must not write anything."""
    trail = Trail(audit_log.opened(prepared.spark, prepared.conf), prepared, run_id, report)
    refusals_told(prepared.spark, prepared.conf, prepared.table, report, trail._start, LimitReached)
    return trail


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
        kind, outcome = _how(error)
        leaf = log.leaf(kind, now(), table=table, outcome=outcome, body=_why(error))
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


def _policy_sha256(conf: Config) -> str:
    return statements.sha256(canonical_json(conf.written[POLICY]))


def _how(error: BaseException) -> tuple[Kind, str]:
    refused = isinstance(error, LakenymError) and error.exit_code != FAILED
    return ("run_refused", "refused") if refused else ("run_failed", "failed")


def _why(error: BaseException) -> dict[str, Any]:
    """Messages of ours hold no value; those of others may."""
    reason = str(error) if isinstance(error, LakenymError) else "unexpected"
    return {"error": type(error).__name__, "reason": reason[:LONGEST_REASON]}


def _told(spoken: str, step: Callable[[], object]) -> None:
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
