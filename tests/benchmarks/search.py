"""How soon the least generalization is found: Adult's nine quasi-identifiers, its hierarchies, k = 10, l = 2, t = 0.5.

Of the Census of 1994 itself, where a folder holds it as ARX has it (``data/adult*.csv`` of its repository), or else of
as many rows with the same columns and levels, each value as often as there, but drawn for each column by itself. The
sensitive column is drawn in both cases.
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
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from jobs.configuration import hierarchy_file
from jobs.risk_search import class_table, ladders, losses, search
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.search import Found
from jobs.risk_search.wish import Wish
from tests.benchmarks.tables import SETTINGS, session

ROWS = 30_162
LEVELS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "sex": ((20_380, 9782), ()),
    "race": ((25_933, 2817, 895, 286, 231), ()),
    "marital-status": ((14_065, 9726, 4214, 939, 827, 370, 21), (2,)),
    "education": (
        (9840, 6678, 5044, 1627, 1307, 1048, 1008, 820, 557, 542, 455, 377, 375, 288, 151, 45),
        (5, 3),
    ),
    "native-country": (
        (27_504, 610, 188, 128, 109, 107, 100, 100, 92, 86, 80, 71, 68, 68, 67, 64, 63, 59, 56, 56, 42, 42, 42, 34, 33,
         30, 29, 27, 27, 24, 19, 18, 18, 17, 17, 16, 14, 13, 12, 11, 1),
        (5,),
    ),
    "workclass": ((22_286, 2499, 2067, 1279, 1074, 943, 14), (3,)),
    "occupation": ((4038, 4030, 3992, 3721, 3584, 3212, 1966, 1572, 1350, 989, 912, 644, 143, 9), (4,)),
    "salary-class": ((22_654, 7508), ()),
}  # fmt: skip
"""Of each column how often each value is there, among the 30,162 rows of the Census of 1994 that lack no value, and how
many groups there are at each level between the values and all together."""
AGE, ILLNESS, ILLNESSES = "age", "illness", 12
QUASI = (AGE, *LEVELS)
TARGET = "k = 10, l = 2, t = 0.5"
WISHES = {
    "k = 10": Wish(k=10),
    TARGET: Wish(k=10, l={ILLNESS: 2}, t={ILLNESS: 0.5}),
    "k = 10, l = 2, t = 0.5, 2 % left out": Wish(k=10, l={ILLNESS: 2}, t={ILLNESS: 0.5}, suppressed=0.02),
}


class Data(NamedTuple):
    rows: pa.Table
    ladders: Mapping[str, Ladder]


class Row(NamedTuple):
    """seconds: of the search alone. breadth_first, exhaustive: checks of the two other ways, the second None where it
    was not tried. same: whether they found as little loss."""

    wish: str
    measure: str
    found: Found
    seconds: float
    breadth_first: int
    exhaustive: int | None
    same: bool


class Measured(NamedTuple):
    """classes: combinations of values. counting: seconds from the file to them, in a session that has
    answered one other query."""

    classes: int
    counting: float
    rows: Sequence[Row]

    @property
    def whole(self) -> float:
        """Seconds from the file to the answer, of the wish that has a target."""
        return self.counting + self.asked.seconds

    @property
    def asked(self) -> Row:
        return next(row for row in self.rows if (row.wish, row.measure) == (TARGET, next(iter(losses.MEASURES))))


def measure(folder: Path, adult: Path | None, cores: int, say: Callable[[str], None]) -> Measured:
    data = drawn(ROWS) if adult is None else read(adult)
    pq.write_table(data.rows, folder / "adult.parquet")
    spark = session(cores, SETTINGS)
    try:
        return measured(spark, folder / "adult.parquet", data.ladders, WISHES, say)
    finally:
        spark.stop()


def measured(
    spark: SparkSession,
    rows: Path,
    ladders: Mapping[str, Ladder],
    wishes: Mapping[str, Wish],
    say: Callable[[str], None],
) -> Measured:
    spark.read.parquet(str(rows)).groupBy(AGE).count().collect()  # a JVM's first query takes seconds, whatever it asks
    start = time.perf_counter()
    table = class_table.count(spark.read.parquet(str(rows)), QUASI, [ILLNESS])
    counting, found = time.perf_counter() - start, []
    for name, wish in wishes.items():
        for by in losses.MEASURES:
            start = time.perf_counter()
            paths = search.search(table, ladders, wish, by)
            seconds = time.perf_counter() - start
            others = [search.search(table, ladders, wish, by, "breadth_first")]
            if (name, by) == (TARGET, next(iter(losses.MEASURES))):
                others.append(search.search(table, ladders, wish, by, "exhaustive"))
            same = all(np.isclose(paths.best.loss, other.best.loss, rtol=1e-9) for other in others)
            checks = [other.checks for other in others]
            found.append(Row(name, by, paths, seconds, checks[0], checks[1] if len(checks) > 1 else None, same))
            say(f"{name}, {by}: {seconds:.2f} s, {paths.checks} checks")
    return Measured(len(table.base), counting, found)


def drawn(rows: int, seed: int = 7) -> Data:
    """Rows drawn from a seed, of each column by itself; ages have the mean and the deviation of the Census's."""
    draw = np.random.default_rng(seed)
    ages = np.clip(draw.gamma(2.67, 8.02, rows).astype(int) + 17, 17, 90)
    columns, built = {AGE: pa.array(ages)}, {AGE: ladders.intervals((5, 10, 20))}
    for name, (counts, levels) in LEVELS.items():
        values = draw.choice(len(counts), rows, p=np.array(counts) / ROWS)
        columns[name] = pa.array([f"{name} {value}" for value in values])
        built[name] = ladders.hierarchy(_hierarchy(name, len(counts), levels), f"{name}.csv")
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
    of = "as many rows as Adult has, drawn from its counts" if adult is None else "Adult, as ARX has it"
    nodes = found.rows[0].found.nodes
    head = [f"### The least generalization: {of}, {len(QUASI)} quasi-identifiers", ""]
    head += [f"{found.classes:,} combinations, counted by Spark in {found.counting:.1f} s; {nodes:,} nodes."]
    head += [f"From the rows to the answer, {TARGET}: {found.whole:.1f} s beyond Spark's start.", ""]
    head += ["| asked | least | search, s | checks | roll-ups | checks, breadth first | of every node | left out "
             "| the same loss |"]  # fmt: skip
    head += ["|---|---|--:|--:|--:|--:|--:|--:|---|"]
    return "\n".join([*head, *map(_line, found.rows), ""])


def _line(row: Row) -> str:
    of_all = "" if row.exhaustive is None else f"{row.exhaustive:,}"
    checks = f"{row.found.checks:,} | {row.found.roll_ups:,} | {row.breadth_first:,} | {of_all}"
    left_out, same = f"{row.found.best.suppressed:.2%}", "yes" if row.same else "**no**"
    return f"| {row.wish} | {row.measure.replace('_', ' ')} | {row.seconds:.2f} | {checks} | {left_out} | {same} |"
