"""Which few columns single people out, and what else an outsider could try: matching, and counting pseudonyms."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.risk_measures import frames
from jobs.risk_measures.frames import COUNT, ID, UNITS
from jobs.risk_measures.population import check_types

MOST_SETS = 1000


@dataclasses.dataclass(frozen=True)
class Singled:
    """columns: a set. uniques: rows that have values there like no other row."""

    columns: tuple[str, ...]
    uniques: int


def small_sets(rows: DataFrame, columns: Sequence[str], at_most: int = 3) -> list[Singled]:
    """Sets of up to so many columns, those that single out most rows first. In one pass over the classes."""
    sets = [each for many in range(1, at_most + 1) for each in itertools.combinations(range(len(columns)), many)]
    if len(sets) > MOST_SETS:
        raise BadUsage(f"{len(sets)} sets of columns, expected at most {MOST_SETS}: ask for smaller ones")
    keyed = frames.keyed(rows, columns)
    classes = keyed.groupBy(*keyed.columns).agg(F.count(F.lit(1)).alias(COUNT))
    of_sets = [F.struct(F.lit(at).alias("set"), *_of(each)) for at, each in enumerate(sets)]
    each = classes.select(COUNT, F.explode(F.array(*of_sets)).alias("one"))
    groups = each.groupBy("one.set", *(f"one.{name}" for name in ID)).agg(F.sum(COUNT).alias(UNITS))
    found = groups.where(F.col(UNITS) == 1).groupBy("set").count().collect()
    uniques = {row["set"]: row["count"] for row in found}
    named = [Singled(tuple(columns[at] for at in each), uniques.get(n, 0)) for n, each in enumerate(sets)]
    return sorted(named, key=lambda one: (-one.uniques, len(one.columns)))


def _of(places: Sequence[int]) -> list[Column]:
    keys = [f"k{at}" for at in places]
    return frames.fingerprint(frames.mask(keys), *map(F.col, keys))


@dataclasses.dataclass(frozen=True)
class Matched:
    """What an attacker with another table gets. matched: rows that have a match there. one: rows that match one row of
    it and only one. sure: of these, rows that are like no other row of ours too: each a person found."""

    rows: int
    matched: int
    one: int
    sure: int


def attack(rows: DataFrame, outside: DataFrame, columns: Sequence[str]) -> Matched:
    """Match every row with an outside table by columns that both have, null only with null. Raises `BadUsage` where
    they have other types there."""
    ours, theirs = (frames.keyed(each, columns) for each in (rows, outside))
    check_types(ours, theirs)
    own = frames.identified(ours).groupBy(*ID).agg(F.count(F.lit(1)).alias("here"))
    other = frames.identified(theirs).groupBy(*ID).agg(F.count(F.lit(1)).alias("there"))
    joined = own.join(other, [*ID], "left")
    here, there = F.col("here"), F.coalesce("there", F.lit(0))
    measures = {
        "rows": F.sum(here),
        "matched": F.sum(F.when(there > 0, here)),
        "one": F.sum(F.when(there == 1, here)),
        "sure": F.sum(F.when((there == 1) & (here == 1), here)),
    }
    found = joined.agg(*(each.alias(name) for name, each in measures.items())).collect()[0]
    return Matched(**{name: found[name] or 0 for name in measures})


@dataclasses.dataclass(frozen=True)
class Frequent:
    """How uneven the values of a column are. distinct: without null. top, top_ten: of rows that have a value, the share
    of those with the most frequent one, and with one of the ten most frequent."""

    distinct: int
    top: float
    top_ten: float


def frequent(rows: DataFrame, name: str) -> Frequent:
    """What counting tells of deterministic pseudonyms: a value that everyone knows to be frequent is found by its
    share, whatever stands for it (Naveed, Kamara, Wright: Inference Attacks on Property-Preserving Encrypted Databases,
    CCS 2015)."""
    values = rows.select(frames.found(rows, name).alias("v")).where(F.col("v").isNotNull())
    counted = values.groupBy("v").agg(F.count(F.lit(1)).alias(COUNT))
    whole = counted.agg(F.count(F.lit(1)).alias("distinct"), F.sum(COUNT).alias("rows")).collect()[0]
    top = [row[COUNT] for row in counted.select(COUNT).orderBy(F.col(COUNT).desc()).limit(10).collect()]
    rows_with = whole["rows"] or 1
    return Frequent(whole["distinct"], max(top, default=0) / rows_with, sum(top) / rows_with)
