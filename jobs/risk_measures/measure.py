"""All measures of a data frame: what is asked for, which passes over the rows answer it, what comes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.risk_classes.whole import Whole
from jobs.risk_measures import frames, hierarchies, nulls, people_stream, population, summaries
from jobs.risk_measures.class_stream import OWN
from jobs.risk_measures.diversity import NAMES, Worst
from jobs.risk_measures.frames import CODE, COUNT, NO_CODE, UNITS, VALUE
from jobs.risk_measures.population import Journalist
from jobs.risk_measures.sizes import THRESHOLD, Sizes

Nulls = Literal["equal", "any"]
NOTHING: Mapping[str, Any] = dict.fromkeys(NAMES)
"""The measures of a sensitive column where there is no row."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What to measure. subject: whose row it is, so that people count and not rows. weights: how many people of the
    population each row stands for. population: a table of all of them, with the same quasi-identifiers (and subject).
    hierarchies: of sensitive columns, rows of ``value, level 1, level 2, ...``. threshold: the risk of a row above
    which it is at risk. l: of recursive (c, l); None: the distinct l that the column has."""

    quasi_identifiers: Sequence[str]
    sensitive: Sequence[str] = ()
    subject: str | None = None
    weights: str | None = None
    population: DataFrame | None = None
    nulls: Nulls = "equal"
    hierarchies: Mapping[str, Sequence[Sequence[str]]] = dataclasses.field(default_factory=dict)
    threshold: float = THRESHOLD
    l: int | None = None  # noqa: E741 - l-diversity is called so

    def __post_init__(self) -> None:
        if isinstance(self.quasi_identifiers, str) or isinstance(self.sensitive, str):
            raise BadUsage("expected lists of columns, got a text")
        if not self.quasi_identifiers:
            raise BadUsage("expected at least one quasi-identifier: without one all rows are alike")
        if self.nulls not in ("equal", "any"):
            raise BadUsage("nulls: expected 'equal' or 'any'")
        if self.nulls == "any" and (self.subject or self.weights or self.population is not None):
            raise BadUsage("nulls: any goes with rows alone, without subject, weights or population")
        if self.weights and self.population is not None:
            raise BadUsage("expected weights or a population, which say the same thing, got both")
        if not 0 < self.threshold < 1:
            raise BadUsage("threshold: expected a chance between 0 and 1")
        if self.l is not None and self.l < 2:
            raise BadUsage("l: expected 2 or more")
        unknown = [name for name in self.hierarchies if name not in self.sensitive]
        if unknown:
            raise BadUsage(f"hierarchies: {unknown[0]} is no sensitive column")


@dataclasses.dataclass(frozen=True)
class Measures:
    """What was found; counts and shares only. people: how many, where they count and not rows."""

    rows: int
    sizes: Sizes
    journalist: Journalist
    sensitive: Mapping[str, Mapping[str, Any]]
    threshold: float
    by_subject: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Exact counts, for programs: `jobs.risk_measures.report` shows small ones as ``< 10``. With a subject,
        ``people`` comes after ``rows``, and all that follows counts these; with a population or weights, ``population``
        at the end."""
        data = self.sizes.as_data(self.threshold)
        counted = {"rows": self.rows, **({"people": self.sizes.rows} if self.by_subject else {})}
        outside = {} if self.journalist.outside is None else {"population": dict(self.journalist.outside)}
        return {
            **counted,
            **{name: data[name] for name in data if name != "rows"},
            "journalist": self.journalist.as_data(),
            "marketer": self.journalist.marketer,
            "sensitive": {name: dict(each) for name, each in self.sensitive.items()},
            **outside,
        }


def measure(rows: DataFrame, asked: Asked) -> Measures:
    """Measure. Raises `BadUsage` where a column is not there or cannot be compared, or a value is of no hierarchy.

    One pass over the rows, and one over each sensitive column alone; where a null may stand for any value, one for
    each sensitive column. Sizes of classes come with the first, unless the population is asked for."""
    sizes, sensitive = None, dict[str, Mapping[str, Any]]()
    if asked.nulls == "any":
        for name in asked.sensitive:
            found, sensitive[name] = _of_column(rows, asked, name)
            sizes = sizes or found
    elif asked.sensitive:
        sizes, sensitive = _of_all_columns(rows, asked)
    if sizes is None or asked.weights is not None or asked.population is not None:
        sizes, journalist = _of_classes(rows, asked)
    else:
        journalist = Journalist.of(sizes, asked.threshold)
    many = sizes.rows if asked.subject is None else rows.count()
    return Measures(many, sizes, journalist, sensitive, asked.threshold, asked.subject is not None)


def held(rows: DataFrame, asked: Asked, found: Measures) -> Mapping[str, tuple[int, float]]:
    """Of each sensitive column the l and the t that thresholds are held against. found: what was measured.

    Where people count, the classes of single rows count too: of one that is known an attacker need not know the whole
    trail. And where all people of a class have a value, theirs is known, however many others they have: l is 1."""
    by_rows: Mapping[str, Mapping[str, Any]] = found.sensitive
    if asked.subject is not None and asked.sensitive:
        by_rows = measure(rows, dataclasses.replace(asked, subject=None, weights=None, population=None)).sensitive
    least = {}
    for name, each in found.sensitive.items():
        both = (each, by_rows[name])
        is_known = any(one["alpha"] == 1 for one in both)
        least[name] = (1 if is_known else min(one["distinct_l"] for one in both), max(one["t"] for one in both))
    return least


