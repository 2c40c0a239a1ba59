"""A lake whose source is changed by key, and the runs that follow it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration.models import Execution
from jobs.pseudonymize import Result
from tests.helpers import growing, lakes

SCHEMA = (
    "id string, day date, note string, rate double, at timestamp, "
    "items array<struct<sku string, tags map<string, string>, sizes array<double>>>"
)
COLUMNS: dict[str, Any] = {
    "id": {"domain": "customer"},
    "day": "keep",
    "note": "redact",
    "rate": "keep",
    "at": "keep",
    "items[].sku": {"domain": "other"},
    "items[].tags{key}": "keep",
    "items[].tags{value}": {"technique": "keyed_hash", "key": "crm"},
    "items[].sizes[]": "keep",
}
GAINED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "grade": ("grade string", {"grade": {"domain": "other"}}),
    "items[].hue": ("items.element.hue string", {"items[].hue": {"technique": "keyed_hash", "key": "crm"}}),
    "place": ("place struct<city: string, zip: string>", {"place.city": {"domain": "other"}, "place.zip": "keep"}),
}
"""Columns that a source may gain: as SQL declares each, and what the catalog says of it."""
FED = {"delta.enableChangeDataFeed": "true"}
TARGET: dict[str, Any] = {"mode": "changes", "key": ["id"]}


def rows(spark: SparkSession, ids: Iterable[int], turn: int = 0, gained: Collection[str] = ()) -> DataFrame:
    """Rows of some ids, each with other values in another turn: nested ones, nulls, NaN and odd times among them.
    gained: of the columns of `GAINED` those that they have too, each after those that were there."""
    given = spark.createDataFrame([(each,) for each in ids], "number long").coalesce(2)
    seen = F.col("number") * 7 + turn
    word = F.when(seen % 3 > 0, F.concat(F.lit("w"), seen.cast("string")))
    item = F.struct(
        F.concat(F.lit("sku"), seen.cast("string")).alias("sku"),
        F.when(seen % 4 > 0, F.create_map(F.lit("k"), seen.cast("string"))).alias("tags"),
        F.array(F.lit("NaN").cast("double"), F.lit(None).cast("double"), seen / 3).alias("sizes"),
        *([word.alias("hue")] if "items[].hue" in gained else []),
    )
    more = {"grade": word, "place": F.when(seen % 4 > 0, F.struct(word.alias("city"), word.alias("zip")))}
    return given.select(
        F.concat(F.lit("c"), F.col("number").cast("string")).alias("id"),
        F.expr(f"date_add(date'2026-01-01', int((number + {turn}) % 3))").alias("day"),
        F.concat(F.lit("n"), seen.cast("string")).alias("note"),
        F.when(seen % 5 == 0, F.lit("NaN").cast("double")).otherwise(seen / 7).alias("rate"),
        F.expr(f"timestamp_micros(number * 1000003 - {turn})").alias("at"),
        F.when(seen % 3 == 0, F.array()).when(seen % 3 == 1, F.array(item, F.lit(None))).alias("items"),
        *(more[name].alias(name) for name in gained if name in more),
    )


def made(spark: SparkSession, lake: Path, ids: Iterable[int], gained: Collection[str] = (), **options: str) -> None:
    writer = rows(spark, ids, 0, gained).write.format("delta").mode("append").options(**{**FED, **options})
    writer.save(str(lake / "raw" / "t"))


def source(spark: SparkSession, lake: Path) -> DeltaTable:
    return growing.delta(spark, lake / "raw" / "t")


def put(spark: SparkSession, lake: Path, ids: Iterable[int], turn: int, gained: Collection[str] = ()) -> None:
    """Insert or update rows."""
    merge = source(spark, lake).alias("t").merge(rows(spark, ids, turn, gained).alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def gains(spark: SparkSession, lake: Path, name: str) -> dict[str, Any]:
    """The source gains a column of `GAINED`, and no row. Returns what the catalog says of it."""
    declared, decided = GAINED[name]
    spark.sql(f"ALTER TABLE delta.`{lake}/raw/t` ADD COLUMNS ({declared})")
    return decided


def deleted(spark: SparkSession, lake: Path, ids: Iterable[int]) -> None:
    source(spark, lake).delete(F.col("id").isin(*(f"c{each}" for each in ids)))


def run(spark: SparkSession, lake: Path, execution: Execution = "auto", **more: Any) -> Result:
    more = {"columns": COLUMNS, **more, "target": {**TARGET, **more.get("target", {})}}
    return growing.ran(spark, lake, "delta", execution, **more)


def check_as_in_full(spark: SparkSession, lake: Path, **more: Any) -> None:
    """The target's rows and schema are those that a run in full makes elsewhere."""
    target = {**more.pop("target", {}), "path": str(lake / "treated" / "full"), "mode": "full"}
    run(spark, lake, target=target, **more)
    ours, full = (spark.read.format("delta").load(str(lake / "treated" / name)) for name in ("t", "full"))
    lakes.check_equal(ours, full)


told = lakes.contents


def names(spark: SparkSession, lake: Path) -> set[str]:
    """The pseudonyms in the target."""
    return {row[0] for row in lakes.treated(spark, lake).select("id").collect()}
