"""The Delta table in which random tokens stand (`privacy_udfs.vault_rows`): what it is, and its few reads and writes.

It is in a folder that its owner alone can enter, has no statistics and no change feed, and says in its properties that
it is a vault, and which: a random id. Rows are added in a commit that counts the whole table as read, so of two runs
that add at once the later one is refused by Delta, looks again, and finds the rows of the other.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.vault_entry import VaultEntry
from jobs.console.exit_codes import Refused
from jobs.lake import claims, delta_commit, restricted
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction
from jobs.lake.delta_commit.files import metric
from jobs.lake.problems import CommitConflict, SourceProblem
from jobs.lake.quarantine_table import BUSY
from jobs.lake.replace import CONFLICT

MARK, KIND, ID = "lakenym.vault", "1", "lakenym.vault.id"
CHANGE_FEED, STATISTICS, VECTORS = (
    "delta.enableChangeDataFeed",
    "delta.dataSkippingNumIndexedCols",
    "delta.enableDeletionVectors",
)
CLOSED = {CHANGE_FEED: "false", STATISTICS: "0", VECTORS: "false"}
"""A change feed would keep what expires, statistics would stand in the log, vectors would leave rows in their files."""
PROPERTIES = {MARK: KIND, **CLOSED, "delta.isolationLevel": "Serializable"}
LOOKUP, SEALED_TOKEN, ROW_KEY, SEALED_VALUE, EXPORTED = "lookup", "sealed_token", "row_key", "sealed_value", "exported"
CREATED, EXPIRES, KEY_ID = "created", "expires", "key_id"
SCHEMA = T.StructType(
    [
        *(T.StructField(name, T.BinaryType()) for name in (LOOKUP, SEALED_TOKEN, ROW_KEY, SEALED_VALUE, EXPORTED)),
        T.StructField(CREATED, T.TimestampType()),
        T.StructField(EXPIRES, T.TimestampType()),
        T.StructField(KEY_ID, T.LongType()),
    ]
)
COMMENT = "Random tokens and the values that they stand for, sealed: each opens with the other and the key alone."
RETENTION, DAYS = "delta.deletedFileRetentionDuration", 7
"""For how long files that are no part of the vault any more stay, unless its properties say otherwise."""
SPAN = re.compile("([0-9]{1,6}) (hour|day|week)")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
ATTEMPTS, PAUSE = 30, 0.2
ADDING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Runs side by side in one process add to a vault one after the other, without a conflict."""


@dataclasses.dataclass(frozen=True)
class Vault:
    """A vault at one version. moment: what expired before it is not there."""

    spark: SparkSession
    entry: VaultEntry
    location: str
    version: int
    moment: datetime.datetime

    def rows(self) -> DataFrame:
        """Those that have not expired."""
        return self.all_rows().where(F.col(EXPIRES).isNull() | (F.col(EXPIRES) > F.lit(self.moment)))

    def all_rows(self) -> DataFrame:
        return Address(path=self.location).read(self.spark, {"versionAsOf": str(self.version)})


class _Nothing(Exception):
    """There is nothing to add."""


def create(spark: SparkSession, path: str) -> str:
    """Make an empty vault in a new folder; returns its id. Raises `Refused` where anything stands there."""
    if not restricted.is_gone(spark, path):
        raise Refused(f"{path} is there already, or cannot be looked at: choose a new place")
    made, table = uuid.uuid4().hex, DeltaTable.create(spark).addColumns(SCHEMA).comment(COMMENT)
    for name, value in {**PROPERTIES, ID: made}.items():
        table = table.property(name, value)
    restricted.make_folder(spark, path)
    table.location(restricted.location(spark, path)).execute()
    return made


def looked(spark: SparkSession, entry: VaultEntry) -> Vault:
    """The vault as it is now. Raises `SourceProblem` where there is none, or another one."""
    with active(spark):
        return _vault(_begun(spark, entry), entry)


