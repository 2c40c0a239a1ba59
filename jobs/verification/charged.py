"""What is treated again to verify a table is told the audit log, where the policy limits its keys.

Nothing of it is shown but how many rows are as they should be; but who chooses the rows of the source learns by that
which of them the table has.
"""

from __future__ import annotations

import math
import uuid

from pyspark.sql import DataFrame

from jobs.audit_log import limits, log
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import log_counts
from jobs.treatment.treatment_plan import Plan

BY = {"by": "verify"}
NO_LOG = "policy.yaml limits what is treated under keys, which is counted in the audit log: state it in audit.yaml"


def charge(conf: Config, plan: Plan, source: DataFrame, table: DataFrame) -> None:
    """Before anything is treated. conf: the one at hand, whatever decided when the table was made. Raises
    `LimitReached` where there is no room, and what the log does."""
    stated = conf.policy.limits
    used = {each.treatment.key: each.key_id for each in plan.keyed}
    keys = limits.of(stated, {key: key_id for key, key_id in used.items() if key is not None and key_id is not None})
    if stated is None or not keys:
        return
    opened = log.opened(table.sparkSession, conf)
    if opened is None:
        raise Refused(NO_LOG)
    about = {"table": plan.table, "run_id": str(uuid.uuid4())}
    limits.charge(opened, stated, keys, _rows(plan, source, table), about, BY)


def _rows(plan: Plan, source: DataFrame, table: DataFrame) -> int:
    rows = None if plan.config.reads_some else log_counts.of(source)
    rows = source.count() if rows is None else rows
    return rows if plan.config.suppress is None else _coarse(rows, table.count(), plan.config.suppress.at_most)


def _coarse(rows: int, stay: int, at_most: float) -> int:
    """Of a source, rows of which are kept out, a number that does not tell how many these are: as many as the source of
    a table of so many rows can have. Where it has more, it is another source, or all may be kept out: then the next
    power of two."""
    most = math.ceil(stay * max(2.0, round(1 / (1 - at_most), 6) if at_most < 1 else 2.0))
    return most if rows <= most else 1 << (rows - 1).bit_length()
