"""What a run costs that adds 1 % of new rows, beside one that treats all rows anew, each beyond its start-up; and what
one costs that follows 1 % of changed rows, beside a MERGE of the same rows by plain Spark."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration.models import Mode
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import lakes

ROWS = (1_000_000, 10_000_000)
HASHED = lakes.column({"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "crm"}, "direct_identifier")


@dataclasses.dataclass(frozen=True)
class Row:
    """Seconds by the clock, medians. one, part: of runs that add one row, and 1 % of ``rows``. full: of one that treats
    all."""

    rows: int
    one: float
    part: float
    full: float

    @property
    def share(self) -> float:
        """What 1 % costs of what all cost, without what a run costs that has next to nothing to do."""
        return (self.part - self.one) / (self.full - self.one)


def measure(folder: Path, part: float, turns: int, cores: int, say: Callable[[str], None]) -> list[Row]:
    """part: of the rows that are measured in earnest."""
    spark = tables.session(cores)
    try:
        return [added(spark, folder / str(rows), int(rows * part), turns, say) for rows in ROWS]
    finally:
        spark.stop()


def added(spark: SparkSession, folder: Path, rows: int, turns: int, say: Callable[[str], None]) -> Row:
    source = folder / "raw" / tables.TABLE
    tables.make_source(spark, source, rows)
    columns = {**dict.fromkeys(tables.IDENTIFIERS, HASHED), **dict.fromkeys(tables.KEPT, "keep")}
    entry = lakes.table(tables.TABLE, folder, columns, source={"format": "delta", "path": str(source)})
    entry["target"]["mode"] = "incremental"
    conf, clock = lakes.configured(folder, entry), ProcessorClock()

    def seconds(mode: Mode, expected: int | None) -> float:
        counted: list[int] = []
        spent = clock.measure(lambda: counted.append(pseudonymize.run(spark, conf, tables.TABLE, mode=mode).rows))
        if expected is not None and counted != [expected]:
            raise RuntimeError(f"{counted} rows were written, not {expected}")
        return spent.clock

    def add(more: int) -> float:
        tables.make_source(spark, source, more, append=True)
        return seconds("incremental", more)

    found: list[tuple[float, float, float]] = []
    for turn in range(turns + 1):  # the first to warm up
        found.append((seconds("full", None), add(1), add(rows // 100)))
        say(
            f"{rows:,} rows, turn {turn}: full {found[-1][0]:.2f} s, one row {found[-1][1]:.2f}, 1 % {found[-1][2]:.2f}"
        )
    full, one, part = (statistics.median(times) for times in zip(*found[1:], strict=True))
    return Row(rows, one, part, full)


@dataclasses.dataclass(frozen=True)
class Changed:
    """Seconds by the clock, medians: of runs that follow an update of 1 % of ``rows``, and of a MERGE of the same rows
    into an untreated copy of the table."""

    rows: int
    followed: float
    merged: float

    @property
    def ratio(self) -> float:
        return self.followed / self.merged


def measure_changes(folder: Path, part: float, turns: int, cores: int, say: Callable[[str], None]) -> list[Changed]:
    """part: of the rows that are measured in earnest."""
    spark = tables.session(cores)
    try:
        return [followed(spark, folder / f"changed-{rows}", int(rows * part), turns, say) for rows in ROWS]
    finally:
        spark.stop()


def followed(spark: SparkSession, folder: Path, rows: int, turns: int, say: Callable[[str], None]) -> Changed:
    """The rows are spread over all files, which is the worst for both. Neither table has deletion vectors."""
    source, copy = folder / "raw" / tables.TABLE, folder / "copy"
    tables.make_source(spark, source, rows)
    spark.sql(f"ALTER TABLE delta.`{source}` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    spark.read.format("delta").load(str(source)).write.format("delta").save(str(copy))
    columns = {**dict.fromkeys(tables.IDENTIFIERS, HASHED), **dict.fromkeys(tables.KEPT, "keep")}
    entry = lakes.table(tables.TABLE, folder, columns, source={"format": "delta", "path": str(source)})
    entry["target"] |= {"mode": "changes", "key": ["customer_id"]}
    conf, clock = lakes.configured(folder, entry), ProcessorClock()
    pseudonymize.run(spark, conf, tables.TABLE)

    def merge(into: Path, changed: DataFrame) -> None:
        there = DeltaTable.forPath(spark, str(into)).alias("t")
        there.merge(changed.alias("s"), "t.customer_id = s.customer_id").whenMatchedUpdateAll().execute()

    found: list[tuple[float, float]] = []
    for turn in range(turns + 1):  # the first to warm up
        chosen = spark.read.format("delta").load(str(copy)).where(f"customer_id div 7919 % 100 = {turn % 100}")
        changed = chosen.withColumn("segment", F.lit(turn)).localCheckpoint()
        merge(source, changed)
        ours = clock.measure(lambda: pseudonymize.run(spark, conf, tables.TABLE)).clock
        theirs = clock.measure(functools.partial(merge, copy, changed)).clock
        found.append((ours, theirs))
        say(f"{rows:,} rows, turn {turn}: 1 % followed {ours:.2f} s, merged {theirs:.2f} s")
    ours, theirs = (statistics.median(times) for times in zip(*found[1:], strict=True))
    return Changed(rows, ours, theirs)


def changes_as_text(rows: Sequence[Changed], cores: int) -> str:
    """The lines of a report."""
    head = [f"## Runs that follow 1 % of changed rows: Delta to Delta, {cores} core(s)", ""]
    head += ["| rows | 1 % followed, s | the same MERGE, s | ratio (aim 3) |", "|--:|--:|--:|--:|"]
    lines = [f"| {r.rows:,} | {r.followed:.2f} | {r.merged:.2f} | {r.ratio:.1f} |" for r in rows]
    return "\n".join([*head, *lines])


def as_text(rows: Sequence[Row], cores: int) -> str:
    """The lines of a report."""
    head = [f"## Runs that add 1 % of new rows: Delta to Delta, {cores} core(s)", ""]
    head += ["| rows | all anew, s | one new row, s | 1 % new rows, s | 1 % over all, beyond one row (aim 5 %) |"]
    head += ["|--:|--:|--:|--:|--:|"]
    lines = [f"| {r.rows:,} | {r.full:.2f} | {r.one:.2f} | {r.part:.2f} | {100 * r.share:.1f} % |" for r in rows]
    return "\n".join([*head, *lines])
