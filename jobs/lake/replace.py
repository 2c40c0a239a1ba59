"""One Delta commit that holds rows, record and the run's counts; it replaces exactly the version that was inspected, or
nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.problems import CommitConflict
from jobs.lake.sql import literal, quoted
from jobs.lake.state import TargetState
from jobs.shared.configuration.models import Target
from jobs.shared.platform import comments

CONFLICT = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|Concurrent\w+Exception")
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
NEEDS_MAPPING = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Delta takes in a column's name only under column mapping."""
NOT_RESTATED = re.compile(
    r"privacy\.|delta\.(feature\.|constraints\.|columnMapping\.|min(Reader|Writer)Version|rowTracking\."
    r"|dataSkippingStatsColumns$)"  # it names columns, which may be others now
)


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
    stated = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in sorted(properties.items()))
    table = f"CREATE OR REPLACE TABLE {state.name} USING delta {layout} COMMENT {literal(comment)}"
    return f"{table} TBLPROPERTIES ({stated}) AS TABLE {view}"


def _listed(clause: str, names: Sequence[str]) -> str:
    return f"{clause} ({', '.join(map(quoted, names))})" if names else ""


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
