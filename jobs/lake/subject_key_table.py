"""The Delta table in which trees of keys of subjects stand (`privacy_udfs.subject_keys`): made, rooted, destroyed from.

It is closed as a vault is (`closed_table`), and keeps no history: what a version no longer has is deleted at once, so
that a key that was destroyed is nowhere. What is deleted is known by the table's own log, never by a VACUUM, which
would take the files of another that is about to commit. Trees of which a key was destroyed are written anew, whole,
into a folder of their own (`ANEW`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.console.numbers import many
from jobs.lake import closed_table, delta_commit, restricted, subject_key_files
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import AddedFile, Place, Transaction
from jobs.lake.java import hadoop_path
from jobs.lake.problems import AnswerLost, CommitConflict, SourceProblem
from jobs.lake.quarantine_table import BUSY
from jobs.lake.replace import CONFLICT
from jobs.lake.subject_key_files import ANEW, Lying
from privacy_udfs.subject_keys import Part
from privacy_udfs.techniques._by_subject import FORM

MARK, KIND, FIRST_KIND, ID = "lakenym.subject_keys", "2", "1", "lakenym.subject_keys.id"
KEY_ID, AT, DEPTHS, PREFIXES, WRAPPED = "key_id", "part", "depths", "prefixes", "wrapped"
SCHEMA = T.StructType(
    [
        T.StructField(KEY_ID, T.LongType()),
        T.StructField(AT, T.IntegerType()),
        *(T.StructField(name, T.BinaryType()) for name in (DEPTHS, PREFIXES, WRAPPED)),
    ]
)
COMMENT = (
    "A tree of keys for each version of a named key, wrapped. A subject's key that it does not lead to any more is "
    "gone, and all values of the subject with it. Whoever deletes a row makes values of many unreadable, for good."
)
SAID = "subject_keys:{}"
"""By what a run's commit calls the table of a named key, among its vaults: no domain has such a name."""
OPERATIONS = frozenset({closed_table.OWN, "OPTIMIZE", "SET TBLPROPERTIES", "VACUUM START", "VACUUM END"})
"""Of commits that leave every row as it was, or are of this module."""
GONE = re.compile(
    "FILE_NOT_EXIST|FileNotFound|FILE_NOT_FOUND|PATH_NOT_FOUND|does not exist|No such file|to get file permissions"
)
"""In errors where a file went away while it was read, or listed (a local one is asked for its rights by `ls`)."""
LEFT = (
    "the keys are destroyed, but files beside the table of keys at {} could not be looked through or deleted ({}): any "
    "that leads to these keys opens their values yet. Run this again"
)
UNKNOWN = (
    "the commit of the table of keys at {} was asked for and ended with an error ({}): whether the keys are destroyed "
    "is not known. Run this again"
)
Trees = Mapping[int, Sequence[Part]]
"""By version of the named key the nodes of its tree."""


@dataclasses.dataclass(frozen=True)
class KeyTable:
    """The table at one version. commit: SHA-256 of the version's commit file."""

    spark: SparkSession
    entry: SubjectKeysEntry
    location: str
    version: int
    commit: str | None

    @property
    def said(self) -> Mapping[str, Any]:
        """What a run's commit says of it, by which the next run knows it again."""
        return {"id": self.entry.id, "version": self.version, "commit": self.commit}

    def trees(self) -> Trees:
        """All of it. Raises `delta_commit.Changed` where others destroy keys at this moment."""
        with _others_may_destroy(self):
            return _trees(Address(path=self.location).read(self.spark, {"versionAsOf": str(self.version)}).toArrow())


def create(spark: SparkSession, path: str) -> str:
    """Make an empty table in a new folder; returns its id. Raises `Refused` where anything stands there."""
    made = FORM + uuid.uuid4().hex
    closed_table.create(spark, path, "table of keys", SCHEMA, COMMENT, {MARK: KIND, ID: made})
    return made


def looked(spark: SparkSession, entry: SubjectKeysEntry) -> KeyTable:
    """The table as it is now. Raises `SourceProblem` where there is none, or another one."""
    with active(spark):
        return _table(_begun(spark, entry), entry)


def held(spark: SparkSession, entry: SubjectKeysEntry) -> tuple[KeyTable, Trees]:
    """The same with all of it. Raises `CommitConflict` where others change it again and again, and as `looked`."""

    def attempt() -> tuple[KeyTable, Trees]:
        table = looked(spark, entry)
        return table, table.trees()

    return closed_table.until_committed(spark, looked(spark, entry).location, _shown(entry), attempt)


