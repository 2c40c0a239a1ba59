"""What the commits of a table's log say, as far as its history is judged by it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.lake import small_log
from jobs.lake.delta_commit import APPLICATION, BESIDE
from jobs.lake.record_names import PROPERTIES
from jobs.lake.small_log import Action

COMMIT_FILES = "?" * 20 + ".json"
"""Commits only: checkpoints, checksums and compacted commits, which say the same again, have longer names."""
ACTIONS = (
    "metaData struct<configuration: map<string, string>>, "
    "add struct<dataChange: boolean, stats: string>, "
    "remove struct<dataChange: boolean>, "
    "txn struct<appId: string, version: bigint>, "
    "commitInfo struct<operation: string, operationParameters: map<string, string>, "
    "operationMetrics: map<string, string>, userMetadata: string>"
)
DELETED = ("numDeletedRows", "numTargetRowsDeleted")
"""Metrics of a DELETE and of a MERGE."""
LITERALLY = {"__globPaths__": "false", "pathGlobFilter": COMMIT_FILES}
"""A location is a place, also where it has the signs of a pattern."""
MARKS = (APPLICATION, BESIDE)
RETENTION = "retention"
"""The mode of a DELETE of ours by a table's retention (`jobs/retain.py`)."""
MOST_LATER = 100
"""Commits since an earlier look that are read one by one."""
_JSON = (bool, int, float, list, dict)
"""What Spark's reader gives back as JSON where a text is wanted."""


@dataclasses.dataclass(frozen=True)
class Commit:
    """What one commit of the log says. added: files with other rows than before. rows: in them, None if not said.
    removed: files whose rows are no longer there, or are in others. record: the properties of the treatment record,
    None where the commit leaves the metadata as they are. mark: the version that a run of ours set out to make.
    deleted: rows that it counted as deleted; None where it says nothing of them."""

    version: int
    added: int
    rows: int | None
    removed: int
    record: Mapping[str, str] | None
    mark: int | None
    operation: str
    parameters: Mapping[str, str]
    run: Mapping[str, Any]
    deleted: int | None = None

    @property
    def takes_away(self) -> bool:
        """Whether rows are gone by it; so is what takes files away and puts none, without a word about rows."""
        if self.deleted is not None:
            return self.deleted > 0
        return self.removed > 0 and (self.operation == "DELETE" or not self.added)

    @property
    def is_retention(self) -> bool:
        """Whether it took away rows that were past their time, by its own word."""
        return self.operation == "DELETE" and self.run.get("mode") == RETENTION and isinstance(self.before, str)

    @property
    def before(self) -> Any:
        """Of such a one, the date before which rows were past their time."""
        said = self.run.get("retention")
        return said.get("before") if isinstance(said, dict) else None

    @property
    def source_mode(self) -> str | None:
        """The mode of the run that took rows from a source last: what gives all rows another key carries it on."""
        rotation = self.run.get("rotation")
        told = rotation.get("mode") if isinstance(rotation, dict) else self.run.get("mode")
        return told if isinstance(told, str) else None

    @property
    def beside(self) -> bool:
        """Whether others of its kind may be committed since it looked: on other partitions. Not beside one that says
        what stands in quarantine."""
        return bool(self.run.get("mode") == "partitions" and "quarantine" not in self.run)


def up_to(spark: SparkSession, location: str, last: int, is_small: bool) -> list[Commit]:
    """What the log's commits say, the oldest first."""
    rows = _on_driver(spark, location, last) if is_small else None
    if rows is None:
        rows = _by_spark(spark, location, last, is_small)
    return [_commit(row) for row in sorted(rows, key=lambda row: int(row["version"]))]


def after(spark: SparkSession, location: str, version: int, last: int) -> list[Commit] | None:
    """The commits after a version; None where they are many, or not as Delta writes them."""
    if last - version > MOST_LATER:
        return None
    rows = _rows(small_log.of_versions(spark, location, range(version + 1, last + 1)))
    return None if rows is None else [_commit(row) for row in rows]


def without_counts(commit: Commit) -> Commit:
    """Of a run that is long past: a stream's history has as many of them as it had batches."""
    if "counts" not in commit.run:
        return commit
    return dataclasses.replace(commit, run={name: said for name, said in commit.run.items() if name != "counts"})


def with_one_record(commits: list[Commit]) -> list[Commit]:
    """The same, where a commit that states the record as it stood shares it with the one before: each batch of a stream
    does that measures the risk of its table."""
    found: list[Commit] = []
    record: Mapping[str, str] | None = None
    for commit in commits:
        if commit.record is not None and commit.record == record:
            commit = dataclasses.replace(commit, record=record)
        record = commit.record if commit.record is not None else record
        found.append(commit)
    return found


