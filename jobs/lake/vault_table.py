"""The Delta table in which random tokens stand (`privacy_udfs.vault_rows`): what it is, and its few reads and writes.

It is in a folder that its owner alone can enter, has no statistics and no change feed, and says in its properties that
it is a vault, and which: a random id. Rows are added in a commit that counts the whole table as read, so of two runs
that add at once the later one is refused by Delta, looks again, and finds the rows of the other.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.vault_entry import VaultEntry
from jobs.console.numbers import many
from jobs.lake import closed_table, delta_commit, file_places, subject_key_files
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.closed_table import Nothing, Still, as_ever
from jobs.lake.delta_commit import Transaction
from jobs.lake.java import as_python
from jobs.lake.problems import SourceProblem
from privacy_udfs.errors import UnexpectedFailure

MARK, KIND, ID = "lakenym.vault", "1", "lakenym.vault.id"
BITS, EXPORTABLE = "lakenym.vault.bits", "lakenym.vault.exportable"
"""What a vault is made for: the size of its tokens, and whether values are kept under the key alone too."""
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
EXPIRE = "expire"
"""What commits that take out what has expired say of themselves."""
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class NoVault(SourceProblem):
    """There is none at the place."""


@dataclasses.dataclass(frozen=True)
class Vault:
    """A vault at one version. moment: what expired before it is not there. commit: SHA-256 of the version's commit
    file, hex; None where it is not there. bits: of its tokens."""

    spark: SparkSession
    entry: VaultEntry
    location: str
    version: int
    moment: datetime.datetime
    commit: str | None
    bits: int

    @property
    def said(self) -> Mapping[str, Any]:
        """What a run's commit says of it, by which the next run knows it again."""
        return {"id": self.entry.id, "version": self.version, "commit": self.commit}

    def rows(self) -> DataFrame:
        """Those that have not expired."""
        return self.all_rows().where(F.col(EXPIRES).isNull() | (F.col(EXPIRES) > F.lit(self.moment)))

    def all_rows(self) -> DataFrame:
        return Address(path=self.location).read(self.spark, {"versionAsOf": str(self.version)})


def create(spark: SparkSession, path: str, bits: int = 128, exportable: bool = False) -> str:
    """Make an empty vault in a new folder; returns its id. Raises `Refused` where anything stands there,
    `SourceProblem` where it lies in another table. bits: of its tokens."""
    made = uuid.uuid4().hex
    told = {MARK: KIND, ID: made, BITS: str(bits), EXPORTABLE: _written(exportable)}
    closed_table.create(spark, path, "vault", SCHEMA, COMMENT, told)
    return made


def _written(flag: bool) -> str:
    return "true" if flag else "false"


def looked(spark: SparkSession, entry: VaultEntry) -> Vault:
    """The vault as it is now. Raises `SourceProblem` where there is none, or another one."""
    with active(spark):
        return _vault(_begun(spark, entry), entry)


def add(spark: SparkSession, entry: VaultEntry, missing: Callable[[Vault], DataFrame], still: Still = as_ever) -> Vault:
    """Add rows in one commit; the vault with them. missing: the rows that a vault lacks; asked again where others were
    faster. still: as of `closed_table.added`. Raises `CommitConflict` where they are again and again."""

    def once(begun: Transaction, before: Vault) -> Vault:
        version = closed_table.added(begun, missing(before), still)
        return dataclasses.replace(before, version=version, commit=_digest(begun, version))

    return _changed(spark, entry, once)


def _changed(spark: SparkSession, entry: VaultEntry, once: Callable[[Transaction, Vault], Vault]) -> Vault:
    """The vault after one commit, or as it is where there is `Nothing` to do."""

    def attempt() -> Vault:
        begun = _begun(spark, entry)
        before = _vault(begun, entry)
        try:
            return once(begun, before)
        except Nothing:
            return before

    location = looked(spark, entry).location
    return closed_table.until_committed(spark, location, f"the vault {entry.place}", attempt)


def _begun(spark: SparkSession, entry: VaultEntry) -> Transaction:
    begun = delta_commit.begin(spark, entry.path, None)
    if begun is None:
        raise SourceProblem("tokens are added by Delta's own transaction, which is out of reach here")
    if begun.version < 0:
        raise NoVault(f"there is no vault at {entry.place}: make one with jobs/tokens.py create, or get it back")
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
    closed_table.check_closed(properties, f"the vault at {entry.place}")
    exportable = properties.get(EXPORTABLE, "false")
    if exportable != _written(entry.exportable):
        raise SourceProblem(
            f"the vault at {entry.place} was made with exportable: {exportable}, and domains.yaml says "
            f"{_written(entry.exportable)}: a vault stays what it is; state what it was made with, or make another one"
        )
    now = datetime.datetime.now(datetime.timezone.utc)
    bits = int(properties.get(BITS, "128"))
    return Vault(begun.spark, entry, begun.location, begun.version, now, _digest(begun, begun.version), bits)


