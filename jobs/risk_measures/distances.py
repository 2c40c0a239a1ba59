"""How far the spread of a sensitive column within each class is from that in the whole table, for t-closeness.

Li, Li, Venkatasubramanian: t-Closeness: Privacy Beyond k-Anonymity and l-Diversity, ICDE 2007, section 4: the earth
mover's distance, with the equal distance for categories (which is the total variation), the ordered distance by rank
for numbers, the hierarchical one where categories have a hierarchy. Values that a class lacks are never gone through:
all three are summed over those that it has.
"""

from __future__ import annotations

import numpy as np

from jobs.risk_measures.batch import Batch
from jobs.risk_measures.whole import Numbers, Whole


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
    """The sum over all nodes of what must cross between children of the node, times the share of the whole height at
    which it stands. What crosses: what some children have too much or what others lack, whichever is less."""
    moved, height = np.zeros(len(batch)), len(whole.parents)
    first, own = np.arange(len(batch.codes)), batch.shares  # of each child: one of its values, its share of the class
    extra = own - whole.shares[batch.codes]
    for level, parents in enumerate(whole.parents, 1):
        nodes = int(parents.max()) + 1
        keys = batch.classes[first] * nodes + parents[batch.codes[first]]
        keys, one, at = np.unique(keys, return_index=True, return_inverse=True)
        too_much = np.bincount(at, np.maximum(extra, 0))
        first, own = first[one], np.asarray(np.bincount(at, own), np.float64)
        extra = own - np.bincount(parents, whole.shares)[keys % nodes]
        moved += level / height * np.bincount(keys // nodes, np.minimum(too_much, too_much - extra), len(batch))
    return np.maximum(moved, 0)
