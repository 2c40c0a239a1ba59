"""How soon the least generalization is found: Adult's nine quasi-identifiers, its hierarchies, k = 10, l = 2, t = 0.5.

Of the Census of 1994 itself, where a folder holds it as ARX has it (``data/adult*.csv`` of its repository), or else of
as many rows with the same columns and levels, drawn from a seed. The sensitive column is drawn in both cases.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from pyspark.sql import SparkSession

from jobs.configuration import hierarchy_file
from jobs.risk_search import class_table, ladders, losses, search
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.search import Found
from jobs.risk_search.wish import Wish
from tests.benchmarks.tables import session

ROWS = 30_162
LEVELS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "sex": (2, ()),
    "race": (5, ()),
    "marital-status": (7, (2,)),
    "education": (16, (5, 3)),
    "native-country": (41, (5,)),
    "workclass": (8, (3,)),
    "occupation": (14, (4,)),
    "salary-class": (2, ()),
}
"""Of each column how many values there are, and how many groups at each level between them and all together."""
AGE, ILLNESS, ILLNESSES = "age", "illness", 12
QUASI = (AGE, *LEVELS)
WISHES = {
    "k = 10": Wish(k=10),
    "k = 10, l = 2, t = 0.5": Wish(k=10, l={ILLNESS: 2}, t={ILLNESS: 0.5}),
    "k = 10, l = 2, t = 0.5, 2 % left out": Wish(k=10, l={ILLNESS: 2}, t={ILLNESS: 0.5}, suppressed=0.02),
}


class Data(NamedTuple):
    rows: pa.Table
    ladders: Mapping[str, Ladder]


class Row(NamedTuple):
    """seconds: of the search alone. breadth_first: its checks. same: whether that found as little loss."""

    wish: str
    measure: str
    found: Found
    seconds: float
    breadth_first: int
    same: bool


class Measured(NamedTuple):
    """classes: combinations of values. counting: seconds that Spark took for them, in a session that is new."""

    classes: int
    counting: float
    rows: Sequence[Row]


def measure(adult: Path | None, cores: int, say: Callable[[str], None]) -> Measured:
    spark = session(cores, {})
    try:
        data = drawn(ROWS) if adult is None else read(adult)
        return measured(spark, data, WISHES, say)
    finally:
        spark.stop()


def measured(spark: SparkSession, data: Data, wishes: Mapping[str, Wish], say: Callable[[str], None]) -> Measured:
    frame = spark.createDataFrame(data.rows)
    start = time.perf_counter()
    table = class_table.count(frame, QUASI, [ILLNESS])
    counting, rows = time.perf_counter() - start, []
    for name, wish in wishes.items():
        for by in losses.MEASURES:
            start = time.perf_counter()
            found = search.search(table, data.ladders, wish, by)
            seconds = time.perf_counter() - start
            other = search.search(table, data.ladders, wish, by, "breadth_first")
            same = bool(np.isclose(found.best.loss, other.best.loss, rtol=1e-9))
            rows.append(Row(name, by, found, seconds, other.checks, same))
            say(f"{name}, {by}: {seconds:.2f} s, {found.checks} checks")
    return Measured(len(table.base), counting, rows)


def drawn(rows: int, seed: int = 7) -> Data:
    """Rows drawn from a seed: few values are frequent, and ages and illnesses go with the columns beside them."""
    draw = np.random.default_rng(seed)
    ages = np.clip(draw.gamma(5.0, 4.6, rows).astype(int) + 17, 17, 90)
    columns, built = {AGE: pa.array(ages)}, {AGE: ladders.intervals((5, 10, 20))}
    for name, (values, levels) in LEVELS.items():
        columns[name] = pa.array([f"{name} {value}" for value in _frequent(draw, values, rows, ages)])
        built[name] = ladders.hierarchy(_hierarchy(name, values, levels), f"{name}.csv")
    return Data(_with_illness(pa.table(columns), draw, ages), built)


def _frequent(draw: np.random.Generator, values: int, rows: int, ages: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Ranks by a law of Zipf, of old people moved by one."""
    chances = 1 / np.arange(1, values + 1) ** 1.6
    return (draw.choice(values, rows, p=chances / chances.sum()) + (ages > 55)) % values


def _hierarchy(name: str, values: int, levels: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Of each level the groups are parted evenly among those of the next, and at last all are one."""
    columns = [[*range(values)]]
    for finer, coarser in pairwise((values, *levels, 1)):
        columns.append([group * coarser // finer for group in columns[-1]])
    return tuple((f"{name} {value}", *map(str, groups)) for value, *groups in zip(*columns, strict=True))


def _with_illness(rows: pa.Table, draw: np.random.Generator, ages: np.ndarray) -> pa.Table:  # type: ignore[type-arg]
    found = _frequent(draw, ILLNESSES, len(rows), ages)
    return rows.append_column(ILLNESS, pa.array([f"illness {each}" for each in found]))


def read(folder: Path) -> Data:
    """The table and the hierarchies of ARX."""
    options = pyarrow.csv.ParseOptions(delimiter=";")
    rows = pyarrow.csv.read_csv(folder / "adult.csv", parse_options=options).select(list(QUASI))
    built = {}
    for name in QUASI:
        faults: list[hierarchy_file.Fault] = []
        levels = hierarchy_file.read(folder / f"adult_hierarchy_{name}.csv", name, faults)
        if levels is None:
            raise RuntimeError("\n".join(map(str, faults)))
        built[name] = ladders.hierarchy(levels, f"{name}.csv")
    return Data(_with_illness(rows, np.random.default_rng(7), rows[AGE].to_numpy()), built)


def as_text(found: Measured, adult: Path | None) -> str:
    """The lines of a report."""
    of = "rows drawn from a seed" if adult is None else "Adult, as ARX has it"
    nodes = found.rows[0].found.nodes
    head = [f"## The least generalization: {of}, {len(QUASI)} quasi-identifiers", ""]
    head += [f"{found.classes:,} combinations, counted by Spark in {found.counting:.1f} s; {nodes:,} nodes.", ""]
    head += ["| asked | least | search, s | checks | roll-ups | checks, breadth first | left out | the same loss |"]
    head += ["|---|---|--:|--:|--:|--:|--:|---|"]
    return "\n".join([*head, *map(_line, found.rows)])


def _line(row: Row) -> str:
    checks = f"{row.found.checks:,} | {row.found.roll_ups:,} | {row.breadth_first:,}"
    left_out, same = f"{row.found.best.suppressed:.2%}", "yes" if row.same else "**no**"
    return f"| {row.wish} | {row.measure.replace('_', ' ')} | {row.seconds:.2f} | {checks} | {left_out} | {same} |"