def rooted(
    spark: SparkSession, entry: SubjectKeysEntry, key_id: int, root: Callable[[], Sequence[Part]]
) -> tuple[KeyTable, Trees]:
    """The table, in which a version of the named key has its tree, and all of it: of two that make one at once the
    later one takes that of the other. root: a new tree. spark: a session of its own. Raises as `held`."""

    def attempt() -> tuple[KeyTable, Trees]:
        begun = _begun(spark, entry)
        before = _table(begun, entry)
        trees = before.trees()
        if key_id in trees:
            return before, trees
        made = {key_id: root()}
        version = closed_table.added(begun, _rows(spark, made))
        return dataclasses.replace(before, version=version, commit=_digest(begun, version)), {**trees, **made}

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
            "which this table's last run had (a backup or a copy in its place). Keys that were destroyed since are "
            "there again: get the newest back"
        )
    strange = ["commits that cannot be read"] if since is None else sorted(since - OPERATIONS)
    if strange:
        raise SourceProblem(
            f"the table of keys at {table.entry.place} was changed by others since its version {version}, which this "
            f"table's last run had ({', '.join(strange)}): keys may be gone from it, or be there again that were "
            "destroyed. Nobody but this product may change its rows: make a new table of keys (jobs/shred.py create), "
            "state its id, and treat all tables anew; before that, see what the old one can still open"
        )


@contextlib.contextmanager
def _others_may_destroy(table: KeyTable) -> Iterator[None]:
    """Keys, and with them a file that is being read: then the table is another."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        text = str(error)
        if GONE.search(text) and table.location.removeprefix("file:").lstrip("/") in text:
            raise delta_commit.Changed from None
        raise


@contextlib.contextmanager
def _others_may_delete() -> Iterator[None]:
    """Files of this folder while they are listed, looked into or written: then there are others."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        if GONE.search(str(error)):
            raise delta_commit.Changed from None
        raise


def destroy(spark: SparkSession, entry: SubjectKeysEntry, punctured: Callable[[Trees], tuple[Trees, int]]) -> int:
    """Destroy keys, and every file that held any of them: how many there were. punctured: all trees, without these
    keys, and their number; asked again where others were faster. spark: a session of its own. Again it is 0, and what a
    killed one left is taken away. Raises `CommitConflict`, `AnswerLost`, `SourceProblem` where the keys are destroyed
    and files are left, and as `looked`."""

    def attempt() -> int:
        begun = _begun(spark, entry)
        after, gone = punctured(_table(begun, entry).trees())
        if gone:
            with _others_may_delete():
                _replaced(begun, after, entry)
        return gone

    done = closed_table.until_committed(spark, looked(spark, entry).location, _shown(entry), attempt)
    try:
        purge(spark, entry)
    except (PySparkException, Py4JError, CommitConflict) as error:
        raise SourceProblem(LEFT.format(entry.place, type(error).__name__)) from None
    return done


def _replaced(begun: Transaction, trees: Trees, entry: SubjectKeysEntry) -> None:
    """Commit trees in the place of all that the table has."""
    begun.txn.readWholeTable()
    files = begun.txn.filterFiles()
    removed, rows = [files.apply(at) for at in range(files.size())], _rows(begun.spark, trees)
    folder = f"{ANEW}{uuid.uuid4().hex}"

    def written(place: Place) -> Sequence[AddedFile]:
        return _written(begun.spark, place.root, folder, rows)

    def commit(own: Transaction) -> int:
        return delta_commit.replace_files(own, removed, rows, closed_table.said, written).version

    try:
        closed_table.claimed(begun, commit, lambda: None)
    except BaseException as error:
        if not begun.is_asked_for.is_set() or CONFLICT.search(str(error)):  # else it may be part of the table
            subject_key_files.delete(begun.spark, f"{begun.location}/{folder}")
        elif isinstance(error, PySparkException | Py4JError) and not BUSY.search(str(error)):
            raise AnswerLost(UNKNOWN.format(entry.place, type(error).__name__)) from None
        raise


def _written(spark: SparkSession, root: str, folder: str, rows: DataFrame) -> Sequence[AddedFile]:
    place = f"{root.rstrip('/')}/{folder}"
    rows.write.parquet(place)
    counts = spark.read.schema(SCHEMA).parquet(place).groupBy(F.col("_metadata.file_name").alias("file")).count()
    rows_of = {str(row[0]): int(row[1]) for row in counts.collect()}
    made = [AddedFile(f"{folder}/{name}", size, {}, json.dumps({"numRecords": rows_of[name]}), rows_of[name])
            for name, size in _sizes(spark, place) if name in rows_of]  # fmt: skip
    if len(made) != len(rows_of):
        raise delta_commit.Changed  # others deleted what leads to keys that they destroyed
    return made


