"""Keys that are near a limit of the policy, by the audit log: what is over it is refused."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.audit_log import limits
from jobs.audit_log import log as audit_log
from jobs.audit_log.limits import Room
from jobs.configuration.config import Config
from jobs.monitoring.finding import Finding, Level
from jobs.spark_app import failures
from privacy_udfs.errors import LakenymError

NEAR = 0.8
"""The share of a limit from which on it is told."""
ANY = -1
"""Keys are known by their names: no keyset is opened."""


def findings(spark: SparkSession, conf: Config) -> list[Finding]:
    """Of the whole house, whichever tables are watched. Nothing where there are no limits, or there is no log: that the
    policy's own check tells."""
    stated = conf.policy.limits
    log = None if stated is None else audit_log.opened(spark, conf)
    if stated is None or log is None:
        return []
    keys = dict.fromkeys(sorted(conf.keys), ANY)
    try:
        rooms = failures.translated("", lambda: limits.rooms(log, stated, keys))
    except LakenymError as error:
        return [Finding("alert", "", "limit", f"the audit log cannot be counted by: {error}", "mend that first")]
    return [*_near(rooms)]


def _near(rooms: list[Room]) -> Iterator[Finding]:
    for room in rooms:
        if room.used >= NEAR * room.bound:
            level: Level = "alert" if room.left == 0 else "warn"
            message = f"key {room.key}: {room.used} of {room.bound} {room.name} were counted"
            to_do = "what is more is refused: find out who treats so much, or raise the limit"
            yield Finding(level, "", "limit", message, to_do)
