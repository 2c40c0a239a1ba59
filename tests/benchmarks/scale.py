"""Whether seconds grow as rows do and memory does not; and arrays of many elements, beside as many rows."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from jobs import pseudonymize
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock, in_turn
from tests.helpers import lakes, processes

ROWS = (1, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000)
"""The first tells what a run costs that has next to nothing to do."""

ELEMENTS, IN_A_ROW = 10_000_000, 10_000
"""A row of more than 64 MiB is left to Spark's path."""
HASHED = lakes.column({"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "crm"}, "direct_identifier")
MB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Row:
    """seconds: by the clock, the median. worker, jvm: the most memory, in MB, that the biggest Python process and the
    JVM have held since they began; runs are made from the smallest table to the greatest."""

    rows: int
    seconds: float
    worker: int
    jvm: int


def measure(folder: Path, part: float, turns: int, cores: int, say: Callable[[str], None]) -> list[Row]:
    """part: of the rows that are measured in earnest."""
    spark = tables.session(cores)
    try:
        return [grown(spark, folder / str(rows), max(int(rows * part), 1), turns, say) for rows in ROWS]
    finally:
        spark.stop()


def grown(spark: SparkSession, folder: Path, rows: int, turns: int, say: Callable[[str], None]) -> Row:
    source, clock = folder / "raw" / tables.TABLE, ProcessorClock()
    tables.make_source(spark, source, rows)
    case = tables.job(spark, folder / "made", source, "AES-CMAC")
    found, worker, jvm = [], 0, 0
    for turn in range(turns + 1):  # the first to warm up
        shutil.rmtree(case.target, ignore_errors=True)
        found.append(clock.measure(case.run).clock)
        worker, jvm = max(worker, peak(python=True)), max(jvm, peak(python=False))
        say(f"{rows:,} rows, turn {turn}: {found[-1]:.2f} s, worker {worker:,} MB, JVM {jvm:,} MB")
    shutil.rmtree(folder)
    return Row(rows, statistics.median(found[1:]), worker, jvm)


def peak(*, python: bool) -> int:
    """The most memory that one of the processes below this one has held, in MB."""
    found = [0]
    for process in processes.below(psutil.Process()):
        name = processes.asked(process, psutil.Process.name) or ""
        if (name != "java") == python:
            found.append(processes.most_memory(process.pid) >> 20)
    return max(found)


def as_text(rows: Sequence[Row], cores: int) -> str:
    """The lines of a report."""
    least = rows[0].seconds
    head = [f"## Rows and seconds: Delta to Delta, 4 of 9 columns by AES-CMAC, {cores} core(s)", ""]
    head += ["| rows | seconds | ns a row, beyond one row's run | worker's peak, MB | JVM's peak, MB (4 GB heap) |"]
    head += ["|--:|--:|--:|--:|--:|"]
    lines = [
        f"| {r.rows:,} | {r.seconds:.2f} | {1e9 * (r.seconds - least) / r.rows:,.0f} | {r.worker:,} | {r.jvm:,} |"
        for r in rows
    ]
    return "\n".join([*head, *lines])


@dataclasses.dataclass(frozen=True)
class Elements:
    """Seconds by the clock, each turn's ratio in the middle. worker: as of `Row`."""

    count: int
    flat: float
    nested: float
    ratio: float
    worker: int


def measure_elements(folder: Path, part: float, turns: int, say: Callable[[str], None]) -> Elements:
    """The same texts as a row each, and as the elements of arrays of structs, `IN_A_ROW` each."""
    spark = tables.session(1)
    try:
        return elements(spark, folder, int(ELEMENTS * part), turns, say)
    finally:
        spark.stop()


def elements(spark: SparkSession, folder: Path, count: int, turns: int, say: Callable[[str], None]) -> Elements:
    numbers = pa.array(np.arange(count) * 7919 + 10_000_000).cast(pa.string())
    structs = pa.StructArray.from_arrays([numbers], ["phone"])
    bounds = np.append(np.arange(0, count, IN_A_ROW), count)
    array = pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), structs)
    made = {
        "flat": (pa.table({"phone": numbers}), {"phone": HASHED}),
        "nested": (pa.table({"items": array}), {"items[].phone": HASHED}),
    }
    cases = {}
    for name, (rows, columns) in made.items():
        (folder / name / "raw" / "t").mkdir(parents=True)
        pq.write_table(rows, folder / name / "raw" / "t" / "a.parquet")
        cases[name] = lakes.configured(folder / name, lakes.table("t", folder / name, columns))
    clock, worker = ProcessorClock(), 0
    found: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(turns + 1):  # the first to warm up
        for name in in_turn(cases, turn):
            shutil.rmtree(folder / name / "treated", ignore_errors=True)
            run = functools.partial(pseudonymize.run, spark, cases[name], "t", execution="columnar")
            found[name].append(clock.measure(run).clock)
            worker = max(worker, peak(python=True))
            say(f"{name}, turn {turn}: {found[name][-1]:.2f} s, worker {worker:,} MB")
    flat, nested = found["flat"][1:], found["nested"][1:]
    ratio = statistics.median(mine / its for mine, its in zip(nested, flat, strict=True))
    return Elements(count, statistics.median(flat), statistics.median(nested), ratio, worker)


def elements_as_text(found: Elements) -> str:
    """The lines of a report."""
    head = [f"## {found.count:,} structs in arrays of {IN_A_ROW:,}, beside as many rows: Delta to Delta, one core", ""]
    head += ["| rows, s | arrays, s | ratio (aim 1.3) | worker's peak, MB |", "|--:|--:|--:|--:|"]
    line = f"| {found.flat:.2f} | {found.nested:.2f} | {found.ratio:.2f} | {found.worker:,} |"
    return "\n".join([*head, line])
