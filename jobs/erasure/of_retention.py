"""The receipt of what retention took away: signed and verified as that of an erasure is."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import now, plain
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage
from jobs.erasure import receipt
from jobs.erasure.outcome import Erased, TableErased
from jobs.retention import trail
from jobs.retention.carried_out import Retained

RECEIPT = "receipt"
"""The outcome of the row by which the audit log keeps the hash of one."""


def check(spark: SparkSession, conf: Config, path: Path) -> Log:
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
    return log


def left(log: Log, tables: Sequence[Retained], path: Path) -> str:
    """Leave one, as the file, beside the checkpoints of the audit log, and by its hash in the log; its text."""
    run_id = str(uuid.uuid4())
    moment = datetime.datetime.now(datetime.timezone.utc)
    told = Erased(run_id, moment, "", 0, False, tuple(_table(each) for each in tables if each.is_there), ())
    text = receipt.of_retention(told, log.signer())
    whole_files.create(path, text)
    if log.audit.checkpoints is not None:
        log.leave(f"retention-{run_id}.intoto.json", text)
    body = {"receipt_sha256": hashlib.sha256(text.encode()).hexdigest(), "tables": [each.table for each in tables]}
    leaf = log.leaf(trail.KIND, now(), table="", run_id=run_id, outcome=RECEIPT, body=plain(body))
    log.append(lambda state: [leaf])
    return text


def _table(each: Retained) -> TableErased:
    before, after = each.looked_at, each.looked_at if each.version is None else each.version
    return TableErased(each.table, each.place, before, after, each.rows, 0, each.counted.files, tuple(each.remains))
