"""How far the spread of a sensitive column within each class is from that in the whole table, for t-closeness.

Li, Li, Venkatasubramanian: t-Closeness: Privacy Beyond k-Anonymity and l-Diversity, ICDE 2007, section 4: the earth
mover's distance, with the equal distance for categories (which is the total variation), the ordered distance by rank
for numbers, the hierarchical one where categories have a hierarchy. Values that a class lacks are never gone through:
all three are summed over those that it has.

All three are convex in the spread: the distance of a union of classes is at most the mean of theirs weighted by rows.
"""

from __future__ import annotations

import numpy as np

from jobs.risk_classes.batch import Batch
from jobs.risk_classes.grouping import added, numbered
from jobs.risk_classes.whole import Numbers, Whole


def distances(batch: Batch, whole: Whole) -> Numbers:
    """The distance of each class of the batch, from 0 to 1."""
    if len(whole.counts) < 2:
        return np.zeros(len(batch))
    if whole.parents:
        return hierarchical(batch, whole)
    return ordered(batch, whole) if whole.ordered else equal(batch, whole)


def equal(batch: Batch, whole: Whole) -> Numbers:
    """Half the sum of absolute differences, which is the sum of those that are above zero."""
    return batch.summed(np.maximum(batch.shares - whole.shares[batch.codes], 0))


def ordered(batch: Batch, whole: Whole) -> Numbers:
    """``sum |Q_i - P_i| / (m - 1)`` of shares summed up to place i. Between two values that a class has, Q stands still
    and P grows: where they cross is looked up, and both sides of it are differences of sums."""
    size, sums, own = len(whole.counts), whole.sums, batch.up_to
    begin, end = batch.codes, batch.next_codes(size)
    cross = np.clip(np.searchsorted(whole.up_to, own, side="right"), begin, end)
    below = own * (cross - begin) - (sums[cross] - sums[begin])
    above = sums[end] - sums[cross] - own * (end - cross)
    return np.asarray((batch.summed(below + above) + sums[batch.first_codes]) / (size - 1), np.float64)


def hierarchical(batch: Batch, whole: Whole) -> Numbers:
    """Two values are as far apart as the level at which they meet first, as a share of all levels. In a tree that is
    the mean of the equal distance at each level, from the values themselves up to the last one below the root."""
    found = equal(batch, whole)
    for parents in whole.parents[:-1]:
        nodes = int(parents.max()) + 1
        keys = batch.classes * nodes + parents[batch.codes]
        at, first = numbered(keys, len(batch) * nodes)
        of, node = np.divmod(keys[first], nodes)
        more = added(at, batch.shares, len(first)) - added(parents, whole.shares, nodes)[node]
        found += added(of, np.maximum(more, 0), len(batch))
    return found / len(whole.parents)
