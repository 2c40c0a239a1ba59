"""One Delta commit that holds rows, record and the run's counts; it replaces exactly the version that was inspected, or
nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration.models import Target
from jobs.lake import delta_commit
from jobs.lake.address import Address
from jobs.lake.delta_commit import Files, NewTable, Transaction
from jobs.lake.java import kind_of
from jobs.lake.problems import AnswerLost, CommitConflict, Overwritten, PassedOver
from jobs.lake.sql import literal, quoted
from jobs.lake.state import TargetState
from privacy_udfs.errors import UnexpectedFailure

CONFLICT = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|Concurrent\w+Exception")
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
NOT_RESTATED = re.compile(
    r"privacy\.|delta\.(feature\.|constraints\.|columnMapping\.|min(Reader|Writer)Version|rowTracking\."
    r"|dataSkippingStatsColumns$)"  # it names columns, which may be others now
)
UNGUARDED = (
    "Delta's own transaction is out of reach here (another version of Delta, or a table of another catalog), so a "
    "change of the target by another program during this run is seen only after the commit, and told then"
)
HARMLESS = ("VACUUM START", "VACUUM END", "OPTIMIZE")
"""Operations of others that change no row."""


@dataclasses.dataclass(frozen=True)
class Commit:
    version: int
    rows: int
    files: int


def nobody_knows() -> int | None:
    """How many rows there are to be, of a run that is not told beforehand."""
    return None


def replace(
    spark: SparkSession,
    treated: DataFrame,
    target: Target,
    state: TargetState,
    properties: Mapping[str, str],
    comment: str,
    run_id: str,
    files: Files | None = None,
    expected: Callable[[], int | None] = nobody_knows,
) -> Commit:
    """Create or replace the target in one commit, if it is still as inspected; else raise `CommitConflict`.

    treated: the rows, with the metadata that their fields are to have. properties, comment: of the table. The session
    holds the run's user metadata under `USER_METADATA`, complete when the last row is written. files: who writes the
    files, where it is not Spark; then the state needs a transaction. expected: gives, once all is written, how many
    rows there are to be, None where nobody knows.
    """
    stated = {**_restated(state.properties, target.properties), **target.properties, **properties}
    table = NewTable(treated, stated, comment, target.partition_by, target.cluster_by)
    with conflicts_told(state):
        if state.transaction is not None:
            return _in_transaction(spark, state.transaction, table, files, expected)
        assert files is None, "files are committed in a transaction"
        return _by_statement(spark, state, table, run_id)


@contextlib.contextmanager
def conflicts_told(state: TargetState) -> Iterator[None]:
    """What Delta says where the target was changed since it was inspected is raised as `CommitConflict`; any other
    error once the store was asked for the commit as `AnswerLost`."""
    try:
        yield
    except delta_commit.Changed:
        raise CommitConflict(beaten(state)) from None
    except (PySparkException, Py4JError) as error:
        if CONFLICT.search(str(error)):
            raise CommitConflict(beaten(state)) from None
        if state.transaction is not None and state.transaction.is_asked_for.is_set():
            raise AnswerLost(lost(state, error)) from None
        raise


def renewed(spark: SparkSession, state: TargetState, target: Target) -> TargetState:
    """The state with a transaction that nothing was done in yet, on the very table that was inspected. Raises
    `CommitConflict` where that has changed since."""
    if state.transaction is None:
        return state
    begun = delta_commit.begin(spark, target.path, Address.of(target).sql)
    before = state.transaction
    if begun is None or (begun.version, begun.last_commit) != (before.version, before.last_commit):
        raise CommitConflict(beaten(state))
    again = dataclasses.replace(
        begun,
        asks=before.asks,
        leaves_out=before.leaves_out,
        states=before.states,
        at_last=before.at_last,
        is_asked_for=before.is_asked_for,
    )
    return dataclasses.replace(state, transaction=again)


def lacks(spark: SparkSession, state: TargetState, run_id: str) -> bool:
    """Whether the target's history can be read, and has no commit of a run."""
    try:
        found = state.address.history(spark).where(F.get_json_object("userMetadata", "$.run_id") == run_id)
        return found.isEmpty()
    except (PySparkException, Py4JError):
        return False


def _in_transaction(
    spark: SparkSession, begun: Transaction, table: NewTable, files: Files | None, expected: Callable[[], int | None]
) -> Commit:
    """Delta itself refuses the commit where anything was changed since the transaction began, at the look."""
    written = delta_commit.replace(begun, table, functools.partial(run_metadata, spark, expected), files)
    return Commit(written.version, written.rows, written.files)


