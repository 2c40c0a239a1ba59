"""What an erasure leaves behind it: subjects on the list of the erased, rows of the audit log, a signed receipt.

First the audit log is told that it begins, then the subjects go to the list, and only then is anything deleted: so a
run that goes on beside it, or comes later, does not bring them back.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.audit_log import erasure_rows
from jobs.configuration.config import Config
from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import commitment, keeping_out, killed, receipt, trail
from jobs.erasure.commitment import IDS, PSEUDONYMS, Commitment
from jobs.erasure.outcome import Earlier, Erased, TableErased
from jobs.erasure.trail import Trail
from jobs.lake.erased_list import ErasedList
from jobs.named_keys import erasure_key
from jobs.named_keys.erasure_key import ErasureKey
from jobs.run_events.events import Report
from jobs.subjects.asked import Asked
from jobs.subjects.search import Search

NO_KEY = "policy.yaml names no key of erasures (erasure: {key: ...}), by which a receipt tells whom it is about"


@dataclasses.dataclass
class Proof:
    """Of one erasure: what `jobs.erasure.carried_out` tells. path: of the receipt; None where none is asked for.
    receipt: its text, in the end. killed: earlier runs of the same subjects, and of which tables they told up to
    which version."""

    spark: SparkSession
    conf: Config
    asked: Asked
    path: pathlib.Path | None
    report: Report
    key: ErasureKey | None
    log: Trail | None = None
    listed: ErasedList | None = None
    receipt: str | None = None
    killed: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)

    def began(self, search: Search, planned: Erased) -> None:
        """Raises what keeps anything from being deleted."""
        who = self._who(planned.run_id)
        same = None if who is None else who.same
        self.log = trail.opened(self.spark, self.conf, planned.run_id, self.asked.domain, same, self.report)
        if self.path is not None and self.log.signer is None:
            raise Refused("a receipt is signed by the key of the audit log: name one in audit.yaml (signing_key)")
        if self.log.log is not None:
            rows = erasure_rows.leaves(self.log.log)
            self.killed = killed.unfinished(rows, self._sames(), self.asked.domain, planned.subjects)
        tables = sorted(each.treated.name for each in search.held.tables)
        self.log.began(tables, planned.subjects, {"forced": planned.forced, "sames": self._sames()})
        self.listed = self._put(planned.run_id)

    def still_told(self) -> None:
        """Whoever is erased stands on the list as long as rows are deleted."""
        if self.listed is not None:
            keeping_out.check_still(self.listed)

    def erased(self, table: TableErased) -> None:
        """Told at once: an erasure that is killed later, and run again, finds nothing there any more. What one took out
        that was killed before it told that is told now."""
        assert self.log is not None, "what is erased from has begun"
        for made, more in killed.of_table(self.spark, table, self.killed, self.log.run_id):
            self.log.erased_before(table.name, made, more)
        self.log.erased(table)

    def ended(self, search: Search, made: Erased) -> None:
        assert self.log is not None, "what ends has begun"
        who, signer, earlier = self._who(made.run_id), self.log.signer, list[Earlier]()
        if who is not None and signer is not None:
            listed = None if self.listed is None else (self.listed.entry.id, self.listed.version)
            earlier = self._earlier()
            told = dataclasses.replace(made, subjects=len(who.leaves), earlier=earlier)
            self.receipt = receipt.written(told, who, listed, signer)
            self._keep(made.run_id, self.receipt)
        self.log.ended(made, self.receipt, earlier)

    def failed(self, error: BaseException) -> None:
        if self.log is not None:
            self.log.failed(error)

    def _who(self, run_id: str) -> Commitment | None:
        if self.key is None:
            return None
        told_by = IDS if self.asked.held_in is None else PSEUDONYMS
        return commitment.of(self.key, self.asked.domain, run_id, self.asked.ids, told_by)

    def _sames(self) -> list[str]:
        told_by = IDS if self.asked.held_in is None else PSEUDONYMS
        return [] if self.key is None else commitment.sames(self.key, self.asked.domain, self.asked.ids, told_by)

    def _earlier(self) -> list[Earlier]:
        """What this receipt is to tell of earlier runs."""
        if not self.killed or self.log is None or self.log.log is None:
            return []
        return killed.untold(erasure_rows.leaves(self.log.log), self.killed)

    def _put(self, run_id: str) -> ErasedList | None:
        if self.asked.held_in is not None:
            keeping_out.needs_ids(self.conf, self.asked.domain)
            return None
        return keeping_out.add(self.spark, self.conf, self.asked.domain, self.asked.ids, run_id)

    def _keep(self, run_id: str, text: str) -> None:
        """As the file that was asked for, and beside the checkpoints of the audit log."""
        if self.path is not None:
            whole_files.create(self.path, text)
        log = None if self.log is None else self.log.log
        if log is not None and log.audit.checkpoints is not None:
            log.leave(f"erasure-{run_id}.intoto.json", text)


def opened(spark: SparkSession, conf: Config, asked: Asked, path: pathlib.Path | None, report: Report) -> Proof:
    """Raises `BadUsage` where a receipt is asked for that cannot be made, or would be written over another file."""
    key = erasure_key.of(conf)
    if path is not None and key is None:
        raise BadUsage(NO_KEY)
    if path is not None and conf.audit is None:
        raise BadUsage("a receipt is signed by the key of the audit log, and there is no audit.yaml")
    if path is not None and path.exists():
        raise BadUsage("--receipt: there is a file already: name another one")
    if path is not None and not path.parent.is_dir():
        raise BadUsage("--receipt: there is no such folder: make it first")
    if asked.held_in is not None:
        keeping_out.needs_ids(conf, asked.domain)
    return Proof(spark, conf, asked, path, report, key)
