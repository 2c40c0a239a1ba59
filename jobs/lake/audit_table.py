"""The Delta table in which a log of runs stands: what it is, and its few reads and writes. It only grows.

Each row is a leaf of the log (`jobs.audit_log`) and has beside it what the next row is made from, so that to add to the
log the newest commit is read and nothing else. Two that add at once cannot take one index: each counts the whole table
as read, so the later commit is refused by Delta, looks again and makes its rows anew.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import claims, delta_commit, small_files, small_log, small_rows
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction
from jobs.lake.java import DELTA, hadoop_path, java_class
from jobs.lake.problems import CommitConflict, SourceProblem
from jobs.lake.quarantine_table import BUSY
from jobs.lake.replace import CONFLICT

MARK, KIND = "privacy.audit_log", "1"
APPEND_ONLY = "delta.appendOnly"
PROPERTIES = {
    MARK: KIND,
    APPEND_ONLY: "true",
    "delta.isolationLevel": "Serializable",  # what others put there between look and commit is a conflict too
    "delta.dataSkippingNumIndexedCols": "1",
    "delta.checkpointInterval": "50",
}
INDEX, LEAF, STATE = "index", "leaf", "state"
DERIVED = ("time", "kind", "table", "run_id", "actor", "outcome")
"""Columns that say again what a leaf says, for whoever filters."""
SCHEMA = T.StructType(
    [
        T.StructField(INDEX, T.LongType()),
        *(T.StructField(name, T.StringType()) for name in DERIVED),
        T.StructField(LEAF, T.StringType()),
        T.StructField(STATE, T.StringType()),
    ]
)
COMMENT = (
    "What Lakenym did: each row is a leaf of a Merkle tree (RFC 9162), with its text in the column leaf. Rows are "
    "added and never changed; jobs/audit.py verify tells whether any was."
)
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$"
Row = Mapping[str, Any]
Make = Callable[[str | None], Sequence[Row]]
"""From what the newest row left for the next one, None for the first, to the rows to add, which may be none."""
APPENDING = threading.Lock()
"""Runs side by side in one process add one after the other, without a conflict."""
ATTEMPTS, PAUSE, LONGEST_PAUSE = 20, 0.1, 2.0
COMMIT = re.compile(r"[0-9]{20}\.json")
HARMLESS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations by which no row changes."""


@dataclasses.dataclass
class Known:
    """Which table a log is added to, by Delta's id of it; None as long as nobody looked. Once it is known the log is
    added to no other, nor made anew. newest: of the last rows, and of the number of all, what the newest one left."""

    id: str | None = None
    newest: Callable[[Sequence[Row], int], str | None] = lambda rows, count: str(rows[-1][STATE]) if rows else None


def append(spark: SparkSession, address: Address, make: Make, known: Known) -> Sequence[Row]:
    """Add rows in one commit; returns them. The table is made where there is none, and none was known. spark: a session
    that has no commit of its own in the making. Raises `CommitConflict` where others are faster again and again, and
    `SourceProblem` where something else stands there, or another table than was known."""
    with active(spark), APPENDING:
        for attempt in range(ATTEMPTS):
            try:
                return _appended(spark, address, make, known)
            except delta_commit.Changed:
                pass
            except (PySparkException, Py4JError) as error:
                if not CONFLICT.search(str(error)) and not BUSY.search(str(error)):
                    raise
            time.sleep(min(PAUSE * (attempt + 1) * (1 + uuid.uuid4().int % 100 / 100), LONGEST_PAUSE))
    raise CommitConflict(f"others added to the audit log {address.sql} each of {ATTEMPTS} times that this run tried to")


def _appended(spark: SparkSession, address: Address, make: Make, known: Known) -> Sequence[Row]:
    begun = _begun(spark, address)
    if begun.version < 0 and known.id is None:
        _made(begun, address)
        begun = _begun(spark, address)
    _check(begun, address, known)
    rows = make(_newest_state(begun, known))
    if rows:
        columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
        frame = spark.createDataFrame(pa.table(columns, schema=_ARROW), SCHEMA).coalesce(1)
        _commit(begun, frame, functools.partial(_said, rows[-1][STATE]))
    return rows


def _commit(begun: Transaction, rows: DataFrame, said: Callable[[int, int], str]) -> None:
    if not claims.is_needed(begun.spark, begun.location):
        delta_commit.append(begun, rows, said)
        return
    held: list[str | None] = []
    version = begun.version + 1
    turn = dataclasses.replace(begun, at_last=lambda: held.append(claims.claim(begun, version)))
    try:
        delta_commit.append(turn, rows, said)
    finally:
        claims.release(begun, version, held[0] if held else None)


