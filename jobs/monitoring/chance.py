"""Which categories are new beyond doubt, where those of fewer than ten rows of a baseline have no name in it.

Such a one may have had up to nine rows. Of one rate, of ``b`` rows then and ``m`` now, those of now are binomial among
all ``b + m`` of them, with the share that the tables' sizes have (Przyborowski, Wilenski, Biometrika 31, 1940). The
least ``b`` that makes ``m`` no rarer than once in ten thousand, for all categories of a column together, is what the
category needs; all that they need together has to fit into what the baseline has without a name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from jobs.risk_measures.report import SMALL

RARE = 1e-4


def unexplained(counts: Sequence[int], rest: int, growth: float) -> list[int]:
    """Of the counts of categories without a name in the baseline those that are new, the least part of them that chance
    leaves. rest: how many rows without a name it has. growth: how many times as many values the table has now."""
    rare = RARE / max(1, len(counts))
    found, needs, left = list[int](), list[tuple[int, int]](), rest
    for count in counts:
        need = _need(count, growth, rare, min(rest, SMALL - 1))
        if need is None:
            found.append(count)
        else:
            needs.append((need, count))
    for need, count in sorted(needs, key=lambda each: each[0] / each[1]):
        if need <= left:
            left -= need
        else:
            found.append(count)
    return found


def _need(count: int, growth: float, rare: float, most: int) -> int | None:
    """The least number of rows in the baseline that makes a count no rarer; None where none up to ``most`` does."""
    return next((before for before in range(most + 1) if _chance(before, count, growth) >= rare), None)


def _chance(before: int, now: int, growth: float) -> float:
    """How often at most so many of ``before + now`` rows are the baseline's."""
    both = before + now
    return sum(
        math.exp(
            math.lgamma(both + 1)
            - math.lgamma(each + 1)
            - math.lgamma(both - each + 1)
            + (both - each) * math.log(growth)
            - both * math.log1p(growth)
        )
        for each in range(before + 1)
    )