def add(spark: SparkSession, entry: VaultEntry, missing: Callable[[Vault], DataFrame]) -> Vault:
    """Add rows in one commit; the vault with them. missing: the rows that a vault lacks; asked again where others were
    faster. Raises `CommitConflict` where they are again and again, and as `looked`."""
    place = looked(spark, entry).location
    with active(spark), ADDING[place]:
        for attempt in range(ATTEMPTS):
            begun = _begun(spark, entry)
            before = _vault(begun, entry)
            try:
                return dataclasses.replace(before, version=_added(begun, missing(before)))
            except _Nothing:
                return before
            except delta_commit.Changed:
                pass
            except (PySparkException, Py4JError) as error:
                if not CONFLICT.search(str(error)) and not BUSY.search(str(error)):
                    raise
            time.sleep(PAUSE * min(attempt + 1, 10) * (1 + uuid.uuid4().int % 100 / 100))
    raise CommitConflict(f"others added to the vault {entry.place} each of {ATTEMPTS} times that this run tried to")


def _begun(spark: SparkSession, entry: VaultEntry) -> Transaction:
    begun = delta_commit.begin(spark, entry.path, None)
    if begun is None:
        raise SourceProblem("tokens are added by Delta's own transaction, which is out of reach here")
    if begun.version < 0:
        raise SourceProblem(f"there is no vault at {entry.place}: make one with jobs/tokens.py create, or get it back")
    return begun


def _vault(begun: Transaction, entry: VaultEntry) -> Vault:
    properties = delta_commit.comment_and_properties(begun)[1]
    if properties.get(MARK) != KIND:
        raise SourceProblem(f"what stands at {entry.place} is no vault: name the place that jobs/tokens.py create made")
    if properties.get(ID) != entry.id:
        raise SourceProblem(
            f"the vault at {entry.place} has another id than domains.yaml says: it is another vault, whose tokens join "
            "with no token made before; get the right one back, or state the new id and treat all tables anew"
        )
    open_ = [name for name, value in CLOSED.items() if properties.get(name, "").lower() != value]
    if open_:
        raise SourceProblem(f"the vault at {entry.place} is no longer as it was made: set {', '.join(open_)} again")
    now = datetime.datetime.now(datetime.timezone.utc)
    return Vault(begun.spark, entry, begun.location, begun.version, now)


def _added(begun: Transaction, rows: DataFrame) -> int:
    held: list[str | None] = []
    version = begun.version + 1

    def at_last() -> None:
        if not metric(begun, "numOutputRows"):
            raise _Nothing
        if claims.is_needed(begun.spark, begun.location):
            held.append(claims.claim(begun, version))

    try:
        return delta_commit.append(dataclasses.replace(begun, at_last=at_last), rows, _said).version
    finally:
        claims.release(begun, version, held[0] if held else None)


def _said(rows: int, files: int) -> str:
    """The user metadata of a commit. run_id: of its own, by which it is known again."""
    return json.dumps({"run_id": str(uuid.uuid4())})


# -- what is past its time --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Expired:
    """rows: that were taken out. until: when older versions of the vault stop holding rows that expired, and can be
    purged; None where none holds any."""

    rows: int
    until: datetime.datetime | None


def expire(spark: SparkSession, entry: VaultEntry) -> Expired:
    """Take out what has expired, and purge what was taken out long enough ago. Raises `CommitConflict`, and as
    `looked`."""
    vault = looked(spark, entry)
    table = DeltaTable.forPath(spark, vault.location)
    past = F.col(EXPIRES) <= F.lit(vault.moment)
    with active(spark), ADDING[vault.location]:
        rows = vault.all_rows().where(past).count()
        if rows:
            _deleted(table, past, entry)
        table.vacuum()
    return Expired(rows, _held_until(spark, vault))


def _deleted(table: DeltaTable, past: Column, entry: VaultEntry) -> None:
    for attempt in range(ATTEMPTS):
        try:
            table.delete(past)
            return
        except (PySparkException, Py4JError) as error:
            if not CONFLICT.search(str(error)) and not BUSY.search(str(error)):
                raise
        time.sleep(PAUSE * (attempt + 1))
    raise CommitConflict(f"others changed the vault {entry.place} each of {ATTEMPTS} times that this job tried to")


def _held_until(spark: SparkSession, vault: Vault) -> datetime.datetime | None:
    address = Address(path=vault.location)
    stated = address.properties(spark).get(RETENTION, f"interval {DAYS} days")
    found = SPAN.search(stated)
    span = datetime.timedelta(days=DAYS) if found is None else datetime.timedelta(**{f"{found[2]}s": int(found[1])})
    deleted = address.history(spark).where("operation = 'DELETE'")
    last = deleted.select(F.unix_micros(F.max("timestamp"))).collect()[0][0]
    if last is None:
        return None
    until = EPOCH + datetime.timedelta(microseconds=last) + span
    return until if until > vault.moment else None
