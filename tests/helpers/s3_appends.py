"""A driver of its own that adds rows to an audit log in S3, beside others that do the same at the same time.

``python -m tests.helpers.s3_appends PORT JARS FOLDER NAME ROWS`` prints, as JSON, which of its rows it was told to be
written and which not; without NAME and ROWS which rows are there and what is wrong with them.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from jobs import audit
from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import now
from jobs.audit_log.log import Log
from jobs.configuration import config
from jobs.lake import audit_table, claims, delta_commit
from privacy_udfs.errors import LakenymError
from tests.helpers.audits import audited
from tests.helpers.s3_run import session

TOGETHER = 60.0
"""Seconds at most that a driver waits for the other one."""


def write_lake(folder: Path) -> None:
    """The configuration, which both read."""
    audited(folder, table={"path": "s3a://lake/audit log"}, checkpoints=None)


def main(port: str, jars: str, folder: str, name: str = "", rows: str = "0") -> None:
    spark, conf = session(port, jars), config.load(Path(folder) / "conf")
    log = audit_log.opened(spark, conf)
    assert log is not None
    if not name:
        found = audit.run(spark, conf, "verify").findings
        there = [row["run_id"] for row in audit.run(spark, conf, "list")]
        wrong = [str(each) for each in found if each.level == "wrong"]
        print(json.dumps({"rows": there, "wrong": wrong, "claims": claimed(log)}))
        return
    _wait_for_the_other(Path(folder), name)
    told: dict[str, list[str]] = {"written": [], "refused": []}
    for at in range(int(rows)):
        leaf = log.leaf("key_use", now(), run_id=f"{name}-{at}")
        try:
            log.append(lambda state, leaf=leaf: [leaf])  # type: ignore[misc]
            told["written"].append(leaf.run_id)
        except LakenymError as error:
            told["refused"].append(f"{leaf.run_id}: {error}")
    print(json.dumps(told))


def claimed(log: Log) -> list[bool]:
    """Whether a version is claimed: by the first, by the second, by one for whom the first has waited too long, and by
    one after the version was given back."""
    begun = audit_table._begun(log.spark, log.address)
    names: list[str | None] = []

    def has() -> bool:
        try:
            names.append(claims.claim(begun, begun.version + 1))
        except delta_commit.Changed:
            return False
        return True

    found, patience = [has(), has()], claims.PATIENCE
    claims.PATIENCE = -1
    found.append(has())
    claims.PATIENCE = patience
    for name in names:
        path, files = claims._of(begun, str(name))
        files.delete(path, False)
    return [*found, has()]


def _wait_for_the_other(folder: Path, name: str) -> None:
    (folder / f"{name}.ready").touch()
    end = time.monotonic() + TOGETHER
    while len(list(folder.glob("*.ready"))) < 2 and time.monotonic() < end:
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
