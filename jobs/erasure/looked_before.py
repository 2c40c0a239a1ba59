"""Which tables an earlier erasure of the very same subjects looked at, by the audit log: since it they are out, and
what others write into a table's log by now is not of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pyspark.sql import SparkSession

from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.audit_log.erasure_rows import BEGAN, ERASED, OFF_LIST
from jobs.audit_log.leaves import Leaf
from jobs.audit_log.log import LogProblem
from jobs.configuration.config import Config
from jobs.erasure import commitment
from jobs.erasure.commitment import IDS, PSEUDONYMS
from jobs.named_keys import erasure_key
from jobs.subjects.asked import Asked
from privacy_udfs.errors import KeyProblem

Looked = frozenset[tuple[str, str]]
"""Names of tables, each with where it was."""


def tables(spark: SparkSession, conf: Config, asked: Asked) -> Looked | None:
    """None where there is no audit log. Empty where log or key are out of this account's reach, or there is no key:
    nobody can say then that an erasure was of the same subjects."""
    try:
        log = audit_log.opened(spark, conf)
        if log is None:
            return None
        key = erasure_key.of(conf)
        if key is None:
            return frozenset()
        told_by = IDS if asked.held_in is None else PSEUDONYMS
        sames = commitment.sames(key, asked.domain, asked.ids, told_by)
        return of_rows(erasure_rows.leaves(log), sames, asked.domain)
    except (LogProblem, KeyProblem):
        return frozenset()


def of_rows(rows: Iterable[Leaf], sames: Collection[str], domain: str) -> Looked:
    """rows: of the audit log, in order. Whoever was taken off the list of the erased may have come back."""
    runs, found = set[str](), set[tuple[str, str]]()
    for row in rows:
        if row.outcome == OFF_LIST and row.body.get("domain") == domain:
            runs, found = set(), set()
        elif row.outcome == BEGAN and str(row.body.get("same")) in sames:
            runs.add(row.run_id)
        elif row.outcome == ERASED and row.run_id in runs:
            found.add((row.table, str(row.body.get("location"))))
    return frozenset(found)
