"""What whoever knows somebody's class learns of a sensitive column: the worst class of a table, by each measure.

Definitions, for a class with n rows, m different values, counts r_1 >= r_2 >= ... and shares q against shares p of the
whole table:

* distinct l: m. entropy l: exp of the entropy of q. recursive (c, l): the table has it for every c above
  ``max r_1 / (r_l + ... + r_m)`` (Machanavajjhala et al.: l-Diversity, TKDD 2007, definition 4.2)
* alpha: the greatest q (Wong et al.: (alpha, k)-Anonymity, KDD 2006)
* basic beta: the greatest ``(q - p) / p``; enhanced beta: ``min(beta, -ln p)`` for the rarest value (Cao, Karras:
  Publishing Microdata with a Robust Privacy Guarantee, VLDB 2012; as pycanon has it)
* delta: the greatest ``|ln(q / p)|`` over values that the class has (Brickell, Shmatikov, KDD 2008)
* t: see `jobs.risk_classes.distances`

pycanon sorts counts the other way round for c, and rounds entropy l and c to whole numbers; ours are the definitions'.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from jobs.risk_classes.batch import Batch
from jobs.risk_classes.distances import distances
from jobs.risk_classes.whole import Numbers, Whole

NAMES = ("distinct_l", "entropy_l", "recursive_c", "alpha", "t", "basic_beta", "enhanced_beta", "delta")


@dataclasses.dataclass(frozen=True)
class Worst:
    """The worst of the classes seen so far; two merge into one. rises, falls: the greatest and the least q / p.
    ratios: the greatest ``r_1 / (r_l + ... + r_m)`` for l = 1, 2, ... up to `distinct`."""

    distinct: int
    entropy: float
    alpha: float
    t: float
    rises: float
    falls: float
    ratios: tuple[float, ...]

    @classmethod
    def of(cls, batch: Batch, whole: Whole) -> Worst:
        """Of a batch with at least one class."""
        against = batch.shares / whole.shares[batch.codes]
        return cls(
            int(batch.lengths.min()),
            float(batch.entropies.min()),
            float((batch.counts / batch.sizes[batch.classes]).max()),
            float(distances(batch, whole).max()),
            float(against.max()),
            float(against.min()),
            tuple(_ratios(batch).tolist()),
        )

    def __add__(self, other: Worst) -> Worst:
        ratios = tuple(map(max, zip(self.ratios, other.ratios, strict=False)))
        least = (min(self.distinct, other.distinct), min(self.entropy, other.entropy))
        most = (max(self.alpha, other.alpha), max(self.t, other.t), max(self.rises, other.rises))
        return Worst(*least, *most, min(self.falls, other.falls), ratios)

    def as_data(self, whole: Whole, l: int | None = None) -> dict[str, Any]:  # noqa: E741 - l-diversity is called so
        """The measures by name. l: of recursive (c, l); left out, `distinct`. c is None where l is 1, for which it says
        nothing, and where a class has fewer values than l, for which there is none."""
        at = self.distinct if l is None else l
        beta = self.rises - 1
        return {
            "distinct_l": self.distinct,
            "entropy_l": math.exp(self.entropy),
            "recursive_c": self.ratios[at - 1] if 2 <= at <= self.distinct else None,
            "alpha": self.alpha,
            "t": self.t,
            "basic_beta": beta,
            "enhanced_beta": min(beta, -math.log(whole.shares.min())),
            "delta": max(math.log(self.rises), -math.log(self.falls)),
        }


def _ratios(batch: Batch) -> Numbers:
    """The greatest ratio over all classes for each l that each of them has."""
    most = int(batch.counts.max())
    counts = most - np.sort(batch.classes * (most + 1) + most - batch.counts) % (most + 1)  # of each class, descending
    up_to = np.cumsum(counts)
    ends = np.add.accumulate(batch.totals)
    rest = ends[batch.classes] - up_to + counts  # this count and all smaller ones of the class
    ratios = counts[batch.starts][batch.classes] / rest
    many = int(batch.lengths.min())
    rank = np.arange(len(counts)) - batch.starts[batch.classes]
    greatest = np.zeros(many)
    near = rank < many
    np.maximum.at(greatest, rank[near], ratios[near])
    return greatest
