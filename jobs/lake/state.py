"""What stands at a target before a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.lake import history
from jobs.lake.problems import SourceProblem
from jobs.lake.read import delta_version, is_delta_name
from jobs.lake.sql import quoted, quoted_table
from jobs.shared.configuration.models import Target
from jobs.shared.platform.described import Described


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


def inspect(spark: SparkSession, target: Target) -> TargetState:
    """What stands at the target now."""
    name = f"delta.{quoted(target.path)}" if target.path is not None else quoted_table(str(target.table))
    if target.path is not None:
        exists = DeltaTable.isDeltaTable(spark, target.path)
    else:
        exists = spark.catalog.tableExists(name)
        if exists and not is_delta_name(spark, str(target.table)):
            raise SourceProblem(f"the target {target.table} exists and is not a Delta table: choose another name")
    if not exists:
        return TargetState(name)
    detail = spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]
    version = delta_version(spark, name)
    before = Described(spark.read.table(name).schema, detail["description"] or "", detail["properties"])
    return TargetState(
        name, version, detail["properties"], history.raw_versions(spark, name, detail["location"]), before
    )
