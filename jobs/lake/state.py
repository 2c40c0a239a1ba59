"""What stands at a target before a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.models import Target
from jobs.lake import delta_commit, history, leftovers, log_replay, places
from jobs.lake.address import Address
from jobs.lake.described import Described
from jobs.lake.leftovers import NOTHING, Leftovers
from jobs.lake.problems import SourceProblem


@dataclasses.dataclass(frozen=True)
class TargetState:
    """What stands at the target before a run. version: -1 where there is nothing yet."""

    address: Address
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
    log_size: int | None = 0
    """Of its Delta log, as `jobs.lake.log_replay.size`."""

    @property
    def name(self) -> str:
        """How SQL names it: a table's name, or delta.`path`."""
        return self.address.sql


def inspect(spark: SparkSession, target: Target) -> TargetState:
    """What stands at the target now. Raises `SourceProblem` where something else than a Delta table does."""
    address = Address.of(target)
    known = address.path is None and address.exists(spark)
    if known and not address.is_delta(spark):
        raise SourceProblem(f"the target {target.table} exists and is not a Delta table: choose another name")
    begun = delta_commit.begin(spark, target.path, address.sql)
    if not (known or _is_there(spark, address, begun)):
        location = begun.location if begun is not None else target.path
        if location is not None:
            places.check_free(spark, location, address.sql)
        return TargetState(address, transaction=begun, location=location)
    if begun is not None and address.path is None and not known:  # a run ended between its commit and the catalog
        address = Address(path=begun.location)
    return _existing(spark, address, begun)


def _is_there(spark: SparkSession, address: Address, begun: delta_commit.Transaction | None) -> bool:
    if begun is not None:
        return begun.version >= 0
    return address.path is not None and address.exists(spark)


def _existing(spark: SparkSession, address: Address, begun: delta_commit.Transaction | None) -> TargetState:
    location, description, properties = _described(spark, address, begun)
    if str(properties.get("delta.appendOnly", "")).lower() == "true":
        raise SourceProblem(f"the target {address.sql} is append-only (delta.appendOnly), and a run replaces its rows")
    version = begun.version if begun is not None else address.version(spark)
    before = Described(address.read(spark).schema, description, properties)
    log_size = None if begun is None else log_replay.size(begun.txn.snapshot())
    raw = history.raw_versions(spark, address, location, version, log_replay.is_small(log_size, version))
    left = leftovers.of(spark, location, raw, version, properties)
    return TargetState(address, version, properties, raw, before, begun, location, left, log_size)


def _described(
    spark: SparkSession, address: Address, begun: delta_commit.Transaction | None
) -> tuple[str, str, Mapping[str, str]]:
    """Location, comment and properties. Of the version that the transaction began on, where there is one: Delta's
    ``DESCRIBE DETAIL`` says the same of it, and reads the whole log to count files too."""
    if begun is not None:
        return begun.location, *delta_commit.comment_and_properties(begun)
    detail = address.detail(spark)
    return detail["location"], detail["description"] or "", detail["properties"]
