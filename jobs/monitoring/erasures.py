"""What of erasures wants somebody, by the audit log: those that began and have not ended, or failed, and what remained
until a day that is past, and nobody finished."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.audit_log.erasure_rows import BEGAN, FAILED, WAITS, Stands
from jobs.audit_log.leaves import text_of
from jobs.configuration.config import Config
from jobs.monitoring.finding import Finding, Level
from jobs.spark_app import failures
from privacy_udfs.errors import LakenymError

SOON, OPEN = datetime.timedelta(hours=1), datetime.timedelta(hours=24)
"""After so long an erasure that has not told how it ended is warned of, and alerted of."""
AGAIN = "run jobs/erase.py again, with the same ids: it goes on where tables stand"
BUT_FOR = (
    "run jobs/erase.py again, without the ids that were taken off the list of the erased since {}Z, if any are among "
    "them: they would be erased again"
)
LET_GO = (
    "see that VACUUM and the log's clean-up took it (of treated tables jobs/retain.py with versions_days); do not "
    "erase them again for it"
)
LET_GO_FOR = datetime.timedelta(days=30)


def findings(spark: SparkSession, conf: Config, now: datetime.datetime) -> list[Finding]:
    """Of the whole house. Nothing where there is no audit log. now: in UTC."""
    log = audit_log.opened(spark, conf)
    if log is None:
        return []
    try:
        rows = failures.translated("", lambda: erasure_rows.leaves(log))
    except LakenymError as error:
        return [Finding("alert", "", "erasure", f"the audit log cannot be read: {error}", "mend that first")]
    stand = [found for each in erasure_rows.standing(rows) for found in of_one(each, now)]
    return [*stand, *(found for _, each in erasure_rows.let_go(rows) for found in of_let_go(each, now))]


def of_let_go(each: Stands, now: datetime.datetime) -> Iterator[Finding]:
    """Told from its day on, for as long as a log is kept unless its table says otherwise: nobody tells that it went."""
    if each.until is not None and each.until <= now.date() <= each.until + LET_GO_FOR:
        what = f"erasure {each.run_id} of domain {each.domain}"
        told = f"{what} waited until {each.until} when its subjects were taken off the list of the erased: "
        told += "no run purges what it left in older versions, change files and logs"
        yield Finding("warn", "", "erasure", told, LET_GO)


def of_one(each: Stands, now: datetime.datetime) -> Iterator[Finding]:
    what, mend = f"erasure {each.run_id} of domain {each.domain}", AGAIN
    if each.off is not None:
        mend = BUT_FOR.format(each.off[:16])
    if each.outcome == BEGAN and each.began < text_of(now - SOON):
        level: Level = "alert" if each.began < text_of(now - OPEN) else "warn"
        yield Finding(level, "", "erasure", f"{what} began at {each.began[:16]}Z and has not told how it ended", mend)
    if each.outcome == FAILED:
        yield Finding("alert", "", "erasure", f"{what} failed: rows of its subjects may be there", mend)
    if each.outcome != WAITS:
        return
    if each.until is not None and each.until <= now.date():
        told = f"what {what} left was to go by {each.until}, and no further run has told that it is gone"
        yield Finding("alert", "", "erasure", told, mend)
    if each.by_hand:
        told = f"{what} left something that no run takes away, or nobody looked into"
        yield Finding("warn", "", "erasure", told, f"its receipt says what, and where: see to it, then {mend}")
