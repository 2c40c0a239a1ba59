"""The configurations that decided about tables, kept for good: one Delta table, each content once, found by its hash.

A row is the canonical configuration of one table (`configuration.config.snapshot`, whose hash stands in the treated
table's record as ``privacy.config.sha256``), or the rows of a hierarchy that such a configuration names by hash. The
table is append-only. It holds names, parameters and addresses as they stand in the files, variables unexpanded: no
values of tables and no keys.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Collection
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.policy_entries import Snapshots
from jobs.console.exit_codes import Refused
from jobs.lake.address import Address
from jobs.lake.append import append
from jobs.record.treatment_record import software
from jobs.spark_app import session

CONFIGURATION, HIERARCHY = "configuration", "hierarchy"
SHORTEST_PREFIX = 6
SCHEMA = T.StructType(
    [
        T.StructField("sha256", T.StringType()),
        T.StructField("kind", T.StringType()),
        T.StructField("table", T.StringType()),
        T.StructField("policy_version", T.StringType()),
        T.StructField("stored_at", T.TimestampType()),
        T.StructField("run_id", T.StringType()),
        T.StructField("software", T.StringType()),
        T.StructField("content", T.StringType()),
    ]
)
STORING = threading.Lock()
"""Runs side by side in one process keep theirs one by one: of two that made the table at once, one would fail."""
ABOUT = ("sha256", "table", "policy_version", "stored_at", "run_id", "software")


class SnapshotProblem(Refused):
    """A configuration that was asked for is not there, or is not what it was."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One stored configuration. run_id: of the first run that it decided about. stored_at: ISO 8601, in UTC."""

    sha256: str
    table: str
    policy_version: str
    stored_at: str
    run_id: str
    software: str


def store(spark: SparkSession, conf: Config, table: str, run_id: str) -> str:
    """Keep what decides about a table, unless it is kept already; returns its hash. Does nothing but that where the
    policy names no place. Two runs at once may keep the same content twice, which does no harm."""
    sha256 = config.snapshot_sha256(conf, table)
    if conf.policy.snapshots is not None:
        rows = _rows(conf, table, sha256, run_id)
        own = session.pinned(spark)  # the caller's settings for its own commit must not reach this one
        with STORING:
            missing = [row for row in rows if row["sha256"] not in _known(own, conf.policy.snapshots, rows)]
            if missing:
                _append(own, conf.policy.snapshots, missing)
    return sha256


def _rows(conf: Config, table: str, sha256: str, run_id: str) -> list[dict[str, Any]]:
    about = {"table": table, "policy_version": conf.policy.version, "run_id": run_id, "software": software()}
    about["stored_at"] = datetime.now(timezone.utc)  # type: ignore[assignment]
    contents = {config.sha256(rows): rows for rows in config.hierarchy_rows(conf, table)}
    found = [{**about, "kind": HIERARCHY, "sha256": key, "content": rows} for key, rows in contents.items()]
    return [*found, {**about, "kind": CONFIGURATION, "sha256": sha256, "content": config.snapshot(conf, table)}]


def _known(spark: SparkSession, place: Snapshots, rows: list[dict[str, Any]]) -> set[str]:
    stored = _read(spark, place)
    if stored is None:
        return set()
    wanted = [row["sha256"] for row in rows]
    return {row["sha256"] for row in stored.where(F.col("sha256").isin(wanted)).select("sha256").distinct().collect()}


def _append(spark: SparkSession, place: Snapshots, rows: list[dict[str, Any]]) -> None:
    """In one commit, so that no configuration is there without its hierarchies."""
    frame = spark.createDataFrame([tuple(row[name] for name in SCHEMA.names) for row in rows], SCHEMA).coalesce(1)
    append(frame, Address.of(place), {"delta.appendOnly": "true"})


def _read(spark: SparkSession, place: Snapshots) -> DataFrame | None:
    address = Address.of(place)
    return address.read(spark) if address.exists(spark) else None


# -- reading ----------------------------------------------------------------------------------------------------------


def listed(spark: SparkSession, place: Snapshots, tables: Collection[str] = ()) -> list[Snapshot]:
    """All configurations, each once, the oldest first; of some tables, or of all where none is named."""
    stored = _read(session.pinned(spark), place)  # a session in UTC
    if stored is None:
        return []
    stored = stored.where(F.col("kind") == CONFIGURATION)
    if tables:
        stored = stored.where(F.col("table").isin(*tables))
    stamp = F.date_format("stored_at", "yyyy-MM-dd'T'HH:mm:ss'Z'").alias("stored_at")
    about = [stamp if name == "stored_at" else name for name in ABOUT]
    rows = stored.orderBy("stored_at", "table", "run_id").select(*about).collect()
    found: dict[str, Snapshot] = {}
    for row in rows:
        found.setdefault(row["sha256"], Snapshot(**row.asDict()))
    return list(found.values())


def load(spark: SparkSession, place: Snapshots, sha256: str) -> str:
    """The content with a hash, or with the only hash that begins so. Raises `SnapshotProblem`."""
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}", sha256):
        raise SnapshotProblem(f"expected a SHA-256 in hex, or at least its first {SHORTEST_PREFIX} digits")
    stored = _read(spark, place)
    found = {} if stored is None else _contents(stored.where(F.col("sha256").startswith(sha256)))
    if len(found) > 1:
        raise SnapshotProblem(f"{len(found)} contents have a hash that begins with {sha256}: give more of it")
    for whole, content in found.items():
        if config.sha256(content) != whole:
            raise SnapshotProblem(f"what is stored as {whole} has another hash: it was changed since")
        return content
    raise SnapshotProblem(f"nothing is stored as {sha256}")


def _contents(rows: DataFrame) -> dict[str, str]:
    return {row["sha256"]: row["content"] for row in rows.select("sha256", "content").collect()}