def _of_classes(rows: DataFrame, asked: Asked) -> tuple[Sizes, Journalist]:
    """Sizes of classes, without their values."""
    keyed = frames.keyed(rows, asked.quasi_identifiers, subject=asked.subject, weight=asked.weights)
    if asked.nulls == "any":
        return _overlapping(keyed, asked)
    weighted = population.checked(keyed) if asked.weights else keyed
    units = _units(weighted, asked)
    if asked.weights:
        return population.weighted(units, asked.threshold)
    if asked.population is None:
        sizes = summaries.counted(summaries.sized(units))
        return sizes, Journalist.of(sizes, asked.threshold)
    others = frames.keyed(asked.population, asked.quasi_identifiers, subject=asked.subject)
    population.check_types(keyed, others)
    return population.against(units, _units(others, asked), asked.threshold)


def _units(keyed: DataFrame, asked: Asked) -> DataFrame:
    """A row for each row, or each person, that counts."""
    rows = frames.identified(keyed)
    return frames.people(rows) if asked.subject else rows


def _overlapping(keyed: DataFrame, asked: Asked) -> tuple[Sizes, Journalist]:
    ones = keyed.groupBy(*keyed.columns).agg(F.count(F.lit(1)).alias(COUNT))
    with kept(ones.select("*", F.col(COUNT).alias(UNITS), F.lit(0).alias(CODE))) as coded:
        classes = nulls.alike(coded).select(F.col(UNITS).alias(summaries.SIZE), OWN)
        sizes = summaries.counted(classes)
    return sizes, Journalist.of(sizes, asked.threshold)


def _of_all_columns(rows: DataFrame, asked: Asked) -> tuple[Sizes, dict[str, Mapping[str, Any]]]:
    """Sizes of classes and the measures of all sensitive columns, of rows or of people."""
    values = {f"{VALUE}{at}": name for at, name in enumerate(asked.sensitive)}
    keyed = frames.keyed(rows, asked.quasi_identifiers, subject=asked.subject, **values)
    with ExitStack() as until_then:
        coded, wholes = frames.identified(keyed), list[Whole]()
        for at, (value, name) in enumerate(values.items()):
            places, whole = until_then.enter_context(_placed(keyed.select(F.col(value).alias(VALUE)), asked, name))
            coded, wholes = frames.with_places(coded, value, places, f"{CODE}{at}"), [*wholes, whole]
        by, many = [name for name in coded.columns if name.startswith(CODE)], int(wholes[0].counts.sum())
        if asked.subject is None:
            counted = frames.counted(coded, [*frames.ID, *by], many)
        else:
            each = frames.counted(frames.with_person(coded), [*frames.PERSON, *frames.ID, *by], many)
            trails = until_then.enter_context(kept(people_stream.trails(each, [len(one.counts) for one in wholes])))
            counted, wholes = trails.withColumn(COUNT, F.lit(1)), _of_people(trails, by, wholes)
        sizes, worst = summaries.summarized(counted, wholes)
    each_column = zip(values.values(), worst, wholes, strict=True)
    return sizes, {name: _told(found, whole, asked) for name, found, whole in each_column}


def _of_people(trails: DataFrame, codes: Sequence[str], wholes: Sequence[Whole]) -> list[Whole]:
    """How columns are spread over people, each of whom counts once for each value."""
    found = []
    for code, whole in zip(codes, wholes, strict=True):
        each = trails.where(F.col(code) != NO_CODE).groupBy(code).count().toArrow()
        counts = np.zeros_like(whole.counts)
        counts[each.column(code).to_numpy()] = each.column("count").to_numpy()
        found.append(dataclasses.replace(whole, counts=counts))
    return found


def _told(worst: Worst | None, whole: Whole, asked: Asked) -> Mapping[str, Any]:
    return NOTHING if worst is None else worst.as_data(whole, asked.l)


@contextmanager
def _placed(values: DataFrame, asked: Asked, name: str) -> Iterator[tuple[DataFrame, Whole]]:
    """The places of a sensitive column's values, kept for as long, and how often each is there."""
    ordered, levels = frames.is_ordered(values.schema[VALUE].dataType), asked.hierarchies.get(name)
    with kept(hierarchies.leaves(frames.places(values), levels)) as places:
        yield places, hierarchies.whole(places, levels, ordered, name)


def _of_column(rows: DataFrame, asked: Asked, name: str) -> tuple[Sizes, Mapping[str, Any]]:
    """Sizes of classes and the measures of one sensitive column, where a null may stand for any value."""
    keyed = frames.keyed(rows, asked.quasi_identifiers, value=name)
    pairs = keyed.select("*", F.lit(1).alias(COUNT), F.lit(1).alias(UNITS))
    with (
        _placed(keyed.select(VALUE), asked, name) as (places, whole),
        kept(frames.coded(pairs, places, frames.keys_of(keyed))) as coded,
    ):
        sizes, (worst,) = summaries.summarized(nulls.alike(coded), [whole])
    return sizes, _told(worst, whole, asked)


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that are read more than once, kept by Spark for as long."""
    rows = rows.persist()
    try:
        yield rows
    finally:
        rows.unpersist()