def _made(begun: Transaction, address: Address) -> None:
    """Make the table, unless another driver has by now."""
    if not claims.is_needed(begun.spark, begun.location):
        _make(begun.spark, address)
        return
    name = claims.claim(begun, 0)
    try:
        if _begun(begun.spark, address).version < 0:
            _make(begun.spark, address)
    finally:
        claims.release(begun, 0, name)


_ARROW = pa.schema([pa.field(name, pa.int64() if name == INDEX else pa.string()) for name in SCHEMA.names])


def _said(state: str, rows: int, files: int) -> str:
    """The user metadata of a commit. run_id: of its own, by which it is known again."""
    return json.dumps({"run_id": str(uuid.uuid4()), STATE: state}, ensure_ascii=False)


def _begun(spark: SparkSession, address: Address) -> Transaction:
    known = address.path is None and address.exists(spark)
    begun = delta_commit.begin(spark, address.path, address.sql)
    if begun is None or (known and not address.is_delta(spark)):
        raise SourceProblem(f"the audit log {address.sql} is out of reach of Delta's own transaction: choose another")
    return begun


def newest_state(spark: SparkSession, address: Address, known: Known) -> str | None:
    """What the newest row left for the next one, None where there is no row. Nothing is written. Raises as `append`."""
    with active(spark):
        begun = _begun(spark, address)
        _check(begun, address, known)
        return _newest_state(begun, known)


def _check(begun: Transaction, address: Address, known: Known) -> None:
    if begun.version < 0:
        raise SourceProblem(f"the audit log {address.sql} is gone: somebody took it away, see jobs/audit.py verify")
    properties = delta_commit.comment_and_properties(begun)[1]
    if properties.get(MARK) != KIND:
        raise SourceProblem(f"the audit log {address.sql} is a table of something else: choose a new place")
    if properties.get(APPEND_ONLY, "").lower() != "true":
        raise SourceProblem(
            f"the audit log {address.sql} is no longer append-only ({APPEND_ONLY}), so rows of it may have been taken "
            "away: see jobs/audit.py verify, and set the property again"
        )
    found = str(begun.txn.snapshot().metadata().id())
    if known.id not in (None, found):
        raise SourceProblem(
            f"the audit log {address.sql} is another table than before: it was taken away and made anew"
        )
    known.id = found


def _make(spark: SparkSession, address: Address) -> None:
    made = DeltaTable.createIfNotExists(spark).addColumns(SCHEMA).comment(COMMENT)
    for name, value in PROPERTIES.items():
        made = made.property(name, value)
    (made.location(address.path) if address.path is not None else made.tableName(address.sql)).execute()


def _newest_state(begun: Transaction, known: Known) -> str | None:
    """What the newest row left for the next one: by the newest commit, where that added rows, else by the table."""
    version = begun.version
    told = small_log.of_versions(begun.spark, begun.location, range(version, version + 1)) or {}
    for action in told.get(version, ()):
        said = _parsed(action.get("commitInfo", {}).get("userMetadata")).get(STATE)
        if isinstance(said, str):
            return said
    rows, count = _newest(begun.spark, Address(path=begun.location), version)
    return known.newest(rows, count)


def _newest(spark: SparkSession, address: Address, version: int) -> tuple[list[Row], int]:
    """The last two rows, and how many there are: by the index alone first, whose highest value the table's statistics
    tell: of a state there is much to read."""
    rows = address.read(spark, {"versionAsOf": str(version)})
    newest, count = rows.agg(F.max(INDEX), F.count("*")).collect()[0]
    if not count:
        return [], 0
    last = rows.where(F.col(INDEX) >= (newest or 0) - 1).orderBy(INDEX).limit(3).collect()
    return [row.asDict() for row in last], int(count)


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# -- reading ----------------------------------------------------------------------------------------------------------


def ordered(spark: SparkSession, address: Address) -> Iterator[Row]:
    """All rows in the order of their index."""
    return _in_order(address.read(spark))


def leaves(spark: SparkSession, address: Address) -> Iterator[str]:
    """The texts of all leaves in that order; a log's states, of which there is more to read, are left alone."""
    return (str(row[LEAF]) for row in _in_order(address.read(spark).select(INDEX, LEAF)))


def leaf(spark: SparkSession, address: Address, index: int) -> str | None:
    """The text of one leaf; None where there is none."""
    found = address.read(spark).where(F.col(INDEX) == index).select(LEAF).limit(1).collect()
    return str(found[0][LEAF]) if found else None


