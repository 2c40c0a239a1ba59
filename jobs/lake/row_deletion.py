"""Rows of a table taken away in one commit of Delta's own ``DELETE``, and no deletion vector left that hides them.

The table stays the same one: record, properties and place in the source stand, and runs that add to it, or follow
changes, go on. Whole partitions, and whole files, go by the log alone; other files are written anew without the rows.

`jobs.lake.delta_commit.take_out` stays beside it. A rule on a column is Delta's to carry out: it needs no file looked
into that statistics, or folders, settle. Persons are found by a look into each row, also within arrays and maps of rows
that stay and in rows that vectors hide, and their commit must say no statistics of the files that it removes, which
Delta's own does.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Changed, Transaction
from jobs.lake.problems import CommitConflict
from jobs.lake.replace import CONFLICT, USER_METADATA
from jobs.lake.session_settings import held

VECTORS = "spark.databricks.delta.delete.deletionVectors.persistent"
ATTEMPTS, PAUSE = 5, 0.5
"""At a commit that others were faster at; and how many seconds are waited after the first, longer each time."""
Done = TypeVar("Done")


@dataclasses.dataclass(frozen=True)
class Deleted:
    """rows, files: as Delta counted them; None where it did not, as of whole partitions."""

    version: int
    rows: int | None
    files: int | None


def delete(
    spark: SparkSession, address: Address, which: Column, said: Mapping[str, Any], settings: Mapping[str, str] = {}
) -> Deleted | None:
    """Take rows away in one commit, which says ``said``: among it ``run_id``, by which it is found again. None where no
    row is such a one. spark: a session that nothing else is said in. settings: of the session, for the files that are
    written anew. Raises `CommitConflict` where others are faster again and again."""

    def once() -> None:
        if found_again(spark, address, str(said["run_id"])) is None:  # an answer may have been lost on the way
            table(spark, address).delete(which)

    wanted = {**settings, USER_METADATA: json.dumps(said, ensure_ascii=False), VECTORS: "false"}
    with held(spark, wanted), active(spark):
        tried(address, once)
    return found_again(spark, address, str(said["run_id"]))


def found_again(spark: SparkSession, address: Address, run_id: str) -> Deleted | None:
    """What a commit did, by what its user metadata says; None where there is none."""
    named = F.get_json_object("userMetadata", "$.run_id") == run_id
    rows = address.history(spark).where(named & (F.col("operation") == "DELETE"))
    found = rows.select("version", "operationMetrics").orderBy("version").collect()
    if not found:
        return None
    metrics: Mapping[str, str] = found[0]["operationMetrics"] or {}
    counted = (metrics.get("numDeletedRows"), metrics.get("numRemovedFiles"))
    return Deleted(int(found[0]["version"]), *(None if each is None else int(each) for each in counted))


def has_vectors(begun: Transaction) -> bool:
    """Whether rows of the table may be hidden by deletion vectors, in files that hold them yet."""
    protocol = begun.txn.snapshot().protocol()
    if not protocol.writerFeatureNames().contains("deletionVectors"):
        return False
    return bool(begun.txn.snapshot().allFiles().filter("deletionVector IS NOT NULL").limit(1).count())


def purge(spark: SparkSession, address: Address, settings: Mapping[str, str]) -> None:
    """Write files anew of which deletion vectors hide rows, whoever deleted them. No row changes by it. settings: as
    of `delete`."""
    with held(spark, settings), active(spark):
        tried(address, lambda: spark.sql(f"REORG TABLE {address.sql} APPLY (PURGE)").collect())


def tried(address: Address, step: Callable[[], Done]) -> Done:
    """``step()``, which is one commit, again where others were faster. Raises `CommitConflict`."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return step()
        except (Changed, PySparkException, Py4JError) as error:
            if not is_conflict(error):
                raise
        time.sleep(PAUSE * attempt)
    raise CommitConflict(
        f"others changed {address.sql} each of {ATTEMPTS} times that this job tried to take rows away: run it again"
    )


def is_conflict(error: Exception) -> bool:
    """Whether a commit failed since others were faster."""
    return isinstance(error, Changed) or CONFLICT.search(str(error)) is not None


def table(spark: SparkSession, address: Address) -> DeltaTable:
    """Delta's own door to it."""
    return DeltaTable.forPath(spark, address.path) if address.path else DeltaTable.forName(spark, address.sql)
