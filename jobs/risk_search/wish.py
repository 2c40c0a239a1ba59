"""What is asked of every class, and which classes of a table do not reach it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from jobs.configuration import shares
from jobs.risk_classes.distances import distances
from jobs.risk_classes.grouping import Flags, Floats, summed
from jobs.risk_classes.whole import Whole
from jobs.risk_search.class_table import ClassTable, NotForSearch, Sensitive
from jobs.risk_search.classes import Classes
from privacy_udfs.errors import REFUSED, LakenymError

NEARLY = 1e-12
"""Distances and entropies are sums of fractions: so much over a threshold is none."""


class NotReached(LakenymError):
    """No table that the ladders give reaches what is asked."""

    exit_code: ClassVar[int] = REFUSED


@dataclasses.dataclass(frozen=True)
class Wish:
    """k: at least so many rows in each class; people, where the table has a subject. l: for a sensitive column, so many
    different values in each class. entropy_l: the same of entropy l-diversity, whose l is the exponential of the
    entropy. t: at most so far from the whole table: total variation; for numbers, dates and times the earth mover's
    distance over ranks; where the column has a ladder, that in a hierarchy. suppressed: up to this share of the rows
    may lie in classes that miss k; these are left out of the treated table, and all else is asked of what stays."""

    k: int = 1
    l: Mapping[str, int] = dataclasses.field(default_factory=dict)  # noqa: E741, the name that everyone knows it by
    entropy_l: Mapping[str, float] = dataclasses.field(default_factory=dict)
    t: Mapping[str, float] = dataclasses.field(default_factory=dict)
    suppressed: float = 0.0

    def check(self, table: ClassTable) -> None:
        """Raises `NotForSearch` for what cannot be asked of this table."""
        known = {sensitive.name for sensitive in table.sensitive}
        unknown = sorted({*self.l, *self.entropy_l, *self.t} - known)
        wrong = {
            f"not among the sensitive columns: {', '.join(unknown)}": bool(unknown),
            "k: expected at least 1": self.k < 1,
            "l: expected at least 1": any(least < 1 for least in (*self.l.values(), *self.entropy_l.values())),
            "t: expected 0 to 1": any(not 0 <= most <= 1 for most in self.t.values()),
            "suppressed: expected a share, 0 or more and below 1": not 0 <= self.suppressed < 1,
        }
        if any(wrong.values()):
            raise NotForSearch("; ".join(text for text, holds in wrong.items() if holds))

    def most_suppressed(self, table: ClassTable) -> int:
        """How many rows may be left out."""
        return shares.of(self.suppressed, table.rows)


@dataclasses.dataclass(frozen=True)
class Judged:
    """failing: the classes that miss something. small: of these, those that miss k. under: the share of each class's
    rows that no finer table shows, at least, however the class is cut."""

    failing: Flags
    small: Flags
    under: Floats

    @property
    def stay(self) -> Flags:
        """The classes that are not left out, and miss something."""
        return self.failing & ~self.small

    def suppressed(self, classes: Classes) -> int:
        return int(classes.rows[self.failing].sum())

    def least_under(self, classes: Classes) -> float:
        """At least so many rows are in classes that are left out, or miss something, at every node that is finer."""
        return float(classes.rows @ self.under)


def judge(wish: Wish, table: ClassTable, classes: Classes, left_out: bool = False) -> Judged:
    """left_out: whether small classes are: then t is measured from the rows of all others, as a run does; these must be
    all classes of a table. Else it is measured from the whole table."""
    people = classes.batch(-1).lengths if table.has_subject else classes.rows
    small = people < wish.k
    failing, under = small.copy(), small.astype(np.float64)
    for fails, share in _judgements(wish, table, classes, small if left_out else np.zeros_like(small)):
        failing |= fails
        np.maximum(under, share, out=under)
    return Judged(failing, small, under)


def _judgements(wish: Wish, table: ClassTable, classes: Classes, out: Flags) -> Iterator[tuple[Flags, Floats]]:
    """Of each thing that is asked, which classes miss it, and what share of them misses it however they are cut. out:
    the classes that are left out.

    A part of a class that is too small, or has too few values, is so itself: all of it. A class that is too far from
    the table, by ``d`` over ``t``, may have parts that are not. But the parts' distances are ``d`` or more on average
    and none is over 1: if a share ``f`` of the rows is in parts over ``t``, ``f + (1 - f) t >= d``. Alike for entropy,
    which on average is at most the class's, and in no part below 0. What more rows are left out of a finer table moves
    what distances are measured from, by no more than the share that they have (`_moved`).
    """
    for at, sensitive in enumerate(table.sensitive):
        batch = classes.batch(at)
        if sensitive.name in wish.l:
            yield _whole(batch.lengths < wish.l[sensitive.name])
        if wish.entropy_l.get(sensitive.name, 1) > 1:
            least = math.log(wish.entropy_l[sensitive.name])
            short = least - batch.entropies
            yield _partly(short, short / least)
        if wish.t.get(sensitive.name, 1) < 1:
            most, moved = wish.t[sensitive.name], _moved(wish, table, classes, at, out)
            far = _distances(classes, at, sensitive, out)
            surely = far - most - moved
            yield _partly(far - most, np.clip(surely / max(1 - most - moved, NEARLY), 0, 1) * (surely > NEARLY))


def _moved(wish: Wish, table: ClassTable, classes: Classes, at: int, out: Flags) -> float:
    """By how much the distances of a class may shrink in a finer table, since others are left out of it.

    By any number, where distances go by rank and a value may be left out with all of its rows: then others, that were
    far from each other, are next to each other."""
    gone = int(classes.rows[out].sum())
    more, sensitive = max(0, wish.most_suppressed(table) - gone), table.sensitive[at]
    if more and sensitive.ordered and not sensitive.levels:
        pairs = classes.pairs[at]
        stay = ~out[pairs.of]
        counts = summed(pairs.value[stay], pairs.rows[stay], pairs.values)
        if counts[counts > 0].min(initial=more + 1) <= more:
            return 1.0
    return more / max(table.rows - gone, 1)


def _distances(classes: Classes, at: int, sensitive: Sensitive, out: Flags) -> Floats:
    """Of each class, from the rows that are not left out; 0 of those that are."""
    if not out.any():
        return distances(classes.batch(at), sensitive.whole)
    found, stay = np.zeros(len(classes)), np.flatnonzero(~out)
    if not len(stay):
        return found
    batch = classes.part(stay).batch(at)
    counts = summed(batch.codes, batch.counts, len(sensitive.rows))
    there = np.flatnonzero(counts)
    place = np.cumsum(counts > 0) - 1
    left = Whole(counts[there], sensitive.ordered, tuple(nodes[there] for nodes in sensitive.whole.parents))
    found[stay] = distances(dataclasses.replace(batch, codes=place[batch.codes]), left)
    return found


def _whole(failing: Flags) -> tuple[Flags, Floats]:
    return failing, failing.astype(np.float64)


def _partly(over: Floats, share: Floats) -> tuple[Flags, Floats]:
    failing = over > NEARLY
    return failing, np.where(failing, share, 0.0)
