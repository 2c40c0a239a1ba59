"""A receipt held against what is there today: whether what should be gone by now is, and nothing came back.

Whether a single subject is in some file is asked with ids alone (`jobs/erase.py --plan`): this looks at what the
erasure left, file by file, and at what was committed since.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator
from typing import Literal

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.erasure import remaining
from jobs.erasure.outcome import Earlier, TableErased
from jobs.erasure.receipt import Receipt
from jobs.lake import delta_commit, log_left, remains, restricted, table_files
from jobs.lake.address import Address
from jobs.lake.history import ROTATION
from jobs.lake.log_commits import RETENTION
from jobs.lake.remains import Remains

AGAIN = "run jobs/erase.py again, without whom was taken off the list of the erased since"
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
    for earlier in receipt.outcome.earlier:
        yield _of_earlier(spark, receipt, earlier)
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
    if table.is_changed or table.name not in {each.name for each in receipt.outcome.earlier}:
        yield _commit(spark, receipt, table, begun.version)
    yield from _since(spark, receipt, table, begun.version)
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


def _of_earlier(spark: SparkSession, receipt: Receipt, made: Earlier) -> Check:
    begun = delta_commit.begin(spark, made.place, None)
    if begun is None or begun.version < 0:
        return Check("unknown", made.name, f"it is not there: erasure {made.run_id}, which was killed, changed it")
    return _commit(spark, receipt, made, begun.version)


def _commit(spark: SparkSession, receipt: Receipt, table: TableErased | Earlier, newest: int) -> Check:
    """Whether the erasure's commit is where the receipt says."""
    if table.after == table.before:
        return Check("ok", table.name, "nothing was taken out of it")
    if newest < table.after:
        return Check(
            "fails", table.name, f"it is at version {newest}, and the erasure made {table.after}: it is another table, "
            "or an older copy of it"
        )  # fmt: skip
    is_earlier = isinstance(table, Earlier)
    run_id = table.run_id if isinstance(table, Earlier) else receipt.outcome.run_id
    whose = f"{receipt.mode} {run_id}'s, which was killed" if is_earlier else f"this {receipt.mode}'s"
    history = Address(path=table.place).history(spark).where(F.col("version") > table.before)
    said = F.get_json_object("userMetadata", "$.mode"), F.get_json_object("userMetadata", "$.run_id")
    told = history.where(F.col("version") <= table.after).select("version", *said).collect()
    is_own = (row[1] == receipt.mode and (receipt.mode == RETENTION or _run(row[2]) == run_id) for row in told)
    if any(is_own):
        return Check("ok", table.name, f"version {table.after} is {whose}")
    if any(row[0] == table.after for row in told):
        why = f"version {table.after} is not {whose}: it is another table by now"
        return Check("fails", table.name, why)
    return Check(
        "unknown", table.name, f"version {table.after} is older than what the log keeps: this job cannot see whether "
        f"it was {whose}, or this is another table"
    )  # fmt: skip


def _run(run_id: object) -> str:
    return str(run_id).partition("/")[0]


def _since(spark: SparkSession, receipt: Receipt, table: TableErased, newest: int) -> Iterator[Check]:
    """What put older rows back since, or may have: by commits that wrote the whole table anew, of which none says
    whether it left out what was taken out; or commits that nobody can look at any more."""
    mode = F.element_at("operationParameters", "mode").alias("mode")
    later = Address(path=table.place).history(spark).where(F.col("version") > table.after)
    rows = later.select("version", "operation", mode, "userMetadata").orderBy("version").collect()
    for row in rows:
        if row["operation"] == "RESTORE":
            yield Check(
                "fails", table.name, f"version {row['version']} put an older one back, which may hold them: "
                f"{AGAIN}"
            )  # fmt: skip
    anew = [str(row["version"]) for row in rows if _is_anew(row) and not _leaves_out(row["userMetadata"], receipt)]
    if anew:
        yield Check(
            "unknown", table.name, f"{'versions' if anew[1:] else 'version'} {', '.join(anew)} wrote the whole table "
            "anew, and do not say that they left out what was taken out: it may hold an older one's rows, or a source's"
        )  # fmt: skip
    if len(rows) < newest - table.after:
        yield Check("unknown", table.name, "the log does not have every commit since: an older version may be back")


def _is_anew(row: Row) -> bool:
    """Whether a commit put other rows in place of all."""
    operation = str(row["operation"])
    return operation == "CLONE" or "REPLACE TABLE" in operation or (operation, row["mode"]) == ("WRITE", "Overwrite")


def _leaves_out(said: str | None, receipt: Receipt) -> bool:
    """Whether it is a run's that had the list of the erased by then, or left out what is past its time; or carried on
    the table's own rows under another key. By its own word."""
    try:
        told = json.loads(said or "")
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or told.get("mode") == ROTATION:
        return isinstance(told, dict)
    if receipt.mode == RETENTION:
        return bool(told.get("retention"))
    listed, version = told.get("erased_list"), receipt.list_version
    if not isinstance(listed, dict) or version is None or listed.get("id") != receipt.list_id:
        return False
    return isinstance(listed.get("version"), int) and listed["version"] >= version


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
        f"of these holds them is told by their ids (jobs/erase.py --plan): {AGAIN}",
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
