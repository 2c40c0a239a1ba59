"""One Delta commit that adds rows to a target, or replaces some partitions of it, as it was inspected, or nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.lake import delta_commit, promises, replace
from jobs.lake.bare_types import bare
from jobs.lake.delta_commit import Files
from jobs.lake.problems import HEALS, CannotGrow
from jobs.lake.replace import Commit
from jobs.lake.state import TargetState

MOST = 5
"""Columns that a message names."""


def grow(
    spark: SparkSession,
    treated: DataFrame,
    state: TargetState,
    partition_by: tuple[str, ...],
    expected: Callable[[], int | None],
    files: Files | None = None,
    restated: Mapping[str, str] | None = None,
) -> Commit:
    """Add rows to the target in one commit, if it is still as inspected; else raise `CommitConflict`.

    expected: gives, once all is written, how many rows there are to be, None where nobody knows. Raises `CannotGrow`
    where the target is no longer made as runs make it. restated: properties that the target is to have from then on,
    with what the fields of ``treated`` say of their treatment; None: it stays as it is. Otherwise as
    `jobs.lake.replace.replace`.
    """
    begun = state.transaction
    assert begun is not None, "rows are added in a transaction"
    check_made_alike(treated, state, partition_by)

    def run_metadata(rows: int, files: int) -> str:
        return replace.run_metadata(spark, expected, rows, files)

    with replace.conflicts_told(state):
        written = delta_commit.append(begun, treated, run_metadata, files, restated)
    return Commit(written.version, written.rows, written.files)


def replace_partitions(
    spark: SparkSession,
    treated: DataFrame,
    state: TargetState,
    partition_by: tuple[str, ...],
    where: str,
    expected: Callable[[], int | None],
    alone: Callable[[], bool],
    files: Files | None = None,
) -> Commit:
    """Put rows in the place of those of some partitions, in one commit. Errors, and expected, as of `grow`.

    where: the predicate over partition columns that chooses the partitions; it must be true for all rows. A run that
    replaces other partitions at the same time is no conflict, unless one of them is to be ``alone``, which is asked for
    when all is written.
    """
    begun = state.transaction
    assert begun is not None, "partitions are replaced in a transaction"
    check_made_alike(treated, state, partition_by)
    with replace.conflicts_told(state):
        replaced = delta_commit.files_where(begun, where)
        said = functools.partial(replace.run_metadata, spark, expected)
        written = delta_commit.replace_files(begun, replaced, treated, said, files, where, alone)
    return Commit(written.version, written.rows, written.files)


def check_made_alike(treated: DataFrame, state: TargetState, partition_by: tuple[str, ...]) -> None:
    """The target must be made as runs make it, for what is not restated stays. Raises `CannotGrow`. treated: of which
    the schema counts."""
    there, name = state.before.schema, state.name
    if _shape(there) != _shape(treated.schema):
        raise CannotGrow(f"the columns of {name} are not those of this run: {HEALS}")
    broken = promises.breakable(state)
    if broken:
        told = f"columns of {name} are generated or constrained, which rows are not added to"
        raise CannotGrow(f"{told} ({', '.join(broken[:MOST])}): {HEALS}")
    if any(key.lower().startswith(promises.CONSTRAINT) for key in state.properties):
        raise CannotGrow(f"{name} has constraints, which rows are not added to: drop them, or use --mode full")
    if state.transaction is not None and delta_commit.partition_columns(state.transaction) != partition_by:
        raise CannotGrow(f"{name} is partitioned otherwise than its entry says: {HEALS}")


def _shape(schema: T.StructType) -> list[tuple[str, T.DataType]]:
    return [(field.name, bare(field.dataType)) for field in schema.fields]
