"""What it costs to measure how far a table singles people out, beside Spark's own ``groupBy(...).count()`` over the
same six columns; and how much of a wide table is read for it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from jobs import risk
from jobs.lake.delta_commit.scala import java_session
from tests.benchmarks import risk_gate, tables
from tests.benchmarks.timing import ProcessorClock, Run, Spent, in_turn

ROWS = 10_000_000
WIDE_ROWS, COLUMNS, FILES = 5_000_000, 800, 5
GATED, QUICK_GATED = 4_000_000, 400_000
QUICK_ROWS, QUICK_WIDE_ROWS, QUICK_COLUMNS = 1_000_000, 200_000, 100
QUASI = ("birth_year", "zip", "sex", "occupation", "education", "household")
SENSITIVE = ("diagnosis", "income")
PERSON, ROWS_OF_PERSON = "person", 3
COUNT, K, ALL = "Spark's `groupBy` of the six and `count()`", "**k and risks**", "**all measures**"
K_PEOPLE, ALL_PEOPLE = "**k and risks**, by people", "**all measures**, by people"
WIDE, NARROW = "all columns there", "those six alone there"
SETTINGS = {
    **tables.SETTINGS,
    "spark.ui.liveUpdate.period": "0",  # each task's bytes are told at once
    "spark.hadoop.parquet.hadoop.vectored.io.enabled": "false",  # bytes that other threads read are not counted
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One case's turns."""

    name: str
    turns: tuple[Spent, ...]

    def median(self, what: str) -> float:
        """The median of ``clock`` or ``processor`` seconds."""
        return statistics.median(getattr(turn, what) for turn in self.turns)

    def ratio(self, base: Row, what: str = "clock") -> float:
        """The median over the turns of these seconds divided by those of ``base``."""
        pairs = zip(self.turns, base.turns, strict=True)
        return statistics.median(getattr(mine, what) / getattr(its, what) for mine, its in pairs)


@dataclasses.dataclass(frozen=True)
class Read:
    """A table, of which six columns are measured. size: bytes of its files; read: those that tasks have read of it."""

    name: str
    columns: int
    size: int
    read: int
    row: Row


@dataclasses.dataclass(frozen=True)
class Measured:
    rows: int
    classes: int
    cases: Sequence[Row]
    wide_rows: int
    reads: Sequence[Read]
    gated_rows: int = 0
    gated: Sequence[Row] = ()


def measure(folder: Path, quick: bool, turns: int, cores: int, say: Callable[[str], None]) -> Measured:
    spark = tables.session(cores, SETTINGS)
    try:
        rows = QUICK_ROWS if quick else ROWS
        classes, cases = of_measures(spark, folder / "long", rows, turns, say)
        wide = (QUICK_WIDE_ROWS, QUICK_COLUMNS) if quick else (WIDE_ROWS, COLUMNS)
        reads = of_reading(spark, folder / "wide", *wide, turns, say)
        gated = QUICK_GATED if quick else GATED
        return Measured(rows, classes, cases, wide[0], reads, gated, of_gate(spark, folder / "gate", gated, turns, say))
    finally:
        spark.stop()


def of_measures(
    spark: SparkSession, folder: Path, rows: int, turns: int, say: Callable[[str], None]
) -> tuple[int, list[Row]]:
    """How many classes there are, and each way in turns: to count them by Spark, k alone, all measures, of rows and
    of people."""
    make_people(spark, folder, rows)
    frame = spark.read.parquet(str(folder))
    counted = frame.groupBy(*QUASI).count()
    found = _in_turns(
        {
            COUNT: lambda: counted.write.format("noop").mode("overwrite").save(),
            K: lambda: risk.measure(frame, QUASI),
            ALL: lambda: risk.measure(frame, QUASI, SENSITIVE),
            K_PEOPLE: lambda: risk.measure(frame, QUASI, subject=PERSON),
            ALL_PEOPLE: lambda: risk.measure(frame, QUASI, SENSITIVE, subject=PERSON),
        },
        turns,
        say,
    )
    return counted.count(), found


def make_people(spark: SparkSession, folder: Path, rows: int) -> None:
    """Few values are frequent, most are rare; two columns to keep to oneself, one of them with an order; and whose
    row it is, people of three rows on average."""

    def drawn(at: int, values: int) -> str:
        return f"int(pow(pmod(xxhash64(id, {at}), 1000003) / 1000003, 2) * {values})"

    spark.range(0, rows, 1, tables.FILES).selectExpr(
        f"1935 + {drawn(1, 70)} AS birth_year",
        f"lpad(string({drawn(2, 90)} + 10), 5, '0') AS zip",
        f"element_at(array('female', 'male', 'other'), {drawn(3, 3)} + 1) AS sex",
        f"concat('occupation ', {drawn(4, 14)}) AS occupation",
        f"concat('degree ', {drawn(5, 6)}) AS education",
        f"{drawn(6, 5)} AS household",
        f"concat('diagnosis ', {drawn(7, 60)}) AS diagnosis",
        f"{drawn(8, 150)} * 1000 AS income",
        f"pmod(xxhash64(id, 9), {rows // ROWS_OF_PERSON}) AS {PERSON}",
    ).write.parquet(str(folder))


