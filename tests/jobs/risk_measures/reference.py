"""The measures by their definitions, one value after the other: what ours are held against."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

Class = Mapping[int, int]
"""How often a class has each value, by its place in order."""


def spread(classes: Sequence[Class], places: int) -> list[float]:
    """The share of each value in the whole table."""
    total = sum(sum(each.values()) for each in classes)
    return [sum(each.get(place, 0) for each in classes) / total for place in range(places)]


def shares(each: Class, places: int) -> list[float]:
    return [each.get(place, 0) / sum(each.values()) for place in range(places)]


def total_variation(q: Sequence[float], p: Sequence[float]) -> float:
    return sum(abs(one - other) for one, other in zip(q, p, strict=True)) / 2


def by_rank(q: Sequence[float], p: Sequence[float]) -> float:
    return sum(abs(sum(q[: i + 1]) - sum(p[: i + 1])) for i in range(len(q))) / max(len(q) - 1, 1)


def by_tree(q: Sequence[float], p: Sequence[float], paths: Sequence[Sequence[str]]) -> float:
    """Li et al., section 4.2: by recursion from the root. paths: of each value the nodes above it, the root last."""
    height, cost = len(paths[0]), 0.0

    def extra(node: tuple[str, ...], at: int) -> float:
        """What the leaves below a node, which is at a height, have too much."""
        nonlocal cost
        if at == 0:
            place = [tuple(each) for each in named].index(node)
            return q[place] - p[place]
        children = {tuple(each[at - 1 :]) for each in named if tuple(each[at:]) == node}
        found = [extra(child, at - 1) for child in sorted(children)]
        above, below = sum(max(each, 0) for each in found), sum(max(-each, 0) for each in found)
        cost += at / height * min(above, below)
        return sum(found)

    named = [(str(place), *path) for place, path in enumerate(paths)]
    extra((paths[0][-1],), height)
    return cost


def worst(classes: Sequence[Class], p: Sequence[float], t: Sequence[float]) -> dict[str, Any]:
    """All measures but t, which comes as the distance of each class."""
    distinct = min(len(each) for each in classes)
    ratios = [sorted(each.values(), reverse=True) for each in classes]
    found = [(q, p[place]) for each in classes for place, q in enumerate(shares(each, len(p))) if q > 0]
    beta = max((q - whole) / whole for q, whole in found)
    return {
        "distinct_l": distinct,
        "entropy_l": min(math.exp(-sum(q * math.log(q) for q in shares(each, len(p)) if q)) for each in classes),
        "recursive_c": max(counts[0] / sum(counts[distinct - 1 :]) for counts in ratios) if distinct > 1 else None,
        "alpha": max(q for q, _ in found),
        "t": max(t),
        "basic_beta": beta,
        "enhanced_beta": min(beta, -math.log(min(p))),
        "delta": max(abs(math.log(q / whole)) for q, whole in found),
    }


def classes_of(keys: Sequence[Hashable], codes: Sequence[int]) -> list[Class]:
    found: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for key, code in zip(keys, codes, strict=True):
        found[key][code] += 1
    return list(found.values())
