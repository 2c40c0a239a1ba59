"""The Delta table in which refused rows of tables stand: what it is, and its few reads and writes.

A row is sealed (`privacy_udfs.sealed_rows`); beside it stands where it came from and why, and no value. Several tables
may share one such table: it is partitioned by them, so that what is removed of one is no conflict with another.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import delta_commit, places
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.problems import CommitConflict, SourceProblem
from jobs.lake.replace import CONFLICT

MARK, KIND = "privacy.quarantine", "1"
SCHEMA = T.StructType(
    [
        T.StructField("table", T.StringType()),
        T.StructField("target", T.StringType()),
        T.StructField("run_id", T.StringType()),
        T.StructField("number", T.LongType()),
        T.StructField("quarantined_at", T.TimestampType()),
        T.StructField("file", T.StringType()),
        T.StructField("row_in_file", T.LongType()),
        T.StructField("column", T.StringType()),
        T.StructField("rule", T.StringType()),
        T.StructField("key", T.StringType()),
        T.StructField("key_id", T.LongType()),
        T.StructField("sealed", T.BinaryType()),
    ]
)
COMMENT = (
    "Rows that a run of Lakenym could not treat, each encrypted under a key of its own, with the place and the rule; "
    "no value stands in the clear. pseudonymize.py --requeue treats them again."
)
MAKING = threading.Lock()
"""Runs side by side in one process make the table one by one: of two at once, one would fail."""
MOST_STRETCHES = 200
ATTEMPTS, PAUSE = 5, 0.2
"""At a commit that others were faster at; and how many seconds are waited after the first, longer each time."""
BEING_MADE = ("DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION", "TABLE_OR_VIEW_ALREADY_EXISTS", "DELTA_TABLE_NOT_FOUND")
BUSY = re.compile("|".join((CONFLICT.pattern, *BEING_MADE)))
"""What Delta says where others are at work, or in the middle of making the table."""
Done = TypeVar("Done")

Ranges = Mapping[str, Sequence[tuple[int, int]]]
"""Run -> the first and the last number of stretches of its rows."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A quarantine as it stands. id: Delta's, of the table; None where there is none yet. location: where it is or will
    be."""

    address: Address
    id: str | None
    location: str


def inspected(spark: SparkSession, address: Address) -> Place:
    """What stands there. Raises `SourceProblem` where it is something else than a quarantine, or not to be reached."""
    known = address.path is None and address.exists(spark)
    begun = delta_commit.begin(spark, address.path, address.sql)
    if begun is None or (known and not address.is_delta(spark)):
        raise SourceProblem(f"the quarantine {address.sql} is out of reach of Delta's own transaction: choose another")
    if begun.version < 0:
        places.check_free(spark, begun.location, address.sql, "quarantine")
        return Place(address, None, begun.location)
    if delta_commit.comment_and_properties(begun)[1].get(MARK) != KIND:
        raise SourceProblem(f"the quarantine {address.sql} is a table of something else: choose a new place")
    return Place(address, str(begun.txn.snapshot().metadata().id()), begun.location)


def append(spark: SparkSession, address: Address, rows: Sequence[Mapping[str, object]], run_id: str) -> int:
    """Put rows there in one commit, whose user metadata names the run; its version. The table is made where there is
    none, be it by another run at the same time. spark: a session that has no commit of its own in the making. Raises
    `CommitConflict` where others are faster again and again."""
    with active(spark):
        _tried(address, lambda: _made(spark, address))
        return _tried(address, lambda: _append(spark, address, rows, run_id))


def _made(spark: SparkSession, address: Address) -> None:
    with MAKING:
        if not address.exists(spark):
            _make(spark, address)


def _append(spark: SparkSession, address: Address, rows: Sequence[Mapping[str, object]], run_id: str) -> int:
    frame = spark.createDataFrame([tuple(row[name] for name in SCHEMA.names) for row in rows], SCHEMA).coalesce(1)
    said = json.dumps({"run_id": run_id})
    writer = frame.write.format("delta").mode("append").option("userMetadata", said)
    try:
        writer.save(address.path) if address.path is not None else writer.saveAsTable(address.sql)
    except (PySparkException, Py4JError) as error:
        # a store may report a conflict with the very commit that it took
        if not CONFLICT.search(str(error)) or _version_of(spark, address, run_id) is None:
            raise
    version = _version_of(spark, address, run_id)
    assert version is not None, "what is committed is in the history"
    return version


def _version_of(spark: SparkSession, address: Address, run_id: str) -> int | None:
    """The version that a run committed."""
    named = F.get_json_object("userMetadata", "$.run_id") == run_id
    found = address.history(spark).where(named).select(F.max("version")).collect()[0][0]
    return None if found is None else int(found)


def _make(spark: SparkSession, address: Address) -> None:
    made = DeltaTable.createIfNotExists(spark).addColumns(SCHEMA).partitionedBy("table").comment(COMMENT)
    made = made.property(MARK, KIND).property("delta.dataSkippingNumIndexedCols", "3")
    (made.location(address.path) if address.path is not None else made.tableName(address.sql)).execute()


def target_id(location: str) -> str:
    """What tells the rows of one target from those of others, which entries of the same name may be about."""
    return hashlib.sha256(location.encode()).hexdigest()


def runs(spark: SparkSession, address: Address, target: str) -> dict[str, set[str]]:
    """The runs that have rows there which were on their way to one target, by the name of the table: its entry may have
    been renamed. target: as `target_id`."""
    of_target = address.read(spark).where(F.col("target") == target)
    found: dict[str, set[str]] = {}
    for table, run_id in of_target.select("table", "run_id").distinct().collect():
        found.setdefault(table, set()).add(run_id)
    return found


def key_ids(spark: SparkSession, address: Address, others: Collection[str]) -> set[int]:
    """Of the key versions without which rows there would stay shut. others: tables whose rows do not matter; those of a
    table that nobody knows, since its entry was renamed, do."""
    if not address.exists(spark):
        return set()
    found = address.read(spark).where(~F.col("table").isin(*others)).select("key_id").distinct().collect()
    return {int(row["key_id"]) for row in found if row["key_id"] is not None}


def rows(
    spark: SparkSession, address: Address, table: str, of_runs: Collection[str], options: Mapping[str, str] = {}
) -> DataFrame:
    """The rows of some runs of a table. options: of the reader, by which a version is chosen."""
    return address.read(spark, options).where((F.col("table") == table) & F.col("run_id").isin(*of_runs))


def standing(spark: SparkSession, address: Address, table: str, of_runs: Mapping[str, int]) -> int:
    """How many of the rows that runs of a table left there stand there yet. Fewer do only where an erasure, or a run
    that met somebody on the list of the erased, took them out: else it is as many as were left."""
    left = sum(of_runs.values())
    if not left or not address.exists(spark):
        return left
    return min(left, rows(spark, address, table, of_runs).count())


def remove_runs(spark: SparkSession, address: Address, table: str, of_runs: Collection[str]) -> None:
    """All rows of some runs of a table."""
    if of_runs:
        _remove(spark, address, table, F.col("run_id").isin(*of_runs))


def remove_rows(spark: SparkSession, address: Address, table: str, ranges: Ranges) -> None:
    """Some rows of runs of a table; those that are no longer there do not matter."""
    for run_id, stretches in ranges.items():
        for at in range(0, len(stretches), MOST_STRETCHES):  # more in one predicate are too deep for Spark's planner
            numbers = F.lit(False)
            for first, last in stretches[at : at + MOST_STRETCHES]:
                numbers = numbers | F.col("number").between(first, last)
            _remove(spark, address, table, (F.col("run_id") == run_id) & numbers)


def _remove(spark: SparkSession, address: Address, table: str, which: Column) -> None:
    """Of runs side by side several may remove the same rows, and those that are late look again."""

    def remove() -> None:
        found = DeltaTable.forPath(spark, address.path) if address.path else DeltaTable.forName(spark, address.sql)
        found.delete((F.col("table") == table) & which)

    with active(spark):
        _tried(address, remove)


def _tried(address: Address, step: Callable[[], Done]) -> Done:
    """``step()``, which is one commit, again where others were faster. Raises `CommitConflict`, which names the
    quarantine: else the target's commit around it would be told to be the one that failed."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return step()
        except (PySparkException, Py4JError) as error:
            if not (BUSY if attempt < ATTEMPTS else CONFLICT).search(str(error)):
                raise
        time.sleep(PAUSE * attempt)
    raise CommitConflict(
        f"others changed the quarantine {address.sql} each of {ATTEMPTS} times that this run tried to; it committed "
        "nothing: run it again"
    )
