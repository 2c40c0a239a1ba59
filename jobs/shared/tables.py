"""The only reads and writes of tables.

Reading pins the version of a Delta source, and lets no malformed line of a text file pass. Writing is one Delta commit
that holds rows, record and the run's counts; it replaces exactly the version that was inspected, or nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.shared.configuration.models import Source, Target
from jobs.shared.platform import comments
from jobs.shared.platform.described import Described
from jobs.shared.record import RECORD
from jobs.shared.selection import quoted
from privacy_udfs.errors import LakenymError

CORRUPT = "_corrupt_record"
MALFORMED = "source holds a line that does not parse as its schema says"
CONFLICT = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|Concurrent\w+Exception")
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
NEEDS_MAPPING = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Delta takes in a column's name only under column mapping."""
NOT_RESTATED = re.compile(
    r"privacy\.|delta\.(feature\.|constraints\.|columnMapping\.|min(Reader|Writer)Version|rowTracking\."
    r"|dataSkippingStatsColumns$)"  # it names columns, which may be others now
)


class SourceProblem(LakenymError):
    """The source cannot be read as the catalog says."""


class CommitConflict(LakenymError):
    """Another run changed the target since this one looked at it; this run wrote nothing."""


@dataclasses.dataclass(frozen=True)
class SourceRows:
    rows: DataFrame
    version: int | None
    """The Delta version that is read, None for other formats."""


@dataclasses.dataclass(frozen=True)
class TargetState:
    """What stands at the target before a run. version: -1 where there is nothing yet."""

    name: str
    """How SQL names it: a table's name, or delta.`path`."""
    version: int = -1
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    raw_versions: tuple[int, ...] = ()
    """Versions still in the history whose rows carry no treatment record: time travel would show them."""
    before: Described = dataclasses.field(default_factory=lambda: Described(T.StructType()))
    """Its comments, which a replace must state again."""


def read(spark: SparkSession, source: Source) -> SourceRows:
    """The source's rows, lazily; a Delta source is pinned to its current version."""
    if source.table is not None:
        version = _delta_version(spark, source.table) if _is_delta_name(spark, source.table) else None
        reader = spark.read.options(**source.options)
        if version is not None and "versionAsOf" not in source.options:
            reader = reader.option("versionAsOf", version)
        return SourceRows(reader.table(quoted_table(source.table)), version)
    assert source.path is not None
    if source.format == "delta":
        version = int(source.options.get("versionAsOf", _delta_version(spark, f"delta.{quoted(source.path)}")))
        reader = spark.read.format("delta").options(**source.options).option("versionAsOf", version)
        return SourceRows(reader.load(source.path), version)
    if source.format in ("csv", "json"):
        return SourceRows(_read_text(spark, source), None)
    # columns that only some of the files have must be decided too, so all their schemas count
    options = {"mergeSchema": "true", **source.options}
    return SourceRows(spark.read.format(str(source.format)).options(**options).load(source.path), None)


def _read_text(spark: SparkSession, source: Source) -> DataFrame:
    """CSV and JSON lines. A line that does not parse fails the run with no word of it in the message."""
    assert source.path is not None
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT, **source.options}
    if source.format == "csv":
        options = {"header": "true", "columnPruning": "false", **options}
    reader = spark.read.format(str(source.format)).options(**options)
    schema = T.DataType.fromDDL(source.schema_) if source.schema_ else reader.load(source.path).schema
    assert isinstance(schema, T.StructType)
    if source.format == "csv" and options["header"].lower() == "true":
        _check_headers(spark, source.path)
        if source.schema_ and reader.load(source.path).columns != [n for n in schema.names if n != CORRUPT]:
            raise SourceProblem(f"the header of the CSV files is not {', '.join(schema.names)}, as 'schema' says")
    if CORRUPT not in schema.names:
        schema = T.StructType([*schema.fields, T.StructField(CORRUPT, T.StringType())])
    rows = reader.schema(schema).load(source.path)
    malformed = F.lit(f"the {source.format} {MALFORMED}")
    return rows.where(F.assert_true(F.col(CORRUPT).isNull(), malformed).isNull()).drop(CORRUPT)


def _check_headers(spark: SparkSession, path: str) -> None:
    """All files of a CSV folder must have one header: Spark goes by position, and would mix the columns up."""
    lines = spark.read.text(path).where("_metadata.file_block_start = 0")
    lines = lines.select(
        "value", F.col("_metadata.file_path").alias("file"), F.monotonically_increasing_id().alias("n")
    )
    headers = lines.groupBy("file").agg(F.min_by("value", "n").alias("header"))
    found = headers.agg(F.count_distinct("header")).collect()[0][0]
    if found > 1:
        raise SourceProblem(f"the CSV files have {found} different header lines; all files of a source need the same")


def inspect(spark: SparkSession, target: Target) -> TargetState:
    """What stands at the target now."""
    name = f"delta.{quoted(target.path)}" if target.path is not None else quoted_table(str(target.table))
    if target.path is not None:
        exists = DeltaTable.isDeltaTable(spark, target.path)
    else:
        exists = spark.catalog.tableExists(name)
        if exists and not _is_delta_name(spark, str(target.table)):
            raise SourceProblem(f"the target {target.table} exists and is not a Delta table: choose another name")
    if not exists:
        return TargetState(name)
    detail = spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]
    version = _delta_version(spark, name)
    before = Described(spark.read.table(name).schema, detail["description"] or "", detail["properties"])
    return TargetState(name, version, detail["properties"], _raw_versions(spark, name, detail["location"]), before)


