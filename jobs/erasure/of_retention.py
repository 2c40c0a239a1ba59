"""The receipt of what retention took away: signed and verified as that of an erasure is."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import now, plain
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import receipt
from jobs.erasure.outcome import Erased, TableErased
from jobs.retention import killed, trail
from jobs.retention.carried_out import Retained
from jobs.retention.trail import Trail
from jobs.run_events.events import Report, Warned

OWED = (
    "an earlier run was killed, or failed, before it left the receipt that was asked for: the next run with --receipt "
    "FILE tells of it"
)


def check(spark: SparkSession, conf: Config, path: Path) -> None:
    """Raise `BadUsage` where none can be made, or it would be written over another file: before anything is taken
    away."""
    log = audit_log.opened(spark, conf)
    if log is None or log.audit.signing_key is None:
        raise BadUsage("a receipt is signed by the key of the audit log: name one in audit.yaml (signing_key)")
    if path.exists():
        raise BadUsage("--receipt: there is a file already: name another one")
    if not path.parent.is_dir():
        raise BadUsage("--receipt: there is no such folder: make it first")
    log.signer()


def opened(spark: SparkSession, conf: Config, tables: Sequence[str], path: Path | None, report: Report) -> Trail:
    """What the audit log is told. It is to end with a receipt where one is asked for, and where one is owed and can be
    left beside the checkpoints. path: of the file that is asked for."""
    found = trail.opened(spark, conf)
    if path is None and not found.owed(tables):
        return found
    if path is None and not _can_be_left(found.log):
        report(Warned("", OWED))
        return found
    return dataclasses.replace(found, receipt=str(uuid.uuid4()))


def _can_be_left(log: Log | None) -> bool:
    if log is None or log.audit.signing_key is None or log.audit.checkpoints is None:
        return False
    try:
        log.signer()
    except Refused:
        return False
    return True


def left(told: Trail, tables: Sequence[Retained], path: Path | None) -> str:
    """Leave one, as the file, beside the checkpoints of the audit log, and by its hash in the log; its text."""
    log, run_id, there = told.log, told.receipt, [each for each in tables if each.is_there]
    assert log is not None, "who is to leave a receipt has a log"
    assert run_id is not None, "and its id"
    moment = datetime.datetime.now(datetime.timezone.utc)
    done = tuple(made for each in there for made in _of_table(each))
    text = receipt.of_retention(Erased(run_id, moment, "", 0, False, done, ()), log.signer())
    if path is not None:
        whole_files.create(path, text)
    if log.audit.checkpoints is not None:
        log.leave(f"retention-{run_id}.intoto.json", text)
    body = {"receipt_sha256": hashlib.sha256(text.encode()).hexdigest(), "tables": [each.table for each in tables]}
    also = told.owed([each.table for each in there])
    said = {**body, **({killed.ALSO: also} if also else {})}
    leaf = log.leaf(trail.KIND, now(), table="", run_id=run_id, outcome=killed.RECEIPT, body=plain(said))
    log.append(lambda state: [leaf])
    return text


def _of_table(each: Retained) -> Iterator[TableErased]:
    """What earlier runs took away, then what this one did, which alone tells what remains."""
    for made in each.earlier:
        assert made.rows is not None, "of what is not known a receipt tells nothing"
        yield TableErased(each.table, each.place, made.before, made.version, made.rows, 0, made.files)
    before, after = each.looked_at, each.looked_at if each.version is None else each.version
    yield TableErased(each.table, each.place, before, after, each.rows, 0, each.counted.files, tuple(each.remains))
