"""What a column is like, without a value of it and without a count that is small.

A number from 1 to 9 is told as 0. Categories stand as keyed digests, and only those of ten rows and more; the others
are together in ``rest``, with nulls that are too few to tell, and where that would be fewer than ten, the smallest of
the others joins them (``known``: it is there, and not how often). Bins of numbers begin where a baseline has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from jobs.monitoring import numbers, sketch
from jobs.monitoring.tally import Tally
from jobs.monitoring.told import Told
from jobs.risk_measures.report import SMALL

Kind = Literal["categories", "bins", "many"]
MOST_AS_CATEGORIES = 50
"""Numbers of more different values stand in bins."""


@dataclasses.dataclass(frozen=True)
class ColumnProfile:
    """seen: values, nulls among them. different: how many values, about. kind: what ``counts`` are by: digests of
    categories, bins of numbers, or nothing where there are too many categories. sketch: of a column that joins."""

    seen: int
    nulls: int
    different: int
    kind: Kind
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    known: tuple[str, ...] = ()
    rest: int = 0
    bounds: tuple[float, ...] | None = dataclasses.field(default=None, repr=False)
    sketch: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def values(self) -> int:
        return self.seen - self.nulls

    @property
    def null_share(self) -> float:
        return self.nulls / self.seen if self.seen else 0.0

    @property
    def null_shares(self) -> Told:
        """What the share may be, where nulls or values are too few to tell."""
        if self.nulls == self.seen:
            return Told((self.seen - SMALL + 1) / self.seen, 1.0) if self.seen else Told(0.0, 1.0)
        nulls = Told.of(self.nulls)
        return Told(nulls.least / self.seen, nulls.most / self.seen)

    @property
    def differents(self) -> Told:
        """How many different values there may be: of categories those without a name have up to nine rows each, or are
        up to nine nulls."""
        if self.kind != "categories":
            return Told.of(self.different)
        named, rest = len(self.counts) + len(self.known), max(0, self.rest - SMALL * len(self.known))
        if not self.values:
            return Told.of(0)
        return Told(named + max(0, rest - SMALL + 1) // (SMALL - 1), named + rest)


@dataclasses.dataclass(frozen=True)
class TableProfile:
    """left_out: columns that are not counted, by their types."""

    rows: int
    columns: Mapping[str, ColumnProfile]
    left_out: tuple[str, ...] = ()


def told(number: int) -> int:
    return number if number >= SMALL else 0


def nulls_of(tally: Tally) -> int:
    """How many nulls are told: neither they nor the values are fewer than ten."""
    if not told(tally.seen - tally.nulls):
        return told(tally.seen)
    return told(tally.nulls)


def of_column(tally: Tally, is_number: bool, is_pseudonym: bool, before: ColumnProfile | None) -> ColumnProfile:
    """What was counted, as it is kept. before: the column in the baseline, whose kind it keeps where that can be."""
    seen, nulls = told(tally.seen), nulls_of(tally)
    kind = _kind(tally, is_number, before)
    bounds = _bounds(tally, before) if kind == "bins" else None
    exact = named(tally, kind, bounds)
    counts, known, rest = _folded({name: each for name, each in exact.items() if told(each)}, seen - nulls)
    many = sketch.estimate(tally.hashes) if kind != "categories" else len(counts) + len(known)
    kept = sketch.compact(tally.hashes) if is_pseudonym and len(tally.hashes) >= SMALL else None
    return ColumnProfile(seen, nulls, told(_rounded(many)), kind, counts, known, rest, bounds, kept)


def named(tally: Tally, kind: Kind, bounds: tuple[float, ...] | None) -> dict[str, int]:
    """The exact counts of categories, or of bins, as they are named in profiles."""
    if kind == "categories":
        return {f"{digest & (2**64 - 1):016x}": count for digest, count in tally.categories.items()}
    if bounds is None:
        return {}
    if tally.bins or not len(tally.cells):
        return {str(at): count for at, count in tally.bins.items()}
    begin = np.array([numbers.number(cell) for cell in tally.cells.tolist()])
    counts = np.bincount(numbers.places(begin, bounds), weights=tally.sizes)
    return {str(at): int(count) for at, count in enumerate(counts.tolist())}


def _kind(tally: Tally, is_number: bool, before: ColumnProfile | None) -> Kind:
    if before is not None and before.kind == ("bins" if is_number else "many"):
        return before.kind
    most = MOST_AS_CATEGORIES if is_number and before is None else len(tally.categories)
    if not tally.many and len(tally.categories) <= most:
        return "categories"
    return "bins" if is_number else "many"


def _bounds(tally: Tally, before: ColumnProfile | None) -> tuple[float, ...]:
    if before is not None and before.bounds is not None:
        return before.bounds
    return tuple(numbers.edges(tally.cells, tally.sizes, SMALL))


def _folded(counts: dict[str, int], values: int) -> tuple[dict[str, int], tuple[str, ...], int]:
    """Counts, what they leave of all values, and those that had to join what is left."""
    known = list[str]()
    while counts and 0 < values - sum(counts.values()) < SMALL:
        least = min(counts, key=lambda name: (counts[name], name))
        known.append(least)
        del counts[least]
    return counts, tuple(known), values - sum(counts.values())


def _rounded(number: int) -> int:
    """To two digits, which is what an estimate is good for."""
    return int(float(f"{number:.2g}"))
