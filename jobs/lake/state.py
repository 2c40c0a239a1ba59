"""What stands at a target before a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.models import Target
from jobs.lake import delta_commit, history, leftovers, places
from jobs.lake.described import Described
from jobs.lake.leftovers import NOTHING, Leftovers
from jobs.lake.problems import SourceProblem
from jobs.lake.read import delta_version, is_delta_name
from jobs.lake.sql import quoted, quoted_table


@dataclasses.dataclass(frozen=True)
class TargetState:
    """What stands at the target before a run. version: -1 where there is nothing yet."""

    name: str
    """How SQL names it: a table's name, or delta.`path`."""
    version: int = -1
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    raw_versions: tuple[int, ...] = ()
    """Versions still in the history whose rows carry no treatment record, or that no run of ours wrote."""
    before: Described = dataclasses.field(default_factory=lambda: Described(T.StructType()))
    """Its comments, which a replace must state again."""
    transaction: delta_commit.Transaction | None = dataclasses.field(default=None, compare=False)
    """Begun before anything of this was looked at; None where Delta's own transaction is out of reach."""
    location: str | None = None
    """Where it is or will be; None where only the catalog knows."""
    left: Leftovers = NOTHING
    """What is left of the raw versions."""


def inspect(spark: SparkSession, target: Target) -> TargetState:
    """What stands at the target now. Raises `SourceProblem` where something else than a Delta table does."""
    name = f"delta.{quoted(target.path)}" if target.path is not None else quoted_table(str(target.table))
    known = target.path is None and spark.catalog.tableExists(name)
    if known and not is_delta_name(spark, str(target.table)):
        raise SourceProblem(f"the target {target.table} exists and is not a Delta table: choose another name")
    begun = delta_commit.begin(spark, target.path, name)
    if not (known or _is_there(spark, target, begun)):
        location = begun.location if begun is not None else target.path
        if location is not None:
            places.check_free(spark, location, name)
        return TargetState(name, transaction=begun, location=location)
    if begun is not None and target.path is None and not known:  # a run ended between its commit and the catalog
        name = f"delta.{quoted(begun.location)}"
    return _existing(spark, name, begun)


def _is_there(spark: SparkSession, target: Target, begun: delta_commit.Transaction | None) -> bool:
    if begun is not None:
        return begun.version >= 0
    return target.path is not None and DeltaTable.isDeltaTable(spark, target.path)


def _existing(spark: SparkSession, name: str, begun: delta_commit.Transaction | None) -> TargetState:
    detail = spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]
    location, properties = detail["location"], detail["properties"]
    if str(properties.get("delta.appendOnly", "")).lower() == "true":
        raise SourceProblem(f"the target {name} is append-only (delta.appendOnly), and a run replaces its rows")
    version = begun.version if begun is not None else delta_version(spark, name)
    before = Described(spark.read.table(name).schema, detail["description"] or "", properties)
    raw = history.raw_versions(spark, name, location, version)
    left = leftovers.of(spark, location, raw, version, properties)
    return TargetState(name, version, properties, raw, before, begun, location, left)