def _digest(begun: Transaction, version: int) -> str | None:
    return delta_commit.commit_digest(begun.spark, begun.log, version)


def check_goes_on(vault: Vault, version: int, commit: str) -> None:
    """Raise `SourceProblem` where the vault is not what became of it as it was at a version. commit: as of a
    `Vault`."""
    with active(vault.spark):
        found = None if version > vault.version else _digest(_begun(vault.spark, vault.entry), version)
        since = None
        if found == commit:
            since = closed_table.operations(vault.spark, vault.location, version, vault.version)
    if since is None or "RESTORE" in since:
        raise SourceProblem(
            f"the vault at {vault.entry.place} went back: it is not what became of its version {version}, which this "
            "table's last run had (a restored version, a backup or a copy in its place). Tokens given since are gone "
            "from it, and their values get others: rows would not join"
        )


def _said_expired(rows: int, files: int) -> str:
    return json.dumps({"run_id": str(uuid.uuid4()), "mode": EXPIRE})


# -- what is past its time --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Expired:
    """rows: that were taken out. until: when older versions of the vault stop holding rows that expired, and can be
    purged; None where none holds any."""

    rows: int
    until: datetime.datetime | None


def expire(spark: SparkSession, entry: VaultEntry) -> Expired:
    """Take out what has expired, and purge what was taken out long enough ago. Raises `CommitConflict`,
    `SourceProblem` where that cannot be deleted, and as `looked`."""
    taken: list[int] = []

    def once(begun: Transaction, before: Vault) -> Vault:
        rows, past = before.all_rows(), F.col(EXPIRES) <= F.lit(before.moment)
        found = rows.where(past).select(F.col(file_places.FILE).alias("file")).groupBy("file").count().collect()
        taken[:] = [sum(int(row[1]) for row in found)]
        if not found:
            raise Nothing
        return dataclasses.replace(before, version=_taken_out(begun, past, [str(row[0]) for row in found]))

    vault = _changed(spark, entry, once)
    with active(spark):
        now = datetime.datetime.now(datetime.timezone.utc)
        DeltaTable.forPath(spark, vault.location).vacuum()
        there = subject_key_files.listed(spark, vault.location)
        begun = _begun(spark, entry)
        _check_purged(begun, vault, there, now)
        return Expired(taken[0], _held_until(begun, vault))


def _check_purged(begun: Transaction, vault: Vault, there: Mapping[str, float], since: datetime.datetime) -> None:
    """Raise `SourceProblem` where files lie there yet that VACUUM was to take: it does not tell of them. since: when it
    began."""
    before = (since - delta_commit.retention(begun)).timestamp()
    left = [at for at in subject_key_files.lying(begun, there).others.values() if at < before]
    if left:
        raise SourceProblem(
            f"{many(len(left), 'file')} beside the vault at {vault.entry.place} cannot be deleted though past the "
            "time, and may hold tokens that expired. See who may delete there, and run this again"
        )


def _taken_out(begun: Transaction, past: Column, places: Collection[str]) -> int:
    """Commit the files at some places anew, without rows; under the claim by which runs add."""
    begun.txn.readWholeTable()
    files = begun.txn.filterFiles()
    told, wanted = as_python(begun.spark._jvm, files), set(map(file_places.of_row, places))
    at = [at for at, file in enumerate(told) if file_places.of_log(begun.location, file["path"]) in wanted]
    if len(at) != len(wanted):
        raise UnexpectedFailure("files of the vault's rows are not those that its log has")
    rows = delta_commit.rows_of_files(begun.spark, begun.log, begun.txn.snapshot(), [told[each] for each in at])
    stay, removed = rows.where(F.coalesce(~past, F.lit(True))), [files.apply(each) for each in at]

    def commit(own: Transaction) -> int:
        return delta_commit.replace_files(own, removed, stay, _said_expired).version

    return closed_table.claimed(begun, commit, lambda: None)


def _held_until(begun: Transaction, vault: Vault) -> datetime.datetime | None:
    is_ours = F.get_json_object("userMetadata", "$.mode") == EXPIRE
    history = Address(path=vault.location).history(begun.spark).where((F.col("operation") == "DELETE") | is_ours)
    last = history.select(F.unix_micros(F.max("timestamp"))).collect()[0][0]
    if last is None:
        return None
    until = EPOCH + datetime.timedelta(microseconds=last) + delta_commit.retention(begun)
    return until if until > vault.moment else None