def _in_order(rows: DataFrame) -> Iterator[Row]:
    """By one task: a log is small, and a shuffle of it costs more than all the rest."""
    return (row.asDict() for row in rows.coalesce(1).sortWithinPartitions(INDEX).toLocalIterator())


def chosen(
    spark: SparkSession,
    address: Address,
    wanted: Mapping[str, Sequence[str]],
    since: str | None = None,
    until: str | None = None,
) -> Iterator[Row]:
    """Rows in order. wanted: column -> what it may say, anything where nothing is named. since, until: times, as texts
    begin; of ``until`` the rows before it. There is no row where there is no table."""
    small = small_rows.of(spark, address.path, address.sql, SCHEMA)
    if small is not None:
        yield from _chosen_of(small, wanted, since, until)
        return
    if not address.exists(spark):
        return
    rows = address.read(spark)
    for name, values in wanted.items():
        if values:
            rows = rows.where(F.col(name).isin(*values))
    if since is not None:
        rows = rows.where(F.col("time") >= since)
    if until is not None:
        rows = rows.where(F.col("time") < until)
    yield from _in_order(rows)


def _chosen_of(
    rows: pa.Table, wanted: Mapping[str, Sequence[str]], since: str | None, until: str | None
) -> Iterator[Row]:
    """As `chosen`: null is none of any values, and neither before nor after a time."""
    for name, values in wanted.items():
        if values:
            rows = rows.filter(pc.is_in(rows[name], pa.array(values, pa.string())))
    if since is not None:
        rows = rows.filter(pc.greater_equal(rows["time"], since))
    if until is not None:
        rows = rows.filter(pc.less(rows["time"], until))
    yield from rows.sort_by([(INDEX, "ascending")]).to_pylist()


def rows_since(spark: SparkSession, address: Address, start: str) -> Iterator[Row]:
    """All rows from the first one of a time or later on, or whose time is none, in order; without their states."""
    if not address.exists(spark):
        return
    rows = address.read(spark).select(INDEX, *DERIVED, LEAF)
    odd = F.col("time").isNull() | ~F.col("time").rlike(TIME)
    first = rows.where((F.col("time") >= start) | odd).agg(F.min(INDEX)).collect()[0][0]
    if first is not None:
        yield from _in_order(rows.where((F.col(INDEX) >= first) | F.col(INDEX).isNull()))


def counted(spark: SparkSession, address: Address) -> dict[tuple[str, str], int]:
    """How many rows there are of each table and kind."""
    found = address.read(spark).groupBy("table", "kind").count().collect()
    return {(str(row["table"]), str(row["kind"])): int(row["count"]) for row in found}


def odd_columns(spark: SparkSession, address: Address) -> list[str]:
    """Columns that are not as the log has them: gone, of another type, or more."""
    there = {field.name: field.dataType for field in address.read(spark).schema}
    wanted = {field.name: field.dataType for field in SCHEMA}
    return sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))


def odd_operations(spark: SparkSession, address: Address) -> list[tuple[int, str]]:
    """Commits that are in the table's log and are neither rows that were added nor harmless, by version."""
    told = address.history(spark).select("version", "operation", "operationParameters", "userMetadata").collect()
    return sorted((int(row["version"]), str(row["operation"])) for row in told if not _is_usual(row))


def _is_usual(row: Any) -> bool:
    if row["operation"] == "WRITE":
        mode = dict(row["operationParameters"] or {}).get("mode")
        return mode == "Append" and STATE in _parsed(row["userMetadata"])
    return row["operation"] in HARMLESS or (row["operation"] == "CREATE TABLE" and row["version"] == 0)


def forget(spark: SparkSession, address: Address) -> None:
    """Have Delta look at the table's log anew: what was done to its files by hand, its cache does not know."""
    begun = delta_commit.begin(spark, address.path, address.sql)
    if begun is not None:
        logs = java_class(spark._jvm, f"{DELTA}.DeltaLog")
        logs.invalidateCache(spark._jsparkSession, hadoop_path(spark, begun.location))


def gaps(spark: SparkSession, address: Address) -> list[int]:
    """Versions whose commit is gone, while older ones are there: Delta takes the oldest away alone."""
    begun = _begun(spark, address)
    names = small_files.names(spark, str(begun.log.logPath().toString()))
    there = {int(name[:20]) for name in names if COMMIT.fullmatch(name)}
    return [version for version in range(min(there, default=0), begun.version + 1) if version not in there]


def properties(spark: SparkSession, address: Address) -> Mapping[str, str]:
    return address.properties(spark)


BROKEN = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")


def broken(error: Exception) -> str:
    """What kind of error it is that a table cannot be read for; its text may hold anything."""
    found = BROKEN.search(str(error))
    return found[1] if found else type(error).__name__