def _sizes(spark: SparkSession, place: str) -> Iterator[tuple[str, int]]:
    where = hadoop_path(spark, place)
    for each in where.getFileSystem(restricted.hadoop_conf(spark)).listStatus(where):
        yield str(each.getPath().getName()), int(each.getLen())


# -- rows -------------------------------------------------------------------------------------------------------------


def _rows(spark: SparkSession, trees: Trees) -> DataFrame:
    told = [(key_id, at, *part) for key_id, parts in trees.items() for at, part in enumerate(parts)]
    columns = dict(zip(SCHEMA.names, zip(*told, strict=True), strict=True))
    return spark.createDataFrame(pa.table(columns, schema=to_arrow_schema(SCHEMA)), SCHEMA).coalesce(1)


def _trees(rows: pa.Table) -> Trees:
    found: dict[int, list[Part]] = {}
    for row in rows.sort_by([(KEY_ID, "ascending"), (AT, "ascending")]).to_pylist():
        found.setdefault(row[KEY_ID], []).append(Part(row[DEPTHS], row[PREFIXES], row[WRAPPED]))
    return found


# -- what no version has ----------------------------------------------------------------------------------------------


def left(spark: SparkSession, entry: SubjectKeysEntry) -> int:
    """How many files lie there that are not of the current version."""

    def attempt() -> int:
        with _others_may_delete():
            _, found = _lying(spark, entry)
        return len(found.removed) + len(found.others)

    return closed_table.until_committed(spark, looked(spark, entry).location, _shown(entry), attempt)


def purge(spark: SparkSession, entry: SubjectKeysEntry) -> None:
    """Delete each file that leads to a key that was destroyed, and each that was left a day ago by one that was killed.
    Raises `SourceProblem` where any is there yet."""

    def attempt() -> None:
        with _others_may_delete():
            _purged(spark, entry)

    closed_table.until_committed(spark, looked(spark, entry).location, _shown(entry), attempt)


def _purged(spark: SparkSession, entry: SubjectKeysEntry) -> None:
    table, found = _lying(spark, entry)
    doomed = [*subject_key_files.doomed(spark, table.trees(), found, SCHEMA, _trees), *found.removed]
    there = subject_key_files.deleted(spark, table.location, doomed)
    if there:
        raise SourceProblem(
            f"{many(there, 'file')} beside the table of keys at {entry.place} cannot be deleted, and may hold keys "
            "that are to be destroyed: these open all their values yet. See who may delete there, and run this "
            "again"
        )
    subject_key_files.tidy(spark, table.location, doomed)


def _lying(spark: SparkSession, entry: SubjectKeysEntry) -> tuple[KeyTable, Lying]:
    """The files are listed before the table is looked at: what is listed, and leads to what the table does not lead to
    any more, will never be committed."""
    listed = subject_key_files.listed(spark, _begun(spark, entry).location)
    begun = _begun(spark, entry)
    return _table(begun, entry), subject_key_files.lying(begun, listed)


# -- what stands there ------------------------------------------------------------------------------------------------


def _begun(spark: SparkSession, entry: SubjectKeysEntry) -> Transaction:
    begun = delta_commit.begin(spark, entry.path, None)
    if begun is None:
        raise SourceProblem("keys of subjects are destroyed by Delta's own transaction, which is out of reach here")
    if begun.version < 0:
        raise SourceProblem(
            f"there is no table of keys at {entry.place}: make one with jobs/shred.py create. If there was one, all "
            "values under its keys are lost"
        )
    return begun


def _table(begun: Transaction, entry: SubjectKeysEntry) -> KeyTable:
    properties = delta_commit.comment_and_properties(begun)[1]
    if properties.get(MARK) == FIRST_KIND:
        raise SourceProblem(
            f"the table of keys at {entry.place} is of the first form, a row for each subject, of which nothing is "
            "read any more: make a new one with jobs/shred.py create, state its id, and treat all tables anew (mode: "
            "full)"
        )
    if properties.get(MARK) != KIND:
        raise SourceProblem(f"what stands at {entry.place} is no table of keys: name what jobs/shred.py create made")
    if properties.get(ID) != entry.id:
        raise SourceProblem(
            f"the table of keys at {entry.place} has another id than keys.yaml says: its keys open nothing that was "
            "treated before; get the right one back, or state the new id and treat all tables anew"
        )
    closed_table.check_closed(properties, f"the table of keys at {entry.place}")
    return KeyTable(begun.spark, entry, begun.location, begun.version, _digest(begun, begun.version))


def _digest(begun: Transaction, version: int) -> str | None:
    return delta_commit.commit_digest(begun.spark, begun.log, version)


def _shown(entry: SubjectKeysEntry) -> str:
    return f"the table of keys {entry.place}"
