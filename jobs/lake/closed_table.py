"""Delta tables of secrets: in a folder that its owner alone can enter, without statistics, change feed and vectors.

Rows are added in a commit that counts the whole table as read, so of two runs that add at once the later one is refused
by Delta, looks again, and finds the rows of the other.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeVar

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.console.exit_codes import Refused
from jobs.lake import claims, delta_commit, log_commits, places, restricted
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction
from jobs.lake.delta_commit.files import metric
from jobs.lake.problems import CommitConflict, SourceProblem
from jobs.lake.quarantine_table import BUSY
from jobs.lake.replace import CONFLICT

CHANGE_FEED, STATISTICS, VECTORS = (
    "delta.enableChangeDataFeed",
    "delta.dataSkippingNumIndexedCols",
    "delta.enableDeletionVectors",
)
CLOSED = {CHANGE_FEED: "false", STATISTICS: "0", VECTORS: "false"}
"""A change feed would keep what is taken out, statistics would stand in the log, vectors would leave rows in files."""
PROPERTIES = {
    **CLOSED,
    "delta.isolationLevel": "Serializable",
    "delta.logRetentionDuration": "interval 36500 days",  # by its commits such a table is known again
}
UNSHUFFLED = {"spark.databricks.delta.optimizeWrite.enabled": "false"}
"""Rows go from the task that draws what is random in them into its file: of what is drawn again none is."""
OWN = "run"
"""What `operations` calls a commit that says what `said` has it say."""
ATTEMPTS, PAUSE = 30, 0.2
ADDING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Runs side by side in one process change a table one after the other, without a conflict."""
T_ = TypeVar("T_")


Still = Callable[[], None]


class Nothing(Exception):
    """There is nothing to commit."""


def as_ever() -> None:
    """Of a commit before which nobody is asked."""


def create(
    spark: SparkSession, path: str, what: str, schema: T.StructType, comment: str, properties: Mapping[str, str]
) -> None:
    """Make an empty table in a new folder. Raises `Refused` where anything stands there, `SourceProblem` where it lies
    in another table, `NoStorage` where Spark has no file system for it. what: such a table is called."""
    restricted.check_reached(spark, path)
    if not restricted.is_gone(spark, path):
        raise Refused(f"{path} is there already, or cannot be looked at: choose a new place")
    places.check_free(spark, path, path, what)
    table = DeltaTable.create(spark).addColumns(schema).comment(comment)
    for name, value in {**PROPERTIES, **properties}.items():
        table = table.property(name, value)
    restricted.make_folder(spark, path)
    table.location(restricted.location(spark, path)).execute()


def check_closed(properties: Mapping[str, str], what: str) -> None:
    """Raise `SourceProblem` where settings are no longer as such a table was made with. what: in words, which it is."""
    opened = [name for name, value in CLOSED.items() if properties.get(name, "").lower() != value]
    if opened:
        raise SourceProblem(f"{what} is no longer as it was made: set {', '.join(opened)} again")


def operations(spark: SparkSession, location: str, version: int, last: int) -> frozenset[str] | None:
    """Of the commits after a version; None where they cannot be read. `OWN`: that say what `said` has them say."""
    later = log_commits.after(spark, location, version, last)
    if later is not None:
        told = ((commit.operation, "run_id" in commit.run) for commit in later)
        return frozenset(OWN if is_ours and operation == "WRITE" else operation for operation, is_ours in told)
    is_ours = F.get_json_object("userMetadata", "$.run_id").isNotNull() & (F.col("operation") == "WRITE")
    name = F.when(is_ours, F.lit(OWN)).otherwise(F.col("operation"))
    rows = Address(path=location).history(spark).where(F.col("version") > version).select(name).collect()
    return frozenset(str(row[0]) for row in rows) if len(rows) == last - version else None


def until_committed(spark: SparkSession, location: str, shown: str, once: Callable[[], T_]) -> T_:
    """What ``once`` gives; it is asked again where others were faster. Raises `CommitConflict` where they are again and
    again. shown: what to call the table."""
    with active(spark), ADDING[location]:
        for attempt in range(ATTEMPTS):
            try:
                return once()
            except delta_commit.Changed:
                pass
            except (PySparkException, Py4JError) as error:
                if not CONFLICT.search(str(error)) and not BUSY.search(str(error)):
                    raise
            time.sleep(PAUSE * min(attempt + 1, 10) * (1 + uuid.uuid4().int % 100 / 100))
    raise CommitConflict(f"others changed {shown} each of {ATTEMPTS} times that this job tried to")


def added(begun: Transaction, rows: DataFrame, still: Still = as_ever) -> int:
    """Commit rows; the version. Raises `Nothing` where there are none. still: asked right before the commit, which does
    not come about if it raises."""

    def check() -> None:
        if not metric(begun, "numOutputRows"):
            raise Nothing
        still()

    return claimed(begun, lambda own: delta_commit.append(own, rows, said).version, check)


def claimed(begun: Transaction, commit: Callable[[Transaction], int], check: Callable[[], None]) -> int:
    """Commit under the claim that keeps drivers apart where the store does not. check: is asked before."""
    held: list[str | None] = []
    version = begun.version + 1

    def at_last() -> None:
        check()
        if claims.is_needed(begun.spark, begun.location):
            held.append(claims.claim(begun, version))

    try:
        return commit(dataclasses.replace(begun, at_last=at_last))
    finally:
        claims.release(begun, version, held[0] if held else None)


def said(rows: int, files: int) -> str:
    """The user metadata of a commit. run_id: of its own, by which it is known again."""
    return json.dumps({"run_id": str(uuid.uuid4())})
