"""The receipt of what retention took away: signed and verified as that of an erasure is."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Leaf, now, plain
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.configuration.config import Config
from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import receipt
from jobs.erasure.outcome import Erased, TableErased
from jobs.lake.commits_of_runs import OfRun
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
    """Leave one, as the file, beside the checkpoints of the audit log, and by its hash in the log; its text. The row of
    the log is what makes it one: where another run's receipt tells of the same meanwhile, it is made anew without."""
    log, run_id = told.log, told.receipt
    assert log is not None, "who is to leave a receipt has a log"
    assert run_id is not None, "and its id"
    there, settled = [each for each in tables if each.is_there], dict[str, int]()
    for each in there:
        settled |= each.before_it.settled
        settled[each.run_id] = each.looked_at if each.own is None else each.own.version
    while True:
        known = _known(log, settled)
        text, also = _written(log, run_id, there, known)
        body = {"receipt_sha256": hashlib.sha256(text.encode()).hexdigest(), "tables": [each.table for each in tables]}
        said = {**body, **({killed.ALSO: also} if also else {}), killed.UP_TO: settled}
        leaf = log.leaf(trail.KIND, now(), table="", run_id=run_id, outcome=killed.RECEIPT, body=plain(said))
        _keep(log, run_id, text, path)
        if log.append(functools.partial(_unless_overtaken, log, settled, known, leaf))[1]:
            return text
        _take_back(log, run_id, path)
        run_id = str(uuid.uuid4())


def _known(log: Log, runs: Collection[str]) -> dict[str, int]:
    """Up to which version receipts tell of some runs by now."""
    return {run: version for run, version in killed.left_up_to(log.leaves(trail.KIND)).items() if run in runs}


def _unless_overtaken(log: Log, runs: Collection[str], known: Mapping[str, int], leaf: Leaf, _: State) -> list[Leaf]:
    """Within the transaction that adds the row."""
    return [leaf] if _known(log, runs) == known else []


def _written(log: Log, run_id: str, there: Sequence[Retained], known: Mapping[str, int]) -> tuple[str, list[str]]:
    """The text of a receipt, and which earlier runs it tells of."""
    moment, done, also = datetime.datetime.now(datetime.timezone.utc), list[TableErased](), list[str]()
    for each in there:
        for earlier in each.before_it.earlier:
            if (rest := earlier.after(known.get(earlier.run_id, -1))) is not None:
                done.append(_of_run(each, rest))
                also.append(earlier.run_id)
        done.append(_of_own(each, known))
    return receipt.of_retention(Erased(run_id, moment, "", 0, False, tuple(done), ()), log.signer()), also


def _of_own(each: Retained, known: Mapping[str, int]) -> TableErased:
    """What this run did, which alone tells what remains."""
    rest = None if each.own is None else each.own.after(known.get(each.own.run_id, -1))
    if rest is not None:
        made = _of_run(each, rest)
    else:
        stands = each.looked_at if each.own is None else each.own.version
        made = TableErased(each.table, each.place, stands, stands, 0, 0, 0)
    return dataclasses.replace(made, remains=tuple(each.remains))


def _of_run(each: Retained, made: OfRun) -> TableErased:
    assert made.rows is not None, "of what is not known a receipt tells nothing"
    return TableErased(each.table, each.place, made.before, made.version, made.rows, 0, made.files)


def _keep(log: Log, run_id: str, text: str, path: Path | None) -> None:
    if path is not None:
        whole_files.create(path, text)
    if log.audit.checkpoints is not None:
        log.leave(_name(run_id), text)


def _take_back(log: Log, run_id: str, path: Path | None) -> None:
    if path is not None:
        path.unlink()
    if log.audit.checkpoints is not None:
        log.take_back(_name(run_id))


def _name(run_id: str) -> str:
    return f"retention-{run_id}.intoto.json"
