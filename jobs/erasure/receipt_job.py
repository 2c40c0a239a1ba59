"""What `jobs/erase.py` does beside erasing: it makes the list of the erased, and verifies receipts."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Kind
from jobs.configuration.config import Config
from jobs.console import file_errors
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.shown import as_json, say, shown
from jobs.erasure import commitment, proof, receipt, receipt_check
from jobs.erasure.receipt import Receipt
from jobs.erasure.receipt_check import Check
from jobs.lake.log_commits import ERASURE, RETENTION
from jobs.named_keys import erasure_key
from jobs.retention import trail
from jobs.signatures import keys
from jobs.signatures.keys import PublicKey
from jobs.spark_app import session
from jobs.subjects.asked import Asked

KINDS: Mapping[str, Kind] = {ERASURE: erasure_rows.KIND, RETENTION: trail.KIND}
NOT_LOGGED = (
    "the audit log does not keep its hash: the run that wrote it ended before it told, and a later one tells what it "
    "did; or the log is another one"
)
LET_GO = (
    "its subjects were taken off the list of the erased since, while it waited for its day: no run purges what it "
    "left, and runs may have brought back what sources have of them; do not run jobs/erase.py again for it"
)
Verified = tuple[Receipt, list[Check], tuple[int, int] | None]


def verified(
    spark: SparkSession, conf: Config, path: Path, public_keys: Sequence[str] = (), asked: Asked | None = None
) -> Verified:
    """A receipt: what it says, what is so today, and of the ids that are asked for how many were among its subjects,
    and how many there are. Raises `NotSigned` where it is not as it was signed. public_keys: as ``audit.py key`` prints
    them, to be trusted beside the configuration's own."""
    try:
        text = path.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise BadUsage(f"--verify-receipt: {path} cannot be read as text: {file_errors.why(error)}") from None
    found = receipt.opened(text, _trusted(spark, conf, public_keys))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    told = [*receipt_check.checks(session.for_run(spark), found, today)]
    if not public_keys:  # else the log that keeps it may be another one
        told += _logged(spark, conf, found, text)
    return found, told, None if asked is None else _among(conf, found, asked)


def _trusted(spark: SparkSession, conf: Config, public_keys: Sequence[str]) -> tuple[PublicKey, ...]:
    given = keys.parsed(public_keys)
    if given:
        return given
    log = audit_log.opened(spark, conf)
    own = () if log is None else log.trusted
    if not own:
        raise BadUsage("nobody says who may have signed it: give --public-key, or name signing_key in audit.yaml")
    return own


def _logged(spark: SparkSession, conf: Config, found: Receipt, text: str) -> Iterator[Check]:
    """A run that was killed, or overtaken, before its row of the log may leave a file: another receipt tells of what it
    did."""
    log, digest = audit_log.opened(spark, conf), hashlib.sha256(text.encode()).hexdigest()
    assert log is not None, "its keys are trusted"
    rows = log.leaves(KINDS[found.mode])
    if any(row.body.get("receipt_sha256") == digest for row in rows):
        yield Check("ok", "", "the audit log keeps its hash")
    else:
        yield Check("fails", "", NOT_LOGGED)
    if found.mode == ERASURE and any(each.run_id == found.outcome.run_id for _, each in erasure_rows.let_go(rows)):
        yield Check("unknown", "", LET_GO)


def _among(conf: Config, found: Receipt, asked: Asked) -> tuple[int, int]:
    if found.mode != ERASURE:
        raise BadUsage("the receipt is of retention, which takes out no subjects: leave the ids out")
    key = erasure_key.of(conf)
    if key is None:
        raise BadUsage(proof.NO_KEY)
    if asked.domain != found.outcome.domain:
        raise BadUsage(f"the receipt is of domain {found.outcome.domain}: say --domain {found.outcome.domain}")
    told_by = commitment.IDS if asked.held_in is None else commitment.PSEUDONYMS
    if told_by != found.commitment.told_by:
        raise BadUsage(f"the subjects of the receipt were told by {found.commitment.told_by}: give those")
    return commitment.among(key, found.commitment, found.outcome.domain, found.outcome.run_id, asked.ids)


def told(
    spark: SparkSession, conf: Config, path: Path, public_keys: Sequence[str], asked: Asked | None, in_json: bool
) -> int:
    """Say what `verified` found; the exit code."""
    found = verified(spark, conf, path, public_keys, asked)
    say(as_json(as_data(*found)) if in_json else "\n".join(map(shown, lines(*found))))
    return exit_code(*found[1:])


def exit_code(told: Sequence[Check], among: tuple[int, int] | None) -> int:
    all_among = among is None or among[0] == among[1]
    return DONE if all_among and all(each.outcome in ("ok", "waits") for each in told) else REFUSED


def lines(found: Receipt, told: Sequence[Check], among: tuple[int, int] | None) -> Iterator[str]:
    outcome = found.outcome
    many = "1 subject" if outcome.subjects == 1 else f"{outcome.subjects} subjects"
    yield f"signed by {found.signed_by.partition('+')[0]}, as it was written: {found.mode} {outcome.run_id}"
    of = f"of {many} of domain {outcome.domain}, " if found.mode == ERASURE else ""
    yield f"{of}{outcome.moment:%Y-%m-%d %H:%M} UTC, by {found.software}"
    for each in told:
        yield f"{each.outcome}: {f'{each.table}: ' if each.table else ''}{each.told}"
    if among is not None:
        yield f"{among[0]} of {among[1]} ids that were given are among its subjects"


def as_data(found: Receipt, told: Sequence[Check], among: tuple[int, int] | None) -> dict[str, Any]:
    outcome = found.outcome
    return {
        "mode": found.mode,
        "run_id": outcome.run_id,
        "domain": outcome.domain,
        "subjects": outcome.subjects,
        "signed_by": found.signed_by,
        "checks": [{"outcome": each.outcome, "table": each.table, "told": each.told} for each in told],
        **({} if among is None else {"among": among[0], "asked": among[1]}),
    }
