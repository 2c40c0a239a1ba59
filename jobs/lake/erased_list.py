"""The list of the erased: a Delta table of codes by which runs know whom they leave out; its few reads and writes.

It is made and kept as every table of secrets is (`jobs.lake.closed_table`): in a folder that its owner alone can enter,
without statistics and without a change feed, known by a random id, and rows are added in a commit that counts the whole
table as read. Nothing is taken out of it: who is taken off the list has rows more, whose ``run_id`` is `OFF` and
that of the erasure which put them there. A later erasure puts them there again.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.erasure_entry import ErasedListEntry
from jobs.console.exit_codes import Refused
from jobs.lake import closed_table, delta_commit, log_commits
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction
from jobs.lake.problems import SourceProblem
from jobs.lake.replace import HARMLESS

MARK, KIND, ID = "lakenym.erased", "2", "lakenym.erased.id"
PROPERTIES = {MARK: KIND, "delta.appendOnly": "true"}
"""Beside those of every table of secrets."""
DOMAIN, CODE, KEY_ID, SINCE, RUN, SPELLED = "domain", "code", "key_id", "since", "run_id", "spelled"
SCHEMA = T.StructType(
    [
        T.StructField(DOMAIN, T.StringType()),
        T.StructField(CODE, T.BinaryType()),
        T.StructField(KEY_ID, T.LongType()),
        T.StructField(SINCE, T.TimestampType()),
        T.StructField(RUN, T.StringType()),
        T.StructField(SPELLED, T.StringType()),
    ]
)
COMMENT = "Codes of erased subjects, whose rows runs leave out; they join with no other table."
OFF = "off/"
MOST = 1 << 22
"""Codes of the domains of one run: all of them are sent to its tasks."""

Code = tuple[str, int, bytes]
"""A domain, the id of the key's version, and the code under it."""
Spelled = tuple[str, int, bytes, tuple[str, ...]]
"""The same, and the steps by which the domain spelled ids when the code was made: by no others is it found again."""


@dataclasses.dataclass(frozen=True)
class ErasedList:
    """The list at one version. commit: SHA-256 of the version's commit file, hex; None where it is not there."""

    spark: SparkSession
    entry: ErasedListEntry
    location: str
    version: int
    commit: str | None

    @property
    def said(self) -> Mapping[str, Any]:
        """What a run's commit says of it, by which the next run knows it again."""
        return {"id": self.entry.id, "version": self.version, "commit": self.commit}

    def codes(self, domains: Collection[str] | None, run_id: str | None = None) -> list[Code]:
        """Those of some domains, or all; each once. run_id: of one erasure alone. Raises `Refused` where they are too
        many."""
        return [each[:3] for each in self.spelled(domains, run_id)]

    def spelled(self, domains: Collection[str] | None, run_id: str | None = None) -> list[Spelled]:
        """The same, each with the steps that it was made by."""
        rows = self._rows()
        rows = rows if domains is None else rows.where(F.col(DOMAIN).isin(*domains))
        rows = rows if run_id is None else rows.where(F.col(RUN).isin(run_id, f"{OFF}{run_id}"))
        told = _standing(rows).select(DOMAIN, KEY_ID, CODE, SPELLED).limit(MOST + 1).toArrow()
        if len(told) > MOST:
            raise Refused(
                f"the list of the erased {self.entry.place} has more than {MOST:,} codes of one table's domains, and "
                "no more are sent to the tasks of one run"
            )
        steps = [tuple(filter(None, text.split(","))) for text in told.column(SPELLED).to_pylist()]
        rest = (told.column(name).to_pylist() for name in (DOMAIN, KEY_ID, CODE))
        return list(zip(*rest, steps, strict=True))

    @property
    def domains(self) -> frozenset[str]:
        """Of which it has anybody who was not taken off."""
        return frozenset(row[DOMAIN] for row in _standing(self._rows()).select(DOMAIN).distinct().collect())

    def runs(self, domains: Collection[str] | None = None) -> frozenset[str]:
        """The erasures that wrote to it, of some domains or of all; also of whom was taken off since."""
        rows = self._rows().where(~F.col(RUN).startswith(OFF))
        rows = rows if domains is None else rows.where(F.col(DOMAIN).isin(*domains))
        return frozenset(row[RUN] for row in rows.select(RUN).distinct().collect())

    def put_by(self, codes: Collection[Spelled]) -> dict[str, datetime.datetime]:
        """The erasures by which any of some codes stand there, and when each put them there, in UTC."""
        rows = self._rows().where(F.col(DOMAIN).isin({domain for domain, *_ in codes}))
        runs = {run for row in _standing(rows).collect() if _spelled(row) in codes for run in row[RUN]}
        times = rows.where(F.col(RUN).isin(runs)).groupBy(RUN).agg(F.unix_micros(F.max(SINCE)).alias(SINCE))
        utc = datetime.timezone.utc
        return {row[RUN]: datetime.datetime.fromtimestamp(row[SINCE] / 1_000_000, utc) for row in times.collect()}

    def _rows(self) -> DataFrame:
        return Address(path=self.location).read(self.spark, {"versionAsOf": str(self.version)})


