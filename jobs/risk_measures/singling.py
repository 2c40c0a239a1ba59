"""Which few columns single people out, and what else an outsider could try: matching, and counting pseudonyms."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.risk_measures import frames
from jobs.risk_measures.frames import COUNT, ID, SUBJECT, UNITS
from jobs.risk_measures.population import check_types

MOST_SETS = 1000
PERSON = "person"


@dataclasses.dataclass(frozen=True)
class Singled:
    """columns: a set. uniques: rows that have values there like no other row; or people who have some that nobody else
    has."""

    columns: tuple[str, ...]
    uniques: int


def small_sets(rows: DataFrame, columns: Sequence[str], at_most: int = 3, subject: str | None = None) -> list[Singled]:
    """Sets of up to so many columns, those that single out most rows first, or most people where a subject is named. In
    one pass over the classes. Rows without a subject are one person's."""
    sets = [each for many in range(1, at_most + 1) for each in itertools.combinations(range(len(columns)), many)]
    if len(sets) > MOST_SETS:
        raise BadUsage(f"{len(sets)} sets of columns, expected at most {MOST_SETS}: ask for smaller ones")
    keyed = _with_person(frames.keyed(rows, columns, subject=subject))
    classes = keyed.groupBy(*keyed.columns).agg(F.count(F.lit(1)).alias(COUNT))
    of_sets = [F.struct(F.lit(at).alias("set"), *_of(each)) for at, each in enumerate(sets)]
    each = classes.select(PERSON, COUNT, F.explode(F.array(*of_sets)).alias("one"))
    groups = each.groupBy("one.set", *(f"one.{name}" for name in ID)).agg(*_whose(subject))
    alone = groups.where(F.col(UNITS) == 1)
    found = (alone if subject is None else alone.select("set", PERSON).distinct()).groupBy("set").count().collect()
    uniques = {row["set"]: row["count"] for row in found}
    named = [Singled(tuple(columns[at] for at in each), uniques.get(n, 0)) for n, each in enumerate(sets)]
    return sorted(named, key=lambda one: (-one.uniques, len(one.columns)))


def _of(places: Sequence[int]) -> list[Column]:
    keys = [f"k{at}" for at in places]
    return frames.fingerprint(frames.mask(keys), *map(F.col, keys))


def _with_person(keyed: DataFrame) -> DataFrame:
    """``person`` in the place of ``subject``: one that can be compared with others though it is null. None: of rows."""
    of = F.struct(F.col(SUBJECT).isNull(), F.col(SUBJECT)) if SUBJECT in keyed.columns else F.lit(None).cast("int")
    return keyed.select(*frames.keys_of(keyed), of.alias(PERSON))


def _whose(subject: str | None) -> tuple[Column, Column]:
    """Of the rows of a group: how many rows there are; or 1 where all are one person's, else 2. And that person."""
    one = F.min(PERSON).alias(PERSON)
    if subject is None:
        return F.sum(COUNT).alias(UNITS), one
    return F.when(F.min(PERSON) == F.max(PERSON), 1).otherwise(2).alias(UNITS), one


@dataclasses.dataclass(frozen=True)
class Matched:
    """What an attacker with another table gets. rows: of ours, or people where a subject is named. matched: those with
    a match there. one: those with a row that matches one row of it and only one. sure: of these, those whose row is
    like nobody else's here too: each a person found."""

    rows: int
    matched: int
    one: int
    sure: int


def attack(rows: DataFrame, outside: DataFrame, columns: Sequence[str], subject: str | None = None) -> Matched:
    """Match every row with an outside table by columns that both have, null only with null. Raises `BadUsage` where
    they have other types there. subject: the column of ours by which people are told apart."""
    ours, theirs = frames.keyed(rows, columns, subject=subject), frames.keyed(outside, columns)
    check_types(ours, theirs)
    own = frames.identified(_with_person(ours)).groupBy(*ID, PERSON).agg(F.count(F.lit(1)).alias(COUNT))
    here = own.groupBy(*ID).agg(*_whose(subject)).drop(PERSON)
    other = frames.identified(theirs).groupBy(*ID).agg(F.count(F.lit(1)).alias("there"))
    told = here.join(other, [*ID], "left").select(*ID, UNITS, F.coalesce("there", F.lit(0)).alias("there"))
    measures = {
        "matched": F.col("there") > 0,
        "one": F.col("there") == 1,
        "sure": (F.col("there") == 1) & (F.col(UNITS) == 1),
    }
    if subject is None:
        whole = told.withColumn(COUNT, F.col(UNITS))
    else:  # a person is found by any of their rows
        each = own.join(told, [*ID]).groupBy(PERSON)
        whole = each.agg(*(F.max(is_so).alias(name) for name, is_so in measures.items()), F.lit(1).alias(COUNT))
        measures = {name: F.col(name) for name in measures}
    sums = [F.sum(F.when(is_so, F.col(COUNT))).alias(name) for name, is_so in measures.items()]
    found = whole.agg(F.sum(COUNT).alias("rows"), *sums).collect()[0]
    return Matched(**{name: found[name] or 0 for name in ("rows", *measures)})


@dataclasses.dataclass(frozen=True)
class Frequent:
    """How uneven the values of a column are. rows: that have a value. distinct: values, without null. top, top_ten:
    rows with the most frequent one, and with one of the ten most frequent."""

    rows: int
    distinct: int
    top: int
    top_ten: int


def frequent(rows: DataFrame, name: str) -> Frequent:
    """What counting tells of deterministic pseudonyms: a value that everyone knows to be frequent is found by its
    share, whatever stands for it (Naveed, Kamara, Wright: Inference Attacks on Property-Preserving Encrypted Databases,
    CCS 2015)."""
    values = rows.select(frames.found(rows, name).alias("v")).where(F.col("v").isNotNull())
    counted = values.groupBy("v").agg(F.count(F.lit(1)).alias(COUNT))
    whole = counted.agg(F.count(F.lit(1)).alias("distinct"), F.sum(COUNT).alias("rows")).collect()[0]
    top = [row[COUNT] for row in counted.select(COUNT).orderBy(F.col(COUNT).desc()).limit(10).collect()]
    return Frequent(whole["rows"] or 0, whole["distinct"], max(top, default=0), sum(top))
