"""How many of a column's values another column has too: from their sketches, with the error that this has.

Of two theta sketches the hashes below both of their thresholds are a uniform sample of the values of both: of ``m``
values of A in it, the share that B has too estimates ``|A and B| / |A|``. By Hoeffding's inequality it is off by more
than ``sqrt(ln(2 / CHANCE) / 2m)`` with a chance below `CHANCE`. m is 4,096 where B has no more values than A, and
fewer by as much as B has more: of a column with a hundredth of B's values 41 are left, and nothing is said of it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from jobs.risk_measures.estimate import CHANCE
from jobs.risk_measures.profile import CELLS, ColumnProfile, TableProfile
from jobs.risk_measures.report import SMALL

LEAST = 100
"""So many values of the sample are asked for, unless all were kept."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """table, column: whose values; in_table, in_column: where they are found too."""

    table: str
    column: str
    in_table: str
    in_column: str

    def __str__(self) -> str:
        return f"{self.table} {self.column} in {self.in_table} {self.in_column}"


@dataclasses.dataclass(frozen=True)
class Contained:
    """share: of A's values, those that B has. error: at most, but for a chance of one in a million."""

    share: float
    error: float


def pairs(spark: SparkSession, tables: Mapping[str, TableProfile]) -> tuple[dict[Pair, Contained], set[Pair]]:
    """Of all pairs of columns of two tables those that have at least ten values in common, and those that were not
    compared, because too little of one of them is kept beside the other."""
    kept = [
        (name, path, each.sketch, each.values)
        for name, table in tables.items()
        for path, each in table.columns.items()
        if each.sketch is not None
    ]
    if not kept:
        return {}, set()
    one = spark.createDataFrame(kept, "t string, c string, s binary, v bigint")
    other = one.select(*(F.col(name).alias(f"in_{name}") for name in one.columns))
    share = F.least(F.lit(1.0), *(CELLS / F.greatest(F.col(name), F.lit(1)) for name in ("v", "in_v")))
    both = _estimate(F.theta_intersection("s", "in_s"))
    compared = (
        one.join(other, F.col("t") != F.col("in_t"))
        .select("t", "c", "in_t", "in_c", share.alias("share"), both.alias("both"), _only("s", "in_s").alias("only"))
        .withColumn("sampled", (F.col("both") + F.col("only")) * F.col("share"))
    )
    found = compared.where((F.col("both") >= SMALL) | (F.col("sampled") < LEAST)).collect()
    told: dict[Pair, Contained] = {}
    unsaid: set[Pair] = set()
    for row in found:
        pair = Pair(row["t"], row["c"], row["in_t"], row["in_c"])
        if row["share"] < 1 and row["sampled"] < LEAST:
            unsaid.add(pair)
        elif row["both"] >= SMALL:
            told[pair] = _contained(row["both"], row["only"], row["share"], row["sampled"])
    return told, unsaid


def _estimate(sketch: Column) -> Column:
    return F.theta_sketch_estimate(sketch)


def _only(one: str, other: str) -> Column:
    """Values of one that the other has not."""
    return _estimate(F.theta_difference(one, other))


def _contained(both: int, only: int, share: float, sampled: float) -> Contained:
    return Contained(both / (both + only), 0.0 if share == 1 else _error(sampled))


def most_untold(column: ColumnProfile, other: ColumnProfile) -> float | None:
    """The greatest share of a column's values that another may have, where `pairs` tells none of the two although it
    compared them: fewer than ten of those kept. None where that says nothing: of fewer than ten values none is kept."""
    if column.sketch is None:
        return None
    sampled = column.values if other.sketch is None else column.values * _kept(column, other)
    error = 0.0 if sampled == column.values else _error(sampled)
    return min(SMALL / column.values + error, 1.0)


def _kept(one: ColumnProfile, other: ColumnProfile) -> float:
    """The share of all hashes that the sketches of both have."""
    return min(1.0, float(CELLS) / max(one.values, other.values, 1))


def _error(sampled: float) -> float:
    return min(math.sqrt(math.log(2 / CHANCE) / (2 * sampled)), 1.0)
