"""The population stability index: how far a distribution moved from what it was.

``sum over bins of (p - q) * ln(p / q)``, of the shares now and then (Siddiqi, Credit Risk Scorecards, Wiley 2006; in
statistics it is Jeffreys' divergence). By its usual rule of thumb less than 0.1 is no change, from 0.25 on a large one.

A bin of fewer than ten rows counts as one of ten, in both tables: so no logarithm of 0 is taken, and no index tells how
few there are. Bins that are empty in both do not count.

Of two samples of one distribution the index is about ``(1/n + 1/m)`` times a chi-square of one degree fewer than there
are bins (Yurdakul, Naranjo, Statistical properties of the population stability index, Journal of Risk Model Validation
14(4), 2020): what of few rows in many bins is no change, however large it is. `by_chance` is what it is above once in
ten thousand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from jobs.risk_measures.report import SMALL

DEVIATIONS = 3.719
"""Of a normal distribution, beyond which is one of ten thousand."""


def index(before: Sequence[int], now: Sequence[int]) -> float:
    """Of counts in the same bins. Equal counts give 0 exactly; a table without values, too."""
    pairs = [tuple(max(count, SMALL) for count in pair) for pair in zip(before, now, strict=True) if any(pair)]
    whole = sum(was for was, _ in pairs), sum(one for _, one in pairs)
    shares = ((one / whole[1], was / whole[0]) for was, one in pairs)
    return sum((p - q) * math.log(p / q) for p, q in shares)


def by_chance(before: Sequence[int], now: Sequence[int]) -> float:
    """What the index is above once in ten thousand, if nothing changed; by Wilson's and Hilferty's approximation."""
    degrees = sum(1 for pair in zip(before, now, strict=True) if any(pair)) - 1
    if degrees < 1:
        return 0.0
    part = 2 / (9 * degrees)
    quantile = degrees * (1 - part + DEVIATIONS * math.sqrt(part)) ** 3
    return quantile * (1 / max(sum(before), 1) + 1 / max(sum(now), 1))
