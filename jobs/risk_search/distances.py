"""How far the sensitive values of each class are from those of the whole table, and how mixed they are.

What is here of a class is, for the union of classes, at most (distances) or at least (entropy) the mean of theirs
weighted by rows, since it is convex, or concave, in the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jobs.risk_search.classes import Pairs
from jobs.risk_search.grouping import Flags, Floats, Ints, added


def distinct(pairs: Pairs, classes: int) -> Ints:
    """How many different values each class has."""
    return np.bincount(pairs.of, minlength=classes)


def entropy(pairs: Pairs, rows: Ints) -> Floats:
    """The entropy of the values in each class, in natural units: its exponential is the l of entropy l-diversity."""
    share = pairs.rows / rows[pairs.of]
    return added(pairs.of, -share * np.log(share), len(rows))


def total_variation(pairs: Pairs, rows: Ints, whole: Ints) -> Floats:
    """Half the sum of the differences of shares; equal to the earth mover's distance where all values are equally far.

    whole: how many rows of the table have each value.
    """
    more = pairs.rows / rows[pairs.of] - (whole / whole.sum())[pairs.value]
    return added(pairs.of, np.maximum(more, 0), len(rows))


def in_hierarchy(pairs: Pairs, rows: Ints, whole: Ints, levels: Sequence[Ints]) -> Floats:
    """The earth mover's distance in a hierarchy (Li et al., 2007): two values are as far apart as the level is high at
    which they meet first, as a share of all levels. In a tree that is the mean of the total variation at each level.

    levels: of each value the group at each level, from the value itself up to the last one below where all are one.
    """
    found = np.zeros(len(rows))
    for group in levels:
        at_level = np.bincount(group, whole).astype(np.int64)
        found += total_variation(pairs.joined(group), rows, at_level)
    return found / len(levels)


def earth_movers(pairs: Pairs, rows: Ints, whole: Ints) -> Floats:
    """The earth mover's distance over ranks, the first and the last of which are 1 apart (Li et al., 2007).

    It is the mean over all ranks but the last of how far the shares up to there are apart. Between two ranks that a
    class has its share does not change while the table's grows: so there sums over the table suffice.
    """
    last = len(whole) - 1
    if last < 1:
        return np.zeros(len(rows))
    table = np.cumsum(whole / whole.sum())
    sums = np.append(0.0, np.cumsum(table))
    first = np.append(True, pairs.of[1:] != pairs.of[:-1])
    ends = np.append(first[1:], True)
    until = np.where(ends, last, np.append(pairs.value[1:], last))
    here = _shares_up_to(pairs, rows, first)
    there = np.clip(np.searchsorted(table, here), pairs.value, until)  # from here on the table's share is the greater
    apart = here * (there - pairs.value) - (sums[there] - sums[pairs.value])
    apart += (sums[until] - sums[there]) - here * (until - there)
    before = np.where(first, sums[pairs.value], 0.0)
    return added(pairs.of, apart + before, len(rows)) / last


def _shares_up_to(pairs: Pairs, rows: Ints, first: Flags) -> Floats:
    """What share of its class each pair and those before it have."""
    total = np.cumsum(pairs.rows)
    start = np.maximum.accumulate(np.where(first, total - pairs.rows, 0))
    shares: Floats = (total - start) / rows[pairs.of]
    return shares
