"""The Delta table in which keys of subjects stand (`privacy_udfs.subject_keys`): made, added to, and destroyed from.

It is closed as a vault is (`closed_table`), and keeps no history: what a version no longer has is deleted at once, so
that a key that was destroyed is nowhere. What is deleted is known by the table's own log, never by a VACUUM, which
would take the files of a run that is about to add keys. Rows that stay are written anew into a folder of their own
(`ANEW`), by which what a killed destruction left is known.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.lake import closed_table, delta_commit, file_places, restricted, subject_key_files
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.closed_table import Nothing, Still, as_ever
from jobs.lake.delta_commit import AddedFile, Place, Transaction
from jobs.lake.java import as_python, hadoop_path
from jobs.lake.problems import SourceProblem
from jobs.lake.replace import CONFLICT
from jobs.lake.subject_key_files import ANEW, Lying
from privacy_udfs.errors import UnexpectedFailure

MARK, KIND, ID = "lakenym.subject_keys", "1", "lakenym.subject_keys.id"
LOOKUP, HANDLE, WRAPPED, CREATED, KEY_ID = "lookup", "handle", "wrapped", "created", "key_id"
SCHEMA = T.StructType(
    [
        *(T.StructField(name, T.BinaryType()) for name in (LOOKUP, HANDLE, WRAPPED)),
        T.StructField(CREATED, T.TimestampType()),
        T.StructField(KEY_ID, T.LongType()),
    ]
)
COMMENT = "A key for each subject, wrapped. Whoever deletes a row makes all values of the subject unreadable, for good."
SAID = "subject_keys:{}"
"""By what a run's commit calls the table of a named key, among its vaults: no domain has such a name."""
OPERATIONS = frozenset({closed_table.OWN, "OPTIMIZE", "SET TBLPROPERTIES", "VACUUM START", "VACUUM END"})
"""Of commits that leave every row as it was, or are of this module."""
GONE = re.compile("FILE_NOT_EXIST|FileNotFound|FILE_NOT_FOUND|does not exist")


@dataclasses.dataclass(frozen=True)
class KeyTable:
    """The table at one version. moment: when it was looked at. commit: SHA-256 of the version's commit file."""

    spark: SparkSession
    entry: SubjectKeysEntry
    location: str
    version: int
    moment: datetime.datetime
    commit: str | None

    @property
    def said(self) -> Mapping[str, Any]:
        """What a run's commit says of it, by which the next run knows it again."""
        return {"id": self.entry.id, "version": self.version, "commit": self.commit}

    def rows(self) -> DataFrame:
        return Address(path=self.location).read(self.spark, {"versionAsOf": str(self.version)})


def create(spark: SparkSession, path: str) -> str:
    """Make an empty table in a new folder; returns its id. Raises `Refused` where anything stands there."""
    made = uuid.uuid4().hex
    closed_table.create(spark, path, "table of keys", SCHEMA, COMMENT, {MARK: KIND, ID: made})
    return made


def looked(spark: SparkSession, entry: SubjectKeysEntry) -> KeyTable:
    """The table as it is now. Raises `SourceProblem` where there is none, or another one."""
    with active(spark):
        return _table(_begun(spark, entry), entry)


def add(
    spark: SparkSession, entry: SubjectKeysEntry, missing: Callable[[KeyTable], DataFrame], still: Still = as_ever
) -> KeyTable:
    """Add rows in one commit; the table with them. missing: the rows that it lacks; asked again where others were
    faster. still: as of `closed_table.added`. Raises `CommitConflict` where they are again and again, and as
    `looked`."""

    def attempt() -> KeyTable:
        begun = _begun(spark, entry)
        before = _table(begun, entry)
        try:
            with _others_may_destroy(before):
                version = closed_table.added(begun, missing(before), still)
        except Nothing:
            return before
        return dataclasses.replace(before, version=version, commit=_digest(begun, version))

    return closed_table.until_committed(spark, looked(spark, entry).location, _shown(entry), attempt)


