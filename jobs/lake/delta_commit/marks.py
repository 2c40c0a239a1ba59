"""What a commit of ours carries, and what must hold when it is made."""

from __future__ import annotations

import contextlib
import dataclasses
import json

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.lake.delta_commit.scala import java
from jobs.lake.delta_commit.transaction import Transaction, commit_file, commit_holds
from jobs.lake.session_settings import held

APPLICATION = "lakenym"
"""Of the ``txn`` action that `history` knows a commit of ours by; its version is the next after the one looked at."""
BESIDE = "lakenym partitions"
"""The same of a commit that replaces some partitions: others of its kind may be made beside it, on other partitions."""


@dataclasses.dataclass(frozen=True)
class Written:
    """A commit. files: those that were added."""

    version: int
    rows: int
    files: int


class Changed(Exception):
    """The table is not the one that the transaction began on."""


def marked(
    spark: SparkSession, looked_at: int, application: str = APPLICATION
) -> contextlib.AbstractContextManager[None]:
    """As long as a block lasts, what the session commits carries the mark of a run that looked at a version. No longer:
    a later write of the same session, to a table that has such a mark already, is left out without a word."""
    named = "spark.databricks.delta.write"
    return held(spark, {f"{named}.txnAppId": application, f"{named}.txnVersion": str(looked_at + 1)})


def check_place(begun: Transaction, application: str = APPLICATION) -> None:
    """What Delta does not look at: whether the newest commit is still the same file, or there is still none. And the
    marks count as read, so that a run of ours in between is a conflict even where it wrote no file; but for one that
    may be made beside this one."""
    jvm = java(begun.spark)
    if begun.version >= 0 and commit_file(jvm, begun.log, begun.version) != begun.last_commit:
        raise Changed
    if begun.version < 0 and commit_file(jvm, begun.log, 0) is not None:
        raise Changed
    read = begun.txn.readTxn()  # `txnVersion` adds to it too, and has jobs look up what nobody asks
    read.addOne(APPLICATION)
    if application != BESIDE:
        read.addOne(BESIDE)


def check_stands(begun: Transaction, version: int, run_metadata: str) -> None:
    """Whether a commit is there, as it was made. Two drivers may both be told by S3 that they made the same version,
    since Delta's way of writing there knows of one driver only, and the later one stays. Raises `Changed` for the
    other, if it looks in time."""
    if begun.location.startswith("file:"):
        return
    run_id = str(json.loads(run_metadata).get("run_id", ""))
    try:
        stands = commit_holds(java(begun.spark), begun.log, version, run_id)
    except Py4JError:  # the commit is made, as the store said; that it cannot be read now says nothing else
        return
    if not stands:
        raise Changed
