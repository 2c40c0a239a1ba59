"""A lake whose source grows, and the incremental runs that follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs import pseudonymize
from jobs.configuration.models import Execution
from jobs.pseudonymize import Result
from tests.helpers import lakes

COLUMNS: dict[str, Any] = {"id": {"domain": "customer"}, "day": "keep", "note": "redact"}
GAINED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("grade string", {"grade": {"domain": "other"}}),
    ("place struct<city: string>", {"place.city": "keep"}),
    ("place.zip string", {"place.zip": {"technique": "keyed_hash", "key": "crm"}}),
)
"""Columns that a source may gain, one after the other: as SQL declares each, and what the catalog says of it."""
PATHS: tuple[Execution, ...] = ("columnar", "spark")


def rows(spark: SparkSession, start: int, end: int, gained: int = 0) -> DataFrame:
    """gained: how many of the columns of `GAINED` they have too."""
    day = "date_add(date'2026-01-01', int(id % 3)) AS day"
    word = "if(id % 4 = 0, null, concat('w', id))"
    place = f"'city', {word}" + (f", 'zip', {word}" if gained > 2 else "")
    more = [f"{word} AS grade", f"if(id % 5 = 0, null, named_struct({place})) AS place"][:gained]
    return spark.range(start, end, 1, 2).selectExpr("cast(id AS string) AS id", day, "concat('n', id) AS note", *more)


def grown(
    spark: SparkSession, lake: Path, start: int, end: int, mode: str = "append", gained: int = 0, **options: str
) -> None:
    writer = rows(spark, start, end, gained).write.format("delta").mode(mode).options(**options)
    writer.save(str(lake / "raw" / "t"))


def run(spark: SparkSession, lake: Path, execution: Execution = "auto", **more: Any) -> Result:
    return ran(spark, lake, "delta", execution, **more)


def ran(
    spark: SparkSession, lake: Path, format_: str, execution: Execution = "auto", target: Any = None, **more: Any
) -> Result:
    entry = lakes.table(
        "t",
        lake,
        more.pop("columns", COLUMNS),
        source={"format": format_, "path": str(lake / "raw" / "t"), **more.pop("source", {})},
        target={"path": str(lake / "treated" / "t"), "mode": "incremental", **(target or {})},
        **more.pop("entry", {}),
    )
    return pseudonymize.run(spark, lakes.configured(lake, entry), "t", execution=execution, **more)


def told(spark: SparkSession, lake: Path) -> list[dict[str, Any]]:
    """The user metadata of the target's commits, the oldest first."""
    history = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").orderBy("version")
    return [json.loads(row["userMetadata"]) for row in history.collect() if row["userMetadata"]]


def check_as_in_full(spark: SparkSession, lake: Path, format_: str = "delta", **more: Any) -> None:
    """The target's rows and schema are those that a run in full makes elsewhere."""
    more["target"] = {"path": str(lake / "treated" / "full"), "mode": "full"}
    ran(spark, lake, format_, **more)
    ours, full = (spark.read.format("delta").load(str(lake / "treated" / name)) for name in ("t", "full"))
    lakes.check_equal(ours, full)


def delta(spark: SparkSession, path: Path) -> DeltaTable:
    return DeltaTable.forPath(spark, str(path))


def rows_of(spark: SparkSession, lake: Path) -> list[Any]:
    return sorted(map(tuple, lakes.treated(spark, lake).collect()))
