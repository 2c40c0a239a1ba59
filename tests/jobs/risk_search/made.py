"""Small tables to search, and what their nodes are by definition: counted row by row, in plain Python."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from jobs.risk_search import class_table, ladders
from jobs.risk_search.class_table import ClassTable
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.wish import Wish

PLACES = (
    ("Delft", "South", "Netherlands"),
    ("Leiden", "South", "Netherlands"),
    ("Utrecht", "Middle", "Netherlands"),
    ("Ghent", "Flanders", "Belgium"),
)
LADDERS: Mapping[str, Ladder] = {
    "age": ladders.intervals((2, 4)),
    "zip": ladders.prefixes((2, 1)),
    "place": ladders.hierarchy(PLACES, "places.csv"),
}
ILLNESSES = ladders.hierarchy((("a", "lungs"), ("b", "lungs"), ("c", "skin")), "illnesses.csv")
Row = tuple[Any, ...]


def table(rows: list[Row], **options: Any) -> ClassTable:
    """Rows of age, zip, place, an illness and a wage. options: of `class_table.from_arrow`."""
    columns = dict(zip(("age", "zip", "place", "illness", "wage"), zip(*rows, strict=True), strict=True))
    types = {"age": pa.int64(), "wage": pa.int64()}
    arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    return class_table.from_arrow(pa.table({**arrays, "rows": pa.array([1] * len(rows))}), 3, **options)


class Plain(NamedTuple):
    """What a node is: whether it reaches a wish, and what it loses, by measure."""

    node: tuple[int, ...]
    reaches: bool
    losses: Mapping[str, float]


def every_node(rows: list[Row], wish: Wish) -> Iterator[Plain]:
    treated = [_levels(name, [row[at] for row in rows]) for at, name in enumerate(LADDERS)]
    for node in itertools.product(*(range(len(levels)) for levels in treated)):
        yield _plain(node, rows, [levels[level] for levels, level in zip(treated, node, strict=True)], wish)


def _levels(name: str, values: list[Any]) -> list[list[Any]]:
    """What each row gets at each level, those that join nothing left out."""
    array = pa.array(values, pa.int64() if name == "age" else pa.string())
    found: list[list[Any]] = []
    for rung in LADDERS[name].rungs:
        given = rung.apply(array).to_pylist()
        if not found or len(set(given)) < len(set(found[-1])):
            found.append(given)
    return found


def _plain(node: tuple[int, ...], rows: list[Row], columns: list[list[Any]], wish: Wish) -> Plain:
    classes = defaultdict(list)
    for at, key in enumerate(zip(*columns, strict=True)):
        classes[key].append(at)
    out = {at for members in classes.values() if len(members) < wish.k for at in members}
    stay = [row for at, row in enumerate(rows) if at not in out]
    fails = any(_fails(members, rows, stay, wish) for members in classes.values() if len(members) >= wish.k)
    reaches = len(out) <= wish.suppressed * len(rows) + 1e-9 and not fails
    return Plain(node, reaches, dict(_losses(rows, columns, classes, out)))


def _fails(members: list[int], rows: list[Row], stay: list[Row], wish: Wish) -> bool:
    """Of a class that stays, beside all rows that do."""
    shares = {name: _shares([rows[at][place] for at in members]) for name, place in (("illness", 3), ("wage", 4))}
    whole = {name: _shares([row[place] for row in stay]) for name, place in (("illness", 3), ("wage", 4))}
    return (
        any(len(shares[name]) < least for name, least in wish.l.items())
        or any(_entropy(shares[name]) < math.log(least) - 1e-9 for name, least in wish.entropy_l.items())
        or any(distance(name, shares[name], whole[name]) > most + 1e-9 for name, most in wish.t.items())
    )


def _shares(values: list[Any]) -> dict[Any, float]:
    return {value: count / len(values) for value, count in Counter(values).items()}


def _entropy(shares: dict[Any, float]) -> float:
    return -sum(share * math.log(share) for share in shares.values())


def distance(name: str, shares: Mapping[Any, float], whole: Mapping[Any, float]) -> float:
    """Total variation of illnesses; of wages the earth mover's distance over ranks, null first."""
    apart = {value: shares.get(value, 0) - share for value, share in whole.items()}
    if name == "illness":
        return sum(map(abs, apart.values())) / 2
    ranked = sorted(whole, key=lambda value: (value is not None, value or 0))
    return sum(map(abs, itertools.accumulate(apart[value] for value in ranked))) / max(len(ranked) - 1, 1)


Losses = Iterator[tuple[str, float]]


def _losses(rows: list[Row], columns: list[list[Any]], classes: Mapping[Any, list[int]], out: set[int]) -> Losses:
    kept = [len(members) for members in classes.values() if members[0] not in out]
    yield "discernibility", (sum(size**2 for size in kept) + len(out) * len(rows)) / len(rows) ** 2
    yield "average_class_size", len(rows) / (len(kept) + bool(out))
    given = [[row[at] for row in rows] for at in range(len(columns))]
    cells = [(at, column) for at in range(len(rows)) for column in range(len(columns))]
    yield "certainty_penalty", sum(_width(given[c], columns[c], at, at in out) for at, c in cells) / len(cells)
    most = sum(math.log2(len(rows) / given[c].count(given[c][at])) for at, c in cells) or 1.0
    lost = sum(
        math.log2((len(rows) if at in out else columns[c].count(columns[c][at])) / given[c].count(given[c][at]))
        for at, c in cells
    )
    yield "nonuniform_entropy", lost / most


def _width(given: list[Any], column: list[Any], at: int, out: bool) -> float:
    """The certainty penalty of a cell."""
    together = {value for value, group in zip(given, column, strict=True) if group == column[at]}
    if out or (len(together) > 1 and together == set(given)):
        return 1.0
    if len(together) == 1:
        return 0.0
    if isinstance(given[at], int):
        numbers = [value for value in given if value is not None]
        return (max(together) - min(together)) / (max(numbers) - min(numbers))
    return len(together) / len(set(given))  # Xu et al., 2006: the leaves below the group's node over all leaves
