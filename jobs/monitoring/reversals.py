"""What of the way back wants somebody, by the audit log: runs without an approval that nobody has looked at, and tables
of clear values that are past their time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.monitoring.finding import Finding
from jobs.reversal import remains, review, trail
from jobs.reversal.approval import TIME
from jobs.spark_app import failures
from privacy_udfs.errors import LakenymError


def findings(spark: SparkSession, conf: Config, now: datetime.datetime) -> list[Finding]:
    """Of the whole house, whichever tables are watched. Nothing where there is no audit log."""
    log = audit_log.opened(spark, conf)
    if log is None:
        return []
    try:
        return failures.translated("", lambda: [*_reviews(log, conf, now), *_expired(log, now)])
    except LakenymError as error:
        return [Finding("alert", "", "reversal", f"the audit log cannot be read: {error}", "mend that first")]


def _reviews(log: Log, conf: Config, now: datetime.datetime) -> Iterator[Finding]:
    for each in review.due(log, conf.policy):
        when = each.by.strftime(TIME)
        told = f"run {each.run_id} had values turned back without an approval, for {each.actor}"
        to_do = f"an approver looks at it, then signs: approve.py --review {each.run_id}"
        if now >= each.by:
            yield Finding("alert", each.table, "break_glass", f"{told}; the review was due by {when}", to_do)
        else:
            yield Finding("warn", each.table, "break_glass", f"{told}; the review is due by {when}", to_do)


def _expired(log: Log, now: datetime.datetime) -> Iterator[Finding]:
    for leaf in remains.watched(trail.leaves(log, remains.OUTCOMES)):
        output, expires = leaf.body.get("output"), str(leaf.body.get("expires", ""))
        if now.strftime(TIME) >= expires:
            message = f"{output} may hold values in clear, and was to be removed by {expires}"
            yield Finding("alert", leaf.table, "reversal", message, f"reidentify.py --expire {output}")
