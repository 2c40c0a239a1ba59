"""What it costs to verify a treated table, every check of it, beside Spark's own copy of that table in the same run."""

from __future__ import annotations

import dataclasses
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from jobs import pseudonymize, verify
from jobs.verification.outcome import Verified
from tests.benchmarks import tables
from tests.benchmarks.scale import peak
from tests.benchmarks.timing import ProcessorClock, Spent
from tests.helpers import lakes

ROWS, PEOPLE = 1_000_000, 100_000
TABLE = "crm.orders"
HASHED = lakes.column({"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "crm"}, "direct_identifier")


@dataclasses.dataclass(frozen=True)
class Measured:
    """values: different ones that were looked for. copied, verified: the turns of each. worker: the most memory of a
    Python process, in MB."""

    rows: int
    values: int
    copied: tuple[Spent, ...]
    verified: tuple[Spent, ...]
    worker: int
    holds: bool

    @property
    def seconds(self) -> float:
        return statistics.median(turn.clock for turn in self.verified)

    @property
    def ratio(self) -> float:
        pairs = zip(self.verified, self.copied, strict=True)
        return statistics.median(mine.clock / its.clock for mine, its in pairs)


def measure(folder: Path, part: float, turns: int, cores: int, say: Callable[[str], None]) -> Measured:
    spark = tables.session(cores)
    try:
        return measured(spark, folder, int(ROWS * part), int(PEOPLE * part), turns, say)
    finally:
        spark.stop()


def measured(
    spark: SparkSession, folder: Path, rows: int, people: int, turns: int, say: Callable[[str], None]
) -> Measured:
    """In turns, after one to warm up."""
    source, copy, clock = folder / "raw" / TABLE, folder / "copy", ProcessorClock()
    make_source(spark, source, rows, people)
    columns = {**dict.fromkeys(("customer_id", "email"), HASHED), **dict.fromkeys(KEPT, "keep")}
    entry = lakes.table(TABLE, folder, columns, source={"format": "delta", "path": str(source)})
    conf = lakes.configured(folder, entry)
    pseudonymize.run(spark, conf, TABLE)
    treated = folder / "treated" / TABLE
    copied, verified, values, holds = [], [], 0, True
    for turn in range(turns + 1):
        shutil.rmtree(copy, ignore_errors=True)
        copied.append(clock.measure(lambda: spark.read.format("delta").load(str(treated)).write.parquet(str(copy))))
        told: list[Verified] = []
        verified.append(clock.measure(lambda told=told: told.append(verify.run(spark, conf, TABLE))))  # type: ignore[misc]
        holds &= not told[0].fails and not told[0].unmade
        values = told[0].scanned.values if told[0].scanned is not None else 0
        say(f"turn {turn}: copied in {copied[-1].clock:.1f} s, verified in {verified[-1].clock:.1f} s")
    return Measured(rows, values, tuple(copied[1:]), tuple(verified[1:]), peak(python=True), holds)


KEPT = ("phone", "national_id", "birth_date", "city", "amount", "created", "segment")


def make_source(spark: SparkSession, path: Path, rows: int, people: int) -> None:
    """Orders of fewer people: two columns of identifiers to look for, seven of other values."""
    of = f"(id % {people})"
    spark.range(0, rows, 1, tables.FILES).selectExpr(
        f"{of} * 7919 + 10000000000 AS customer_id",
        f"concat('user', {of}, '.', substring(sha2(string({of}), 256), 1, 6), '@example.org') AS email",
        "concat('+316', lpad(string(id * 48271 % 100000000), 8, '0')) AS phone",
        "lpad(string(id * 69621 % 1000000000), 9, '0') AS national_id",
        "date_add(date'1950-01-01', int(id * 31 % 20000)) AS birth_date",
        "element_at(array('Utrecht', 'Leiden', 'Delft', 'Gouda'), int(id % 4 + 1)) AS city",
        "cast(id * 37 % 1000000 / 100 AS decimal(10, 2)) AS amount",
        "timestamp_micros(1700000000000000 + id * 1000003) AS created",
        "int(id % 5) AS segment",
    ).write.format("delta").save(str(path))


def as_text(found: Measured, cores: int) -> str:
    """The lines of a report."""
    head = f"## Verify: {found.rows:,} rows of 9 columns, {found.values:,} values looked for, {cores} core(s)"
    copied = statistics.median(turn.clock for turn in found.copied)
    lines = ["|  | seconds | of the copy |", "|---|--:|--:|", f"| plain copy | {copied:.1f} | 1.00 x |"]
    lines += [f"| `verify.run`, every check | {found.seconds:.1f} | {found.ratio:.2f} x |"]
    holds = "every check holds" if found.holds else "**not every check holds**"
    return "\n".join([head, "", *lines, "", f"{holds}; the biggest Python process held {found.worker:,} MB"])