def _raw_versions(spark: SparkSession, name: str, location: str) -> tuple[int, ...]:
    """Versions in the history without a treatment record, from the metadata actions of the Delta log."""
    schema = "metaData struct<configuration: map<string, string>>"
    actions = spark.read.schema(schema).json(f"{location}/_delta_log/*.json")
    commits = actions.select(
        F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).alias("version"), "metaData"
    )
    commits = (
        commits.where("version != ''")
        .groupBy(F.col("version").cast("bigint").alias("version"))
        .agg(
            F.max(F.col("metaData").isNotNull()).alias("sets"),
            F.max(F.col("metaData.configuration")[RECORD].isNotNull()).alias("treated"),
        )
    )
    rows = sorted(commits.collect(), key=lambda row: row["version"])
    raw, treated = [], _starts_treated(spark, name, rows[0]["version"]) if rows and not rows[0]["sets"] else False
    for row in rows:
        treated = bool(row["treated"]) if row["sets"] else treated
        if not treated:
            raw.append(int(row["version"]))
    return tuple(raw)


def _starts_treated(spark: SparkSession, name: str, version: int) -> bool:
    """Whether the oldest version left was treated; its metadata is in a checkpoint, so its schema is asked."""
    schema = spark.read.option("versionAsOf", version).table(name).schema
    return any("privacy" in field.metadata for field in schema.fields)


@dataclasses.dataclass(frozen=True)
class Commit:
    version: int
    rows: int
    files: int


def replace(
    spark: SparkSession,
    rows: DataFrame,
    columns: list[Column],
    target: Target,
    state: TargetState,
    properties: Mapping[str, str],
    run_id: str,
) -> Commit:
    """Create or replace the target in one commit, if it is still as inspected; else raise `CommitConflict`.

    Delta's idempotent writes serve as compare-and-swap: the commit carries the number of the version it is to make,
    under an application id that all runs of all jobs share, so that of two runs that saw one version one is skipped.
    """
    stated = {**_restated(state.properties), **target.properties, **properties}
    if any(NEEDS_MAPPING.search(name) for name in _names(rows.schema)):
        stated.setdefault("delta.columnMapping.mode", "name")
    spark.conf.set("spark.databricks.delta.write.txnAppId", "lakenym")
    spark.conf.set("spark.databricks.delta.write.txnVersion", str(state.version + 1))
    view = f"treated_{run_id.replace('-', '_')}"
    treated = comments.of_columns(rows.select(*columns), state.before)
    treated.createOrReplaceTempView(view)
    comment = comments.of_table(treated, state.before, stated)
    try:
        spark.sql(_statement(target, state, stated, comment, view))
    except PySparkException as error:
        if CONFLICT.search(str(error)):
            raise CommitConflict(_beaten(state)) from None
        raise
    finally:
        spark.catalog.dropTempView(view)
    commit = _find_commit(spark, state, run_id)
    if commit is None:
        raise CommitConflict(_beaten(state))
    return commit


def _statement(target: Target, state: TargetState, properties: Mapping[str, str], comment: str, view: str) -> str:
    """SQL, since no other door takes properties, partitioning and clustering in one commit. It holds no value."""
    layout = _listed("PARTITIONED BY", target.partition_by) + _listed("CLUSTER BY", target.cluster_by)
    stated = ", ".join(f"{_literal(key)} = {_literal(value)}" for key, value in sorted(properties.items()))
    table = f"CREATE OR REPLACE TABLE {state.name} USING delta {layout} COMMENT {_literal(comment)}"
    return f"{table} TBLPROPERTIES ({stated}) AS TABLE {view}"


def _listed(clause: str, names: Sequence[str]) -> str:
    return f"{clause} ({', '.join(map(quoted, names))})" if names else ""


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _beaten(state: TargetState) -> str:
    return f"another run changed {state.name} after version {state.version} was inspected; this run wrote nothing"


def _restated(properties: Mapping[str, str]) -> dict[str, str]:
    """Settings of the table that a replace would silently drop (its change feed, say)."""
    return {key: value for key, value in properties.items() if not NOT_RESTATED.match(key)}


def _find_commit(spark: SparkSession, state: TargetState, run_id: str) -> Commit | None:
    history = spark.sql(f"DESCRIBE HISTORY {state.name}").where(F.col("version") > state.version)
    for row in history.where(F.get_json_object("userMetadata", "$.run_id") == run_id).collect():
        metrics: dict[str, Any] = row["operationMetrics"] or {}
        return Commit(int(row["version"]), int(metrics.get("numOutputRows", 0)), int(metrics.get("numFiles", 0)))
    return None


def _names(given: T.DataType) -> list[str]:
    if isinstance(given, T.StructType):
        return [name for field in given.fields for name in (field.name, *_names(field.dataType))]
    if isinstance(given, T.ArrayType):
        return _names(given.elementType)
    if isinstance(given, T.MapType):
        return _names(given.keyType) + _names(given.valueType)
    return []


def quoted_table(name: str) -> str:
    """``db.table`` with each part quoted."""
    return ".".join(quoted(part) for part in name.split("."))


def _is_delta_name(spark: SparkSession, table: str) -> bool:
    rows = spark.sql(f"DESCRIBE EXTENDED {quoted_table(table)}").where("col_name = 'Provider'").collect()
    return bool(rows) and rows[0]["data_type"].lower() == "delta"


def _delta_version(spark: SparkSession, name: str) -> int:
    return int(spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]["version"])
