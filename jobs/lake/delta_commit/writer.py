"""Delta's own writer of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame

from jobs.lake.delta_commit.scala import DELTA, java, java_class, java_session, scala_map, seq
from jobs.lake.delta_commit.transaction import Transaction


def writer(
    begun: Transaction,
    rows: DataFrame,
    mode: str,
    partition_by: Sequence[str],
    configuration: Any,
    described: Any = None,
) -> Any:
    """Delta's own. described: the table as the catalog is to have it, None where that stays."""
    jvm, session = java(begun.spark), java_session(begun.spark)
    no_options = java_class(jvm, f"{DELTA}.DeltaOptions")(scala_map(jvm, {}), session.sessionState().conf())
    return java_class(jvm, f"{DELTA}.commands.WriteIntoDelta")(
        begun.log,
        getattr(jvm.org.apache.spark.sql.SaveMode, mode),
        no_options,
        seq(jvm, partition_by),
        configuration,
        rows._jdf,
        jvm.scala.Option.apply(described),
        jvm.scala.Option.empty(),
        False,
    )
