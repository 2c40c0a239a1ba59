"""Keys of subjects destroyed by themselves, without an erasure: the audit log is told before and after. No subject."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Kind, now, plain
from jobs.configuration.config import Config
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.lake import subject_key_table
from jobs.risk_measures.report import count as few
from jobs.table_run.of_run import policy_sha256, told, why

KIND: Kind = "subject_keys"
BEGAN, DONE, FAILED = "began", "done", "failed"


def destroyed(
    spark: SparkSession, conf: Config, key: str, entry: SubjectKeysEntry, subjects: int, destroy: Callable[[], int]
) -> int:
    """What ``destroy`` gives. subjects: how many are asked for. Raises `LogProblem`: before, nothing is destroyed;
    after, they are all the same."""
    log, run_id = audit_log.opened(spark, conf), str(uuid.uuid4())
    policy = {"policy_version": conf.policy.version, "policy_sha256": policy_sha256(conf)}
    about = {"key": key, "id": entry.id, "subjects": few(subjects), **policy}

    def tell(outcome: str, more: Mapping[str, Any], otherwise: str) -> None:
        if log is not None:
            leaf = log.leaf(KIND, now(), run_id=run_id, outcome=outcome, body=plain({**about, **more}))
            told(f"the audit log cannot be written, and {otherwise}", lambda: log.append(lambda state: [leaf]))

    tell(BEGAN, {"version": subject_key_table.looked(spark, entry).version}, "no key was destroyed")
    try:
        many = destroy()
    except BaseException as error:
        tell(FAILED, why(error), "destroying keys failed: run it again")
        raise
    tell(DONE, {"version": subject_key_table.looked(spark, entry).version, "keys": few(many)},
         "the keys are destroyed all the same")  # fmt: skip
    return many