def check_goes_on(table: KeyTable, version: int, commit: str) -> None:
    """Raise `SourceProblem` where the table is not what became of it as it was at a version. commit: as of a
    `KeyTable`."""
    with active(table.spark):
        found = None if version > table.version else _digest(_begun(table.spark, table.entry), version)
        since = None
        if found == commit:
            since = closed_table.operations(table.spark, table.location, version, table.version)
    if found != commit:
        raise SourceProblem(
            f"the table of keys at {table.entry.place} went back: it is not what became of its version {version}, "
            "which this table's last run had (a backup or a copy in its place). Keys given since are gone from it, and "
            "such as were destroyed may be there again: get the newest back"
        )
    strange = ["commits that cannot be read"] if since is None else sorted(since - OPERATIONS)
    if strange:
        raise SourceProblem(
            f"the table of keys at {table.entry.place} was changed by others since its version {version}, which this "
            f"table's last run had ({', '.join(strange)}): keys may be gone from it, and other keys would be made for "
            "the same subjects. Nobody but this product may change its rows: make a new table of keys (jobs/shred.py "
            "create), state its id, and treat all tables anew; before that, see what the old one can still open"
        )


@contextlib.contextmanager
def _others_may_destroy(table: KeyTable) -> Iterator[None]:
    """Keys, and with them a file that is being read: then the table is another."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        if is_gone(error, table):
            raise delta_commit.Changed from None
        raise


def is_gone(error: Exception, table: KeyTable) -> bool:
    """Whether an error is that of a file of the table which is not there any more."""
    text = str(error)
    return bool(GONE.search(text)) and table.location.removeprefix("file:").lstrip("/") in text


def destroy(spark: SparkSession, entry: SubjectKeysEntry, lookups: DataFrame) -> int:
    """Destroy the keys of these rows, and every file that held them: how many keys there were. lookups: a column
    `LOOKUP`; asked more than once. spark: a session of its own. Again it is 0, and what a killed one left is taken
    away. Raises `CommitConflict`, and as `looked`."""
    wanted = lookups.select(LOOKUP).where(F.col(LOOKUP).isNotNull()).distinct()

    def attempt() -> int:
        begun = _begun(spark, entry)
        before = _table(begun, entry)
        where = before.rows().select(LOOKUP, F.col(file_places.FILE).alias("file"))
        with _others_may_destroy(before):
            found = where.join(wanted, LOOKUP, "left_semi").groupBy("file").count().collect()
            if found:
                _taken_out(begun, wanted, [str(row[0]) for row in found])
        return sum(int(row[1]) for row in found)

    done = closed_table.until_committed(spark, looked(spark, entry).location, _shown(entry), attempt)
    purge(spark, entry)
    return done


def _taken_out(begun: Transaction, wanted: DataFrame, places: Sequence[str]) -> None:
    """Commit the files at some places anew, without the rows."""
    begun.txn.readWholeTable()
    files = begun.txn.filterFiles()
    told, there = as_python(begun.spark._jvm, files), set(map(file_places.of_row, places))
    at = [at for at, file in enumerate(told) if file_places.of_log(begun.location, file["path"]) in there]
    if len(at) != len(there):
        raise UnexpectedFailure("files of the keys' rows are not those that the table's log has")
    rows = delta_commit.rows_of_files(begun.spark, begun.log, begun.txn.snapshot(), [told[each] for each in at])
    stay, removed = rows.join(wanted, LOOKUP, "left_anti").select(SCHEMA.names), [files.apply(each) for each in at]
    folder = f"{ANEW}{uuid.uuid4().hex}"

    def written(place: Place) -> Sequence[AddedFile]:
        return _written(begun.spark, place.root, folder, stay)

    def commit(own: Transaction) -> int:
        return delta_commit.replace_files(own, removed, stay, closed_table.said, written).version

    try:
        closed_table.claimed(begun, commit, lambda: None)
    except BaseException as error:
        if not begun.is_asked_for.is_set() or CONFLICT.search(str(error)):  # else it may be part of the table
            subject_key_files.delete(begun.spark, f"{begun.location}/{folder}")
        raise


def _written(spark: SparkSession, root: str, folder: str, rows: DataFrame) -> Sequence[AddedFile]:
    place = f"{root.rstrip('/')}/{folder}"
    rows.write.parquet(place)
    counts = spark.read.schema(SCHEMA).parquet(place).groupBy(F.col("_metadata.file_name").alias("file")).count()
    rows_of = {str(row[0]): int(row[1]) for row in counts.collect()}
    made = [AddedFile(f"{folder}/{name}", size, {}, json.dumps({"numRecords": rows_of[name]}), rows_of[name])
            for name, size in _sizes(spark, place) if name in rows_of]  # fmt: skip
    if len(made) != len(rows_of):
        raise UnexpectedFailure("the rows that stay were not written as they are read")
    return made


def _sizes(spark: SparkSession, place: str) -> Iterator[tuple[str, int]]:
    where = hadoop_path(spark, place)
    for each in where.getFileSystem(restricted.hadoop_conf(spark)).listStatus(where):
        yield str(each.getPath().getName()), int(each.getLen())


# -- what no version has ----------------------------------------------------------------------------------------------


def left(spark: SparkSession, entry: SubjectKeysEntry) -> int:
    """How many files lie there that are not of the current version."""
    with active(spark):
        _, _, found = _lying(spark, entry)
    return len(found.removed) + len(found.others)


def purge(spark: SparkSession, entry: SubjectKeysEntry) -> None:
    """Delete each file with a key that was destroyed, and each that a run left which was killed a day ago. Files that
    the log took out go last, once no other is left: they tell which keys those are, should this be killed. Raises
    `SourceProblem` where any is there yet."""
    with active(spark):
        table, _, found = _lying(spark, entry)
        rows = table.rows().select(LOOKUP, HANDLE)
        doomed = subject_key_files.doomed(spark, rows, found, SCHEMA)
        for paths in (doomed, found.removed):
            there = subject_key_files.deleted(spark, table.location, paths)
            if there:
                raise SourceProblem(
                    f"{there} files beside the table of keys at {entry.place} cannot be deleted, and may hold keys "
                    "that are to be destroyed: these open all their values yet. See who may delete there, and run this "
                    "again"
                )
        subject_key_files.tidy(spark, table.location, [*doomed, *found.removed])


def _lying(spark: SparkSession, entry: SubjectKeysEntry) -> tuple[KeyTable, Transaction, Lying]:
    """The files are listed before the table is looked at: what is listed, and was written anew out of what the table
    has no more, will never be committed."""
    listed = subject_key_files.listed(spark, _begun(spark, entry).location)
    begun = _begun(spark, entry)
    return _table(begun, entry), begun, subject_key_files.lying(begun, listed)


# -- what stands there ------------------------------------------------------------------------------------------------


def _begun(spark: SparkSession, entry: SubjectKeysEntry) -> Transaction:
    begun = delta_commit.begin(spark, entry.path, None)
    if begun is None:
        raise SourceProblem("keys of subjects are added by Delta's own transaction, which is out of reach here")
    if begun.version < 0:
        raise SourceProblem(
            f"there is no table of keys at {entry.place}: make one with jobs/shred.py create. If there was one, all "
            "values under its keys are lost"
        )
    return begun


def _table(begun: Transaction, entry: SubjectKeysEntry) -> KeyTable:
    properties = delta_commit.comment_and_properties(begun)[1]
    if properties.get(MARK) != KIND:
        raise SourceProblem(f"what stands at {entry.place} is no table of keys: name what jobs/shred.py create made")
    if properties.get(ID) != entry.id:
        raise SourceProblem(
            f"the table of keys at {entry.place} has another id than keys.yaml says: its keys open nothing that was "
            "treated before; get the right one back, or state the new id and treat all tables anew"
        )
    closed_table.check_closed(properties, f"the table of keys at {entry.place}")
    now = datetime.datetime.now(datetime.timezone.utc)
    return KeyTable(begun.spark, entry, begun.location, begun.version, now, _digest(begun, begun.version))


def _digest(begun: Transaction, version: int) -> str | None:
    return delta_commit.commit_digest(begun.spark, begun.log, version)


def _shown(entry: SubjectKeysEntry) -> str:
    return f"the table of keys {entry.place}"
