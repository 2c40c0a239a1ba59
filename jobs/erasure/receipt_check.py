"""A receipt held against what is there today: whether what should be gone by now is, and nothing came back.

Whether a single subject is in some file is asked with ids alone (`jobs/erase.py --plan`): this looks at what the
erasure left, file by file, and at what was committed since.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Literal

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.erasure import remaining
from jobs.erasure.outcome import TableErased
from jobs.erasure.receipt import Receipt
from jobs.lake import delta_commit, log_left, remains, restricted, table_files
from jobs.lake.address import Address
from jobs.lake.log_commits import RETENTION
from jobs.lake.remains import Remains

Outcome = Literal["ok", "waits", "fails", "unknown"]


@dataclasses.dataclass(frozen=True)
class Check:
    """table: empty where it is of none. told: in words, without a value."""

    outcome: Outcome
    table: str
    told: str


def checks(spark: SparkSession, receipt: Receipt, today: datetime.date) -> Iterator[Check]:
    """Nothing is written. today: in UTC."""
    for table in receipt.outcome.tables:
        yield from _of_table(spark, receipt, table, today)
    for each in receipt.outcome.remains:
        yield _of_people("", each)
    for gap in receipt.outcome.unsearched:
        yield Check("fails", gap.table, f"{gap.place}: nobody looked there: {gap.why}")


def _of_people(table: str, each: Remains) -> Check:
    return Check(
        "unknown", table, f"{each.count} {_words(each.kind)}: this job cannot see whether it is done: {each.why}"
    )


def _of_table(spark: SparkSession, receipt: Receipt, table: TableErased, today: datetime.date) -> Iterator[Check]:
    begun = delta_commit.begin(spark, table.place, None)
    if begun is None:
        yield Check("unknown", table.name, "Delta's own transaction is out of reach here")
        return
    if begun.version < 0:
        yield _no_table(spark, table)
        return
    yield _commit(spark, receipt, table, begun.version)
    yield from _since(spark, table)
    for each in table.remains:
        yield _remains(spark, table, each, today)


def _no_table(spark: SparkSession, table: TableErased) -> Check:
    """Of a place without a log: the table may be gone, or moved; or its files are there, and nobody lists them."""
    if restricted.is_gone(spark, table.place):
        return Check("unknown", table.name, "the table is no longer there: this job cannot see whether it was moved")
    return Check(
        "fails", table.name, "there is a folder without a table's log: files of it may hold them yet: delete them"
    )


# -- what was committed -----------------------------------------------------------------------------------------------


def _commit(spark: SparkSession, receipt: Receipt, table: TableErased, newest: int) -> Check:
    """Whether the erasure's commit is where the receipt says."""
    if not table.is_changed:
        return Check("ok", table.name, "nothing was taken out of it")
    if newest < table.after:
        return Check(
            "fails", table.name, f"it is at version {newest}, and the erasure made {table.after}: it is another table, "
            "or an older copy of it"
        )  # fmt: skip
    history = Address(path=table.place).history(spark).where(F.col("version") > table.before)
    said = F.get_json_object("userMetadata", "$.mode"), F.get_json_object("userMetadata", "$.run_id")
    told = history.where(F.col("version") <= table.after).select("version", *said).collect()
    is_own = (row[1] == receipt.mode and (receipt.mode == RETENTION or _run(row[2]) == receipt.outcome.run_id)
              for row in told)  # fmt: skip
    if any(is_own):
        return Check("ok", table.name, f"version {table.after} is this {receipt.mode}'s")
    if any(row[0] == table.after for row in told):
        why = f"version {table.after} is not this {receipt.mode}'s: it is another table by now"
        return Check("fails", table.name, why)
    return Check("ok", table.name, f"version {table.after} is older than what the log keeps")


def _run(run_id: object) -> str:
    return str(run_id).partition("/")[0]


def _since(spark: SparkSession, table: TableErased) -> Iterator[Check]:
    """A version from before the erasure that was put back."""
    later = Address(path=table.place).history(spark).where(F.col("version") > table.after)
    for row in later.where(F.col("operation") == "RESTORE").select("version").collect():
        yield Check(
            "fails", table.name, f"version {row[0]} put an older one back, which may hold them: run jobs/erase.py again"
        )


# -- what was left ----------------------------------------------------------------------------------------------------


def _remains(spark: SparkSession, table: TableErased, each: Remains, today: datetime.date) -> Check:
    kind = _words(each.kind)
    if each.until is None:
        return _of_people(table.name, each)
    number = _there(spark, table, each)
    if number is None:
        return Check("unknown", table.name, f"{kind}: cannot be counted here")
    if not number:
        return Check("ok", table.name, f"{kind}: nothing of it is left")
    if today < each.until:
        return Check("waits", table.name, f"{kind}: {number} are there, as foreseen until {each.until}")
    return Check(
        "fails",
        table.name,
        f"{kind}: {number} from before the erasure are there, and theirs were to stay until {each.until}; whether any "
        "of these holds them is told by their ids (jobs/erase.py --plan): run jobs/erase.py again",
    )


def _there(spark: SparkSession, table: TableErased, each: Remains) -> int | None:
    """How many files of a kind are there yet that are older than the erasure; None where nobody can say."""
    if each.why == remaining.FOLDERS:
        begun = delta_commit.begin(spark, table.place, None)
        return None if begun is None else int(log_left.says_folders(begun, table.after))
    if each.kind in ("log", "checksum", "checkpoint"):
        found = log_left.left(spark, table.place).files
        return sum(file.kind == each.kind for file in found if file.version is None or file.version < table.after)
    if each.kind in ("data_file", "change_file"):
        return _stale(spark, table, each)
    return None


def _stale(spark: SparkSession, table: TableErased, told: Remains) -> int:
    """Files that are no part of the table any more, and were taken out of it by the erasure or before: those that the
    receipt names; all of them where it is of a version that named none."""
    begun = delta_commit.begin(spark, table.place, None)
    assert begun is not None, "it was there"
    known = table_files.known(begun)
    commits = dict(log_left.commits(table_files.listed(spark, begun.location, log=True)))
    until, files = commits.get(table.after), table_files.listed(spark, begun.location)
    own = known.current | {each.place for each in table_files.of_others(files, known)}
    old = [each for each in files if each.name.endswith(".parquet") and each.place not in own]
    stale = [table_files.stale(each, known, delta_commit.kept(begun)) for each in old]
    if told.digests:
        return sum(remains.digest(each.place) in told.digests for each in stale)
    is_change = told.kind == "change_file"
    return sum(each.is_change == is_change and (until is None or each.since <= until) for each in stale)


def _words(kind: str) -> str:
    return kind.replace("_", " ")
