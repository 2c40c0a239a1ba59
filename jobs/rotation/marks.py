"""The marks of tables that wait to be moved: set before the first one is, each in a commit of its own."""

from __future__ import annotations

import datetime

from pyspark.sql import SparkSession

from jobs.console.exit_codes import Refused
from jobs.lake import delta_commit, replace, state
from jobs.lake.record_names import ROTATION
from jobs.record.record_reader import all_of, columns_of
from jobs.record.rotation_mark import TIME, Mark
from jobs.rotation.scope import Scope, Table
from jobs.spark_app import failures, session


def set_all(spark: SparkSession, scope: Scope) -> list[str]:
    """Mark every table that is due and is not; take away marks that no longer say what is. Returns the tables that were
    written to. Raises `CommitConflict` where another one is written to meanwhile; those that are marked stay so."""
    since = datetime.datetime.now(datetime.timezone.utc).strftime(TIME)
    return [table.name for table in scope.tables if _set(spark, scope, table, since)]


def _set(spark: SparkSession, scope: Scope, table: Table, since: str) -> bool:
    wanted = None
    if table.way != "moved":
        before = tuple(sorted({each.key_id for each in table.columns} - {scope.to}))
        wanted = Mark(scope.key, before, scope.to, since)
    there = table.mark
    if _says(there, wanted, scope.key):
        return False
    failures.translated(table.name, lambda: _commit(spark, table, wanted, scope))
    return True


def _says(there: Mark | None, wanted: Mark | None, key: str) -> bool:
    if wanted is None:
        return there is None or there.key != key
    return there is not None and (there.key, there.before, there.after) == (wanted.key, wanted.before, wanted.after)


def _commit(spark: SparkSession, table: Table, wanted: Mark | None, scope: Scope) -> None:
    own = session.for_run(spark)
    stands = state.inspect(own, table.entry.target)
    ids = {each.key_id for each in all_of(columns_of(stands.properties)) if each.key == scope.key}
    if (wanted is None) == bool(ids - {scope.to}):
        return  # another run was faster: what is true of the table by now, the next look says
    if stands.transaction is None:
        raise Refused(f"{stands.name} is out of reach of Delta's own transaction: it can be neither marked nor moved")
    with replace.conflicts_told(stands):
        if wanted is None:
            delta_commit.withdraw_properties(stands.transaction, [ROTATION])
        else:
            delta_commit.state_properties(stands.transaction, wanted.properties())
