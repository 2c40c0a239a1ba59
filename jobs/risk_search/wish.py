"""What is asked of every class, and which classes of a table do not reach it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from jobs.configuration import shares
from jobs.risk_classes.distances import distances
from jobs.risk_classes.grouping import Flags, Floats
from jobs.risk_search.class_table import ClassTable, NotForSearch
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
    may lie in classes that miss any of it; they have to be left out of the treated table."""

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
    """failing: the classes that miss something. under: the share of each class's rows that is in failing classes, at
    least, however the class is cut into finer ones."""

    failing: Flags
    under: Floats

    def suppressed(self, classes: Classes) -> int:
        return int(classes.rows[self.failing].sum())

    def least_under(self, classes: Classes) -> float:
        """At least so many rows are in failing classes at every node that is finer."""
        return float(classes.rows @ self.under)


def judge(wish: Wish, table: ClassTable, classes: Classes) -> Judged:
    failing, under = np.zeros(len(classes), bool), np.zeros(len(classes))
    for fails, share in _judgements(wish, table, classes):
        failing |= fails
        np.maximum(under, share, out=under)
    return Judged(failing, under)


def _judgements(wish: Wish, table: ClassTable, classes: Classes) -> Iterator[tuple[Flags, Floats]]:
    """Of each thing that is asked, which classes miss it, and what share of them misses it however they are cut.

    A part of a class that is too small, or has too few values, is so itself: all of it. A class that is too far from
    the table, by ``d`` over ``t``, may have parts that are not. But the parts' distances are ``d`` or more on average
    and none is over 1: if a share ``f`` of the rows is in parts over ``t``, ``f + (1 - f) t >= d``. Alike for entropy,
    which on average is at most the class's, and in no part below 0.
    """
    people = classes.batch(-1).lengths if table.has_subject else classes.rows
    yield _whole(people < wish.k)
    for at, sensitive in enumerate(table.sensitive):
        batch = classes.batch(at)
        if sensitive.name in wish.l:
            yield _whole(batch.lengths < wish.l[sensitive.name])
        if wish.entropy_l.get(sensitive.name, 1) > 1:
            least = math.log(wish.entropy_l[sensitive.name])
            short = least - batch.entropies
            yield _partly(short, short / least)
        if wish.t.get(sensitive.name, 1) < 1:
            most = wish.t[sensitive.name]
            over = distances(batch, sensitive.whole) - most
            yield _partly(over, over / (1 - most))


def _whole(failing: Flags) -> tuple[Flags, Floats]:
    return failing, failing.astype(np.float64)


def _partly(over: Floats, share: Floats) -> tuple[Flags, Floats]:
    failing = over > NEARLY
    return failing, np.where(failing, share, 0.0)