def _on_driver(spark: SparkSession, location: str, last: int) -> list[Row] | None:
    """As `_by_spark` gives them; None where something is not as Delta writes it."""
    return _rows(small_log.commits(spark, location, last))


def _rows(told: Mapping[int, list[Action]] | None) -> list[Row] | None:
    try:
        return None if told is None else [_row(version, actions) for version, actions in told.items()]
    except (TypeError, ValueError, AttributeError, LookupError):
        return None


def _row(version: int, actions: list[Action]) -> Row:
    metadata, infos, adds, removes, marks = (
        [action[kind] for action in actions if action.get(kind) is not None]
        for kind in ("metaData", "commitInfo", "add", "remove", "txn")
    )
    if len(metadata) > 1:
        raise ValueError("which of two is in force only Spark's reader says")
    added = [add.get("stats") for add in adds if _flag(add["dataChange"])]
    counts = [None if stats is None else json.loads(_text(stats)).get("numRecords") for stats in added]
    return Row(
        version=version,
        added=len(added),
        rows=None if None in counts else sum(map(_number, counts)),
        removed=sum(_flag(remove["dataChange"]) for remove in removes),
        configuration={key: _text(value) for key, value in _configuration(metadata).items()},
        sets=bool(metadata),
        mark=max((_number(txn["version"]) for txn in marks if txn["appId"] in MARKS), default=None),
        commitInfo=_info(infos[0]) if infos else None,
    )


def _configuration(metadata: list[Action]) -> Mapping[str, Any]:
    return metadata[0].get("configuration") or {} if metadata else {}


def _info(told: Action) -> Row:
    operation, run = told.get("operation"), told.get("userMetadata")
    return Row(
        operation=None if operation is None else _text(operation),
        operationParameters=_texts(told.get("operationParameters")),
        operationMetrics=_texts(told.get("operationMetrics")),
        userMetadata=None if run is None else _text(run),
    )


def _texts(told: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: json.dumps(value) if isinstance(value, _JSON) else value for key, value in (told or {}).items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("expected a whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _by_spark(spark: SparkSession, location: str, last: int, is_small: bool) -> list[Row]:
    actions = spark.read.options(**LITERALLY).schema(ACTIONS).json(f"{location}/_delta_log")
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint")
    numbered = actions.select(version.alias("version"), *actions.columns).where(F.col("version") <= last)
    numbered = numbered.coalesce(1) if is_small else numbered
    changes, info, said = F.col("add.dataChange"), "commitInfo", F.col("add.stats").isNotNull()
    count = F.get_json_object("add.stats", "$.numRecords").cast("bigint")
    found = numbered.groupBy("version").agg(
        F.count_if(changes).alias("added"),
        F.when(F.count_if(changes & ~(said & count.isNotNull())) == 0, F.sum(F.when(changes, count))).alias("rows"),
        F.count_if("remove.dataChange").alias("removed"),
        F.max_by("metaData.configuration", F.col("metaData").isNotNull()).alias("configuration"),
        F.max(F.col("metaData").isNotNull()).alias("sets"),
        F.max(F.when(F.col("txn.appId").isin(*MARKS), F.col("txn.version"))).alias("mark"),
        F.first(F.when(F.col(info).isNotNull(), F.col(info)), ignorenulls=True).alias(info),
    )
    return found.collect()


def _commit(row: Row) -> Commit:
    info = row["commitInfo"].asDict() if row["commitInfo"] is not None else {}
    record = {key: value for key, value in (row["configuration"] or {}).items() if key in PROPERTIES}
    return Commit(
        int(row["version"]),
        int(row["added"]),
        int(row["rows"] or 0) if not row["added"] or row["rows"] is not None else None,
        int(row["removed"]),
        record if row["sets"] else None,
        row["mark"],
        str(info.get("operation") or ""),
        info.get("operationParameters") or {},
        _run(info.get("userMetadata")),
        _deleted(info.get("operationMetrics") or {}),
    )


def _deleted(metrics: Mapping[str, Any]) -> int | None:
    """By a DELETE or a MERGE; of whole partitions Delta may count no rows."""
    told = next((metrics[name] for name in DELETED if metrics.get(name) is not None), "")
    return int(told) if str(told).isdecimal() else None


def _run(text: str | None) -> Mapping[str, Any]:
    """A run's user metadata; empty where the text is something else."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