def of_reading(
    spark: SparkSession, folder: Path, rows: int, columns: int, turns: int, say: Callable[[str], None]
) -> list[Read]:
    """The same measures of a table of many columns, and of one that has nothing but the six."""
    make_wide(folder / "all", folder / "six", rows, columns)
    frames = {WIDE: spark.read.parquet(str(folder / "all")), NARROW: spark.read.parquet(str(folder / "six"))}
    read: dict[str, list[int]] = {name: [] for name in frames}

    def measured(name: str) -> None:
        before = _bytes_read(spark)
        risk.measure(frames[name], QUASI)
        read[name].append(_bytes_read(spark) - before)

    cases: dict[str, Run] = {WIDE: lambda: measured(WIDE), NARROW: lambda: measured(NARROW)}
    found = _in_turns(cases, turns, say)
    sizes = {name: sum(file.stat().st_size for file in (folder / part).iterdir())
             for name, part in ((WIDE, "all"), (NARROW, "six"))}  # fmt: skip
    return [Read(row.name, len(frames[row.name].columns), sizes[row.name], max(read[row.name]), row) for row in found]


def of_gate(spark: SparkSession, folder: Path, rows: int, turns: int, say: Callable[[str], None]) -> list[Row]:
    """A run with and without the gate before its commit."""
    make_people(spark, folder / "source", rows)
    found = risk_gate.of_runs(spark, folder / "runs", folder / "source", QUASI, SENSITIVE, PERSON, turns, say)
    return [Row(name, spent) for name, spent in found.items()]


def make_wide(wide: Path, narrow: Path, rows: int, columns: int) -> None:
    """Files of whole numbers, the six quasi-identifiers somewhere in the middle of one of them."""
    wide.mkdir(parents=True)
    narrow.mkdir()
    draw = np.random.default_rng(7)
    many = rows // FILES
    others = [pa.array(draw.integers(0, 16, many, np.int32)) for _ in range(7)]
    for at in range(FILES):
        six = {name: pa.array(draw.integers(0, 4 + 9 * place, many, np.int32)) for place, name in enumerate(QUASI)}
        half = (columns - len(six)) // 2
        filled = {f"c{place}": others[place % len(others)] for place in range(columns - len(six))}
        names = [*list(filled)[:half], *six, *list(filled)[half:]]
        both = pa.table({name: six.get(name, filled.get(name)) for name in names})
        for folder, table in ((wide, both), (narrow, both.select(list(QUASI)))):
            pq.write_table(table, folder / f"{at}.parquet", row_group_size=many)


def _bytes_read(spark: SparkSession) -> int:
    """What all tasks so far have read of files, as Spark counts it."""
    context = java_session(spark).sparkContext()
    context.listenerBus().waitUntilEmpty()
    executors = context.statusStore().executorList(False)
    return sum(int(executors.apply(at).totalInputBytes()) for at in range(executors.size()))


def _in_turns(cases: dict[str, Run], turns: int, say: Callable[[str], None]) -> list[Row]:
    """Every case in turns, after one turn to warm up."""
    clock = ProcessorClock()
    found: dict[str, list[Spent]] = {name: [] for name in cases}
    for turn in range(turns + 1):
        for name in in_turn(cases, turn):
            found[name].append(clock.measure(cases[name]))
            spent = found[name][-1]
            say(f"turn {turn}: {name}: {spent.clock:.2f} s, processor {spent.processor:.1f} s")
    return [Row(name, tuple(spent[1:])) for name, spent in found.items()]


def as_text(found: Measured, cores: int) -> str:
    """The lines of a report."""
    head = [f"### Risk: {found.rows:,} rows in {found.classes:,} classes of {len(QUASI)} columns, `local[{cores}]`", ""]
    head += ["|  | seconds | of the first | processor s | of the first |", "| --- | ---: | ---: | ---: | ---: |"]
    head += [_case(row, found.cases[0]) for row in found.cases]
    head += ["", f"Six columns measured (k and risks) of a table of {found.wide_rows:,} rows:", ""]
    head += ["|  | columns | MiB of files | MiB read | seconds |", "| --- | ---: | ---: | ---: | ---: |"]
    for each in found.reads:
        cells = (each.name, str(each.columns), _mib(each.size), _mib(each.read), f"{each.row.median('clock'):.2f}")
        head.append(f"| {' | '.join(cells)} |")
    if found.gated:
        head += ["", f"Runs of {found.gated_rows:,} rows into a Delta table (one identifier hashed):", ""]
        head += ["|  | seconds | of the first | processor s | of the first |", "| --- | ---: | ---: | ---: | ---: |"]
        head += [_case(row, found.gated[0]) for row in found.gated]
    return "\n".join([*head, ""])


def _case(row: Row, base: Row) -> str:
    cells = (f"{row.median(what):.2f} | {row.ratio(base, what):.2f} x" for what in ("clock", "processor"))
    return f"| {row.name} | {' | '.join(cells)} |"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f}"
