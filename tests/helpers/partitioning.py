"""A lake whose source and target are partitioned, and the runs that replace some partitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Execution
from jobs.pseudonymize import Result
from jobs.spark_app import session
from tests.helpers import lakes

KEPT = lakes.column("keep", "non_personal")
COLUMNS: dict[str, Any] = {"id": {"domain": "customer"}, "part": KEPT, "note": "keep"}


def rows(spark: SparkSession, type_: str, values: list[Any], note: str, most: int = 2) -> DataFrame:
    """Some rows of each partition."""
    made = [(f"{at}-{n}", None if part is None else str(part), note) for at, part in enumerate(values)
            for n in range(1 + at % most)]  # fmt: skip
    given = spark.createDataFrame(made, "id string, part string, note string")
    return given.selectExpr("id", f"cast(part AS {type_}) AS part", "note")


def put(rows: DataFrame, lake: Path, mode: str = "overwrite", by: str | None = "part") -> None:
    writer = rows.write.format("delta").mode(mode)
    (writer if by is None else writer.partitionBy(by)).save(str(lake / "raw" / "t"))


def entry(lake: Path, **more: Any) -> dict[str, Any]:
    made = lakes.table("t", lake, more.pop("columns", COLUMNS), **more.pop("entry", {}))
    made["source"] = {"format": "delta", "path": str(lake / "raw" / "t"), **more.pop("source", {})}
    made["target"] = {"path": str(lake / "treated" / "t"), "partition_by": ["part"], "mode": "partitions",
                      **more.pop("target", {})}  # fmt: skip
    return made


def configured(lake: Path, **more: Any) -> Config:
    return lakes.configured(lake, entry(lake, **more))


def run(
    spark: SparkSession, lake: Path, where: str | None = None, execution: Execution = "auto", **more: Any
) -> Result:
    """Of partitions; without a predicate in full."""
    asked = {
        name: more.pop(name) for name in ("mode", "retreat", "allow_raw_history", "accept_deleted_rows") if name in more
    }
    if where is None:
        asked.setdefault("mode", "full")
    conf = configured(lake, **more)
    return pseudonymize.run(spark, conf, "t", execution=execution, where=where, **asked)


def full(spark: SparkSession, lake: Path, **more: Any) -> DataFrame:
    """The rows of a run in full elsewhere."""
    place = str(lake / "treated" / "full")
    run(spark, lake, **{**more, "target": {**more.get("target", {}), "path": place}})
    return spark.read.format("delta").load(place)


def check(spark: SparkSession, lake: Path, before: DataFrame, where: str, anew: DataFrame) -> None:
    """What the predicate is true for is as in full, all else as before. anew: by `full`."""
    expected = before.where(f"NOT coalesce({where}, false)").unionAll(anew.where(where))
    lakes.check_equal(lakes.treated(spark, lake), expected)


def held(spark: SparkSession, lake: Path) -> DataFrame:
    """The target's rows as they are now."""
    now = lakes.treated(spark, lake)
    return spark.createDataFrame(now.toArrow(), schema=now.schema)


def prepared(
    spark: SparkSession, lake: Path, where: str, execution: Execution, **more: Any
) -> tuple[SparkSession, pseudonymize.Prepared]:
    own = session.for_run(spark)
    conf = config.in_partitions(config.executed_by(configured(lake, **more), execution), where)
    return own, pseudonymize.prepare(own, conf, "t")
