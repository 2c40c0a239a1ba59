"""What stands at a target before a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.models import Target
from jobs.lake import delta_commit, history, leftovers, log_replay, places, position
from jobs.lake.address import Address
from jobs.lake.described import Described
from jobs.lake.history import History
from jobs.lake.leftovers import NOTHING, Leftovers
from jobs.lake.log_commits import Commit
from jobs.lake.position import Position
from jobs.lake.problems import HEALS, CannotGrow, SourceProblem


@dataclasses.dataclass(frozen=True)
class TargetState:
    """What stands at the target before a run. version: -1 where there is nothing yet."""

    address: Address
    version: int = -1
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    history: History = dataclasses.field(default_factory=History)
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
    def raw_versions(self) -> tuple[int, ...]:
        """Versions still in the history whose rows carry no treatment record, or that no run of ours wrote."""
        return self.history.raw_versions

    def stopped_at(self) -> Position:
        """Where the run that wrote the target's rows stopped in its source. Raises `CannotGrow`."""
        run = self.last_run()
        stopped = position.from_json(run.run.get("source_position"))
        if stopped is None:
            raise CannotGrow(
                f"the run that wrote version {run.version} of {self.name} kept no place to go on from: {HEALS}"
            )
        return stopped

    def last_run(self) -> Commit:
        """The commit of the run that wrote the target's rows last. Raises `CannotGrow` where they changed since."""
        if self.transaction is None:
            raise CannotGrow("rows are added in Delta's own transaction, which is out of reach here: use --mode full")
        run, after = self.history.since_last_run
        if run is None:
            raise CannotGrow(f"the history of {self.name} has no run any more that says where it stopped: {HEALS}")
        for commit in after:
            changes = commit.operation == "RESTORE" or commit.added or commit.removed
            if changes and commit.operation != "DELETE":  # what was deleted stays gone
                told = f"version {commit.version} of {self.name} ({commit.operation})"
                raise CannotGrow(f"{told} changed its rows since the last run, and is no run of this job: {HEALS}")
        return run

    @property
    def name(self) -> str:
        """How SQL names it: a table's name, or delta.`path`."""
        return self.address.sql


def inspect(spark: SparkSession, target: Target, looked: TargetState | None = None) -> TargetState:
    """What stands at the target now. Raises `SourceProblem` where something else than a Delta table does.

    looked: what stood there at an earlier look, whose history is not read again if it is the same table's.
    """
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
    return _existing(spark, address, begun, looked)


def _is_there(spark: SparkSession, address: Address, begun: delta_commit.Transaction | None) -> bool:
    if begun is not None:
        return begun.version >= 0
    return address.path is not None and address.exists(spark)


def _existing(
    spark: SparkSession, address: Address, begun: delta_commit.Transaction | None, looked: TargetState | None
) -> TargetState:
    location, description, properties = _described(spark, address, begun)
    if str(properties.get("delta.appendOnly", "")).lower() == "true":
        raise SourceProblem(f"the target {address.sql} is append-only (delta.appendOnly), and a run replaces its rows")
    version = begun.version if begun is not None else address.version(spark)
    before = Described(address.read(spark).schema, description, properties)
    log_size = None if begun is None else log_replay.size(begun.txn.snapshot())
    known = looked.history if looked is not None and _is_same_table(looked, begun) else None
    told = history.of(spark, address, location, version, log_replay.is_small(log_size, version), known)
    left = leftovers.of(spark, location, told.raw_versions, version, properties)
    return TargetState(address, version, properties, told, before, begun, location, left, log_size)


def _is_same_table(looked: TargetState, begun: delta_commit.Transaction | None) -> bool:
    """Whether a table has the very commit that was its newest at an earlier look."""
    before = looked.transaction
    return before is not None and begun is not None and delta_commit.goes_on_from(begun, before)


def _described(
    spark: SparkSession, address: Address, begun: delta_commit.Transaction | None
) -> tuple[str, str, Mapping[str, str]]:
    """Location, comment and properties. Of the version that the transaction began on, where there is one: Delta's
    ``DESCRIBE DETAIL`` says the same of it, and reads the whole log to count files too."""
    if begun is not None:
        return begun.location, *delta_commit.comment_and_properties(begun)
    detail = address.detail(spark)
    return detail["location"], detail["description"] or "", detail["properties"]