def run_metadata(spark: SparkSession, expected: Callable[[], int | None], rows: int, files: int) -> str:
    """What the session says of the run, once all is written: the commit's user metadata. Raises `UnexpectedFailure`
    where other rows were written than expected."""
    wanted = expected()
    if wanted is not None and rows != wanted:
        raise UnexpectedFailure(f"the source is known to have {wanted} rows to write, and {rows} were written")
    run = json.loads(str(spark.conf.get(USER_METADATA)))
    return json.dumps({**run, "rows": rows, "files": files}, ensure_ascii=False)


def _by_statement(spark: SparkSession, state: TargetState, table: NewTable, run_id: str) -> Commit:
    """Where Delta's own transaction is out of reach. Of two runs of ours one is refused, by the number that the commit
    carries; a commit of another program is seen only afterwards, and told as `Overwritten`."""
    view = f"treated_{run_id.replace('-', '_')}"
    table.rows.createOrReplaceTempView(view)
    try:
        with delta_commit.marked(spark, state.version):
            spark.sql(_statement(state, table, view))
    finally:
        spark.catalog.dropTempView(view)
    commit = _find_commit(spark, state, run_id)
    if commit is None and 0 <= state.version == state.address.version(spark):
        raise PassedOver(
            f"the log of {state.name} holds a mark of this job that is not lower than this run's (txnVersion; the "
            "table may be a clone, or its log was made anew), and Delta leaves such a commit out without a word. This "
            "Delta gives no other way: choose a new target, or drop this one"
        )
    if commit is None:
        raise CommitConflict(beaten(state))
    return commit


def _statement(state: TargetState, table: NewTable, view: str) -> str:
    """SQL, since no other public door takes properties, partitioning and clustering in one commit. It holds no
    value."""
    layout = _listed("PARTITIONED BY", table.partition_by) + _listed("CLUSTER BY", table.cluster_by)
    stated = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in sorted(table.properties.items()))
    made = f"CREATE OR REPLACE TABLE {state.name} USING delta {layout} COMMENT {literal(table.comment)}"
    return f"{made} TBLPROPERTIES ({stated}) AS TABLE {view}"


def _listed(clause: str, names: Sequence[str]) -> str:
    return f"{clause} ({', '.join(map(quoted, names))})" if names else ""


def beaten(state: TargetState) -> str:
    """What is told where another one was first."""
    if state.version < 0:
        return f"another run or program created {state.name} since it was inspected; this run committed nothing"
    return (
        f"another run or program changed {state.name} after version {state.version} was inspected; this run committed "
        "nothing: run it again"
    )


def lost(state: TargetState, error: Exception) -> str:
    """What is told where nobody knows whether the commit came about."""
    return (
        f"the commit of {state.name} was asked for and ended with an error ({kind_of(error)}): whether it was made is "
        "not known; the table's history tells it (DESCRIBE HISTORY), and a run that is started now finds out by itself"
    )


def _restated(properties: Mapping[str, str], stated: Mapping[str, str]) -> dict[str, str]:
    """Settings of the table that a replace would silently drop (its change feed, say), but for those that the catalog
    states, in any letter case: Delta takes either of the two."""
    anew = set(map(str.lower, stated))
    return {key: value for key, value in properties.items() if not NOT_RESTATED.match(key) and key.lower() not in anew}


def _find_commit(spark: SparkSession, state: TargetState, run_id: str) -> Commit | None:
    history = state.address.history(spark).where(F.col("version") > state.version)
    told = ("version", "operation", "operationMetrics", F.get_json_object("userMetadata", "$.run_id").alias("run_id"))
    between: list[int] = []
    for row in history.orderBy("version").select(*told).collect():
        if row["run_id"] == run_id:
            _tell_overwritten(state, int(row["version"]), between)
            metrics: dict[str, Any] = row["operationMetrics"] or {}
            return Commit(int(row["version"]), int(metrics.get("numOutputRows", 0)), int(metrics.get("numFiles", 0)))
        if row["operation"] not in HARMLESS:
            between.append(int(row["version"]))
    return None


def _tell_overwritten(state: TargetState, version: int, between: Sequence[int]) -> None:
    if between:
        others = f"{'version' if len(between) == 1 else 'versions'} {', '.join(map(str, between))}"
        raise Overwritten(
            f"version {version} of {state.name} was committed by this run and replaced what others committed since it "
            f"looked: {others}. This Delta gives no way to refuse that beforehand; "
            "RESTORE gets them back"
        )