def _standing(rows: DataFrame) -> DataFrame:
    """Each code once that an erasure put there by which it was not taken off since; with the `RUN`s of such."""
    all_runs = rows.groupBy(DOMAIN, KEY_ID, CODE, SPELLED).agg(F.collect_set(RUN).alias("all"))
    own = F.filter("all", lambda run: ~run.startswith(OFF) & ~F.array_contains(F.col("all"), F.concat(F.lit(OFF), run)))
    return all_runs.withColumn(RUN, own).where(F.size(RUN) > 0)


def create(spark: SparkSession, path: str) -> str:
    """Make an empty list in a new folder; returns its id. Raises `Refused` where anything stands there,
    `SourceProblem` where it lies in another table."""
    made = uuid.uuid4().hex
    closed_table.create(spark, path, "list of the erased", SCHEMA, COMMENT, {**PROPERTIES, ID: made})
    return made


def looked(spark: SparkSession, entry: ErasedListEntry) -> ErasedList:
    """The list as it is now. Raises `SourceProblem` where there is none, or another one."""
    with active(spark):
        return _list(_begun(spark, entry), entry)


def add(
    spark: SparkSession, entry: ErasedListEntry, codes: Collection[Code], run_id: str, steps: Sequence[str] = ()
) -> ErasedList:
    """Add codes, as those of an erasure, in one commit; the list with them. steps: by which ids are spelled. spark: a
    session that nothing else is written in, since what Delta is told of a commit stands in its settings. Raises
    `CommitConflict` where others are faster again and again, and as `looked`."""

    def once() -> ErasedList:
        begun = _begun(spark, entry)
        before = _list(begun, entry)
        new = sorted(set(codes) - set(before.codes(None, run_id)))
        if not new:
            return before
        version = _added(begun, new, run_id, steps)
        return dataclasses.replace(before, version=version, commit=_digest(begun, version))

    place = looked(spark, entry).location
    return closed_table.until_committed(spark, place, f"the list of the erased {entry.place}", once)


def take_off(
    spark: SparkSession,
    entry: ErasedListEntry,
    codes: Collection[Spelled],
    run_id: str,
    put_by: Collection[str] | None = None,
) -> tuple[ErasedList, int]:
    """Take codes off, in one commit; the list by then, and how many of them stood on it. put_by: the erasures that are
    known to have put them there; where another one did so too nobody is taken off, and `Refused` is raised; None: all
    that did. spark, raises: as `add`."""
    found = 0

    def once() -> ErasedList:
        nonlocal found
        begun = _begun(spark, entry)
        before = _list(begun, entry)
        there = _standing(before._rows().where(F.col(DOMAIN).isin({domain for domain, *_ in codes}))).collect()
        own = [row for row in there if _spelled(row) in codes]
        found = len(own)
        if not own:
            return before
        if put_by is not None and not {run for row in own for run in row[RUN]} <= {*put_by}:
            raise Refused("somebody of these was erased again meanwhile: nobody was taken off the list")
        rows = [(_spelled(row)[:3], f"{OFF}{run}", row[SPELLED]) for row in own for run in row[RUN]]
        version = _committed(begun, rows, run_id)
        return dataclasses.replace(before, version=version, commit=_digest(begun, version))

    place = looked(spark, entry).location
    return closed_table.until_committed(spark, place, f"the list of the erased {entry.place}", once), found


