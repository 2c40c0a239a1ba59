"""Which versions of a table hold rows that no run of ours wrote, by the table's own log."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.lake.address import Address
from jobs.lake.delta_commit import APPLICATION
from jobs.lake.record_names import PRIVACY, PROPERTIES, RECORD

COMMIT_FILES = "?" * 20 + ".json"
"""Commits only: checkpoints, checksums and compacted commits, which say the same again, have longer names."""
ACTIONS = (
    "metaData struct<configuration: map<string, string>>, "
    "add struct<dataChange: boolean, stats: string>, "
    "txn struct<appId: string, version: bigint>, "
    "commitInfo struct<operation: string, operationParameters: map<string, string>, userMetadata: string>"
)
LITERALLY = {"__globPaths__": "false", "pathGlobFilter": COMMIT_FILES}
"""A location is a place, also where it has the signs of a pattern."""
UNKNOWN: Mapping[str, str] = {RECORD: "not known"}
"""The record of a table whose oldest commit left does not state it."""
REWRITES = ("DELETE",)
"""Operations whose new files hold rows that were there before, and no others."""


@dataclasses.dataclass(frozen=True)
class Commit:
    """What one commit of the log says. added: files with other rows than before. rows: in them, None if not said.
    record: the properties of the treatment record, None where the commit leaves the metadata as they are. mark: the
    version that a run of ours set out to make."""

    version: int
    added: int
    rows: int | None
    record: Mapping[str, str] | None
    mark: int | None
    operation: str
    parameters: Mapping[str, str]
    run: Mapping[str, Any]


def raw_versions(
    spark: SparkSession, address: Address, location: str, version: int, is_small: bool = False
) -> tuple[int, ...]:
    """Versions up to ``version`` that hold rows without a treatment record, or others than a run of ours wrote.

    A run of ours replaces all rows, so what it commits is treated whatever was there before; what anyone else adds to
    it is raw, and so is all that follows until the next run. Left out of that: commits that change no row (OPTIMIZE,
    VACUUM, comments, properties other than the record's), that only delete rows, and RESTORE of a treated version.

    A commit counts as a run of ours if all of this holds: it replaced the table; its user metadata names a run that no
    earlier commit names; its ``txn`` action states the version that the run set out to make, later than any before; the
    record is in force; it added as many files and rows as the user metadata says, where it says. So neither copied user
    metadata nor copied properties make a commit ours. It does not protect from someone who may write to the table and
    forges all of this on purpose: nothing that stands in the table could.

    Versions whose commit is in no file of its own (not yet published by a catalog that commits) count as raw. What was
    before the oldest commit left is told by the schema alone.

    is_small: whether one task reads the whole log soon enough, so that nothing is shuffled.
    """
    commits = _commits(spark, location, version, is_small)
    oldest = commits[0].version if commits else 0
    found = _judged(commits, oldest > 0 and _starts_treated(spark, address, oldest))
    return tuple(each for each in range(oldest, version + 1) if not found.get(each, False))


def _judged(commits: list[Commit], treated: bool) -> dict[int, bool]:
    """Version -> whether all its rows are treated. treated: whether those before the first commit are."""
    record = UNKNOWN if treated else None
    runs: set[str] = set()
    states: dict[int, bool] = {}
    mark = -1
    for commit in commits:
        before, record = record, record if commit.record is None else commit.record
        if record is not None and RECORD in record and _is_run(commit, runs, mark):
            treated = True
        elif commit.operation == "RESTORE":
            treated = record is not None and RECORD in record and _restored(commit, states)
        elif _adds_rows(commit) or not _leaves_alone(before, commit.record):
            treated = False
        runs.add(str(commit.run.get("run_id")))
        mark = mark if commit.mark is None else max(mark, commit.mark)
        states[commit.version] = treated
    return states


def _is_run(commit: Commit, runs: set[str], mark: int) -> bool:
    """Whether a commit is a run of ours. runs, mark: what earlier commits named, and the latest of their marks."""
    if not commit.operation.startswith("CREATE OR REPLACE TABLE") or not isinstance(commit.run.get("run_id"), str):
        return False
    if commit.run["run_id"] in runs or commit.mark is None or not mark < commit.mark <= commit.version:
        return False
    said = (commit.run.get("files", commit.added), commit.run.get("rows", commit.rows))
    return said == (commit.added, said[1] if commit.rows is None else commit.rows)


def _adds_rows(commit: Commit) -> bool:
    """Whether a commit of others holds rows that were not there before."""
    return commit.added > 0 and commit.operation not in REWRITES


def _leaves_alone(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> bool:
    """Whether a commit of others left the record as it was. after: None where it has no metadata."""
    return after is None or (RECORD in after and (before is UNKNOWN or before == after))


def _restored(commit: Commit, states: Mapping[int, bool]) -> bool:
    """Whether the version that was restored was treated; of one that is not known whether all were."""
    version = commit.parameters.get("version") or ""
    return states[int(version)] if version.isdigit() and int(version) in states else all(states.values())


def _starts_treated(spark: SparkSession, address: Address, version: int) -> bool:
    """Whether the oldest version left was treated; its metadata is in a checkpoint, so its schema is asked."""
    schema = address.read(spark, {"versionAsOf": str(version)}).schema
    return any(PRIVACY in field.metadata for field in schema.fields)


# -- the log ----------------------------------------------------------------------------------------------------------


def _commits(spark: SparkSession, location: str, last: int, is_small: bool) -> list[Commit]:
    """What the log's commits say, the oldest first."""
    actions = spark.read.options(**LITERALLY).schema(ACTIONS).json(f"{location}/_delta_log")
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint")
    numbered = actions.select(version.alias("version"), *actions.columns).where(F.col("version") <= last)
    numbered = numbered.coalesce(1) if is_small else numbered
    changes, info, said = F.col("add.dataChange"), "commitInfo", F.col("add.stats").isNotNull()
    count = F.get_json_object("add.stats", "$.numRecords").cast("bigint")
    found = numbered.groupBy("version").agg(
        F.count_if(changes).alias("added"),
        F.when(F.count_if(changes & ~(said & count.isNotNull())) == 0, F.sum(F.when(changes, count))).alias("rows"),
        F.max_by("metaData.configuration", F.col("metaData").isNotNull()).alias("configuration"),
        F.max(F.col("metaData").isNotNull()).alias("sets"),
        F.max(F.when(F.col("txn.appId") == APPLICATION, F.col("txn.version"))).alias("mark"),
        F.first(F.when(F.col(info).isNotNull(), F.col(info)), ignorenulls=True).alias(info),
    )
    return [_commit(row) for row in sorted(found.collect(), key=lambda row: int(row["version"]))]


def _commit(row: Row) -> Commit:
    info = row["commitInfo"].asDict() if row["commitInfo"] is not None else {}
    record = {key: value for key, value in (row["configuration"] or {}).items() if key in PROPERTIES}
    return Commit(
        int(row["version"]),
        int(row["added"]),
        int(row["rows"] or 0) if not row["added"] or row["rows"] is not None else None,
        record if row["sets"] else None,
        row["mark"],
        str(info.get("operation") or ""),
        info.get("operationParameters") or {},
        _run(info.get("userMetadata")),
    )


def _run(text: str | None) -> Mapping[str, Any]:
    """A run's user metadata; empty where the text is something else."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
