"""The head of the log of runs: how much it holds, its root, what of it is signed. `jobs/audit.py` verifies it."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import MalformedLeaf
from jobs.audit_log.log import Log, LogProblem
from jobs.audit_log.state import State
from jobs.configuration.config import Config
from jobs.lake import audit_table
from jobs.report_pages.facts.evidence_facts import AuditHead
from jobs.report_pages.facts.plain import Missing
from jobs.signatures import checkpoints
from jobs.signatures.problem import NotSigned
from jobs.spark_app import failures
from privacy_udfs.errors import LakenymError

NONE = Missing("no audit log is configured; conf/audit.yaml says where one is to be (docs/audit.md)")
VERIFY = "python jobs/audit.py verify --conf CONF"


@dataclasses.dataclass(frozen=True)
class Heads:
    """The head of a log with its rows by table and kind."""

    head: AuditHead
    kinds: Mapping[tuple[str, str], int]

    def of_table(self, name: str) -> AuditHead:
        return self._with({kind: many for (table, kind), many in self.kinds.items() if table == name})

    def of_all(self) -> AuditHead:
        whole: dict[str, int] = {}
        for (_, kind), many in self.kinds.items():
            whole[kind] = whole.get(kind, 0) + many
        return self._with(whole)

    def _with(self, kinds: Mapping[str, int]) -> AuditHead:
        return dataclasses.replace(self.head, kinds=dict(sorted(kinds.items())))


def found(spark: SparkSession, conf: Config) -> Heads | Missing:
    log = audit_log.opened(spark, conf)
    if log is None:
        return NONE
    try:
        return failures.translated("the audit log", lambda: _found(log))
    except (LakenymError, MalformedLeaf) as error:
        return Missing(f"the audit log cannot be read ({type(error).__name__})", VERIFY)


def _found(log: Log) -> Heads | Missing:
    if not log.address.exists(log.spark):
        return Missing("the audit log is configured, and no run has written to it yet", "python jobs/pseudonymize.py")
    state = log.state()
    note, covers, signed = _checkpoint(log, state)
    root = base64.b64encode(state.root).decode()
    head = AuditHead(str(log.audit.origin), state.size, root, {}, len(state.open), note, covers, signed)
    return Heads(head, audit_table.counted(log.spark, log.address))


def _checkpoint(log: Log, state: State) -> tuple[str, int, str]:
    """The newest note, the rows that it speaks for, and what can be said of its signature here."""
    try:
        names = log.checkpoint_names()
        if not names:
            return "", 0, ""
        note = log.left(names[-1])
        told = checkpoints.parsed(note.partition("\n\n")[0] + "\n")
    except (LogProblem, NotSigned) as error:
        return "", 0, f"the newest checkpoint cannot be read ({type(error).__name__})"
    if told.size == state.size and told.root != state.root:
        return note, told.size, "it is of other rows than the log has"
    try:
        checkpoints.opened(note, str(log.audit.origin), log.trusted)
    except (NotSigned, LakenymError):
        return note, told.size, "no key at hand has signed it"
    return note, told.size, "signed by the key of the configuration"