def _spelled(row: Row) -> Spelled:
    steps = tuple(filter(None, row[SPELLED].split(",")))
    return row[DOMAIN], row[KEY_ID], bytes(row[CODE]), steps


def _added(begun: Transaction, new: Sequence[Code], run_id: str, steps: Sequence[str]) -> int:
    how = ",".join(steps)
    return _committed(begun, [(code, run_id, how) for code in new], run_id)


def _committed(begun: Transaction, new: Sequence[tuple[Code, str, str]], run_id: str) -> int:
    """new: each with its run, and how it is spelled."""
    now = datetime.datetime.now(datetime.timezone.utc)
    rows = begun.spark.createDataFrame([(code[0], code[2], code[1], now, run, how) for code, run, how in new], SCHEMA)
    told = json.dumps({"run_id": str(uuid.uuid4()), "erasure": run_id})

    def commit(own: Transaction) -> int:
        return delta_commit.append(own, rows.coalesce(1), lambda *_: told).version

    return closed_table.claimed(begun, commit, lambda: None)


def _begun(spark: SparkSession, entry: ErasedListEntry) -> Transaction:
    begun = delta_commit.begin(spark, entry.path, None)
    if begun is None:
        raise SourceProblem("the list of the erased is kept by Delta's own transaction, which is out of reach here")
    if begun.version < 0:
        raise SourceProblem(
            f"there is no list of the erased at {entry.place}: get it back from a backup that is no older than the "
            "last erasure; whoever it kept out would come back without it (a first one: jobs/erase.py --make-list)"
        )
    return begun


def _list(begun: Transaction, entry: ErasedListEntry) -> ErasedList:
    properties = delta_commit.comment_and_properties(begun)[1]
    if properties.get(MARK) != KIND:
        raise SourceProblem(
            f"what stands at {entry.place} is no list of the erased: name the place that jobs/erase.py --make-list made"
        )
    if properties.get(ID) != entry.id:
        raise SourceProblem(
            f"the list of the erased at {entry.place} has another id than policy.yaml says: it is another list, and "
            "whoever the right one keeps out would come back"
        )
    closed_table.check_closed(properties, f"the list of the erased at {entry.place}")
    return ErasedList(begun.spark, entry, begun.location, begun.version, _digest(begun, begun.version))


def _digest(begun: Transaction, version: int) -> str | None:
    return delta_commit.commit_digest(begun.spark, begun.log, version)


def check_goes_on(now: ErasedList, version: int, commit: str | None) -> None:
    """Raise `SourceProblem` where the list is not what became of it as it was at a version. commit: as of an
    `ErasedList`."""
    with active(now.spark):
        found = None if version > now.version else _digest(_begun(now.spark, now.entry), version)
        went_back = found is None or found != commit or (version < now.version and _lost_rows(now, version))
    if went_back:
        raise SourceProblem(
            f"the list of the erased at {now.entry.place} is not what became of its version {version}, which this "
            "table's last run had (a restored version, a backup or a copy in its place, or rows taken out): whoever it "
            "lacks would come back. Get the right list back; or make another one with jobs/erase.py --make-list, and "
            "erase all subjects again"
        )


def _lost_rows(now: ErasedList, version: int) -> bool:
    """Whether a later commit takes rows away, or may do so."""
    later = log_commits.after(now.spark, now.location, version, now.version)
    if later is not None:
        return any(commit.takes_away or commit.removed or commit.operation == "RESTORE" for commit in later)
    since = Address(path=now.location).history(now.spark).where(F.col("version") > version)
    rows = since.select("operation", "operationParameters").collect()
    return len(rows) != now.version - version or not all(map(_adds, rows))


def _adds(row: Row) -> bool:
    """Whether a commit, as the history tells it, takes no row away."""
    if row["operation"] == "WRITE":
        return dict(row["operationParameters"] or {}).get("mode") == "Append"
    return row["operation"] in HARMLESS
