"""The columnar path beside Spark's own copy, for other tables: wide, nested, CSV; its cores; and what it wrote, read.

Each shape is measured in one session, in turns: the copy first, then the job.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs import pseudonymize
from tests.benchmarks import tables
from tests.benchmarks.tables import Case, Row
from tests.helpers import lakes

HASHED = lakes.column({"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "crm"}, "direct_identifier")
WIDE_ROWS, NESTED_ROWS, CSV_ROWS = 600_000, 4_000_000, 2_000_000
COPY, JOB, SPARK = "Spark's copy", "**AES-CMAC**", "AES-CMAC on Spark's path"
WIDE, NESTED, CSV = "50 columns, 4 treated", "array of structs, one field treated", "CSV to Delta, 4 of 9 treated"
PLAIN = "Spark's copy without multiLine, which cuts files and breaks values that hold line breaks"
CORES = "two tasks at a time against one"
SCAN, FILTER = "full scan", "filter and aggregate"
WRITTEN, SCANNED = "compression by zstd against snappy", "full scan of what was compressed so"
SNAPPY, ZSTD, OF_SPARK = "snappy", "zstd", "zstd on Spark's path"
OURS, THEIRS = "written by the columnar path", "written by Spark"


@dataclasses.dataclass(frozen=True)
class Shape:
    """rows: the first is what the others are held against."""

    title: str
    rows: Sequence[Row]


def measure(folder: Path, part: float, turns: int, say: Callable[[str], None]) -> list[Shape]:
    """part: of the rows that are measured in earnest."""
    spark = tables.session(1)
    found = []
    try:
        for title, made in ((WIDE, _wide), (NESTED, _nested), (CSV, _csv)):
            below = folder / made.__name__
            below.mkdir()
            say(title)
            found.append(Shape(title, tables.in_turns(made(spark, below, part), turns, say)))
        found += _reading(spark, folder / "reading", part, turns, say)
        found += compression(spark, folder / "compression", int(tables.ROWS * part), turns, say)
    finally:
        spark.stop()
    return [*found, _cores(folder / "cores", part, turns, say)]


def _wide(spark: SparkSession, folder: Path, part: float) -> dict[str, Case]:
    numbers = [f"id * {at + 3} % {1009 * (at + 1)} AS n{at}" for at in range(23)]
    texts = [f"concat('v', id * {at + 7} % {997 * (at + 1)}) AS t{at}" for at in range(23)]
    keys = [f"concat('k{at}-', id * 7919) AS k{at}" for at in range(4)]
    rows = spark.range(0, int(WIDE_ROWS * part), 1, tables.FILES).selectExpr(*keys, *numbers, *texts)
    rows.write.format("delta").save(str(folder / "source"))
    treated = {f"k{at}": HASHED for at in range(4)}
    kept = {name: "keep" for name in rows.columns if name not in treated}
    return _copy_and_job(spark, folder, {**treated, **kept}, {"format": "delta", "path": str(folder / "source")})


def _nested(spark: SparkSession, folder: Path, part: float) -> dict[str, Case]:
    item = "named_struct('mail', concat('u', id * 7 + x, '@example.org'), 'amount', id * x % 1000)"
    rows = spark.range(0, int(NESTED_ROWS * part), 1, tables.FILES).selectExpr(
        "id", f"transform(sequence(1, int(id % 5)), x -> {item}) AS items"
    )
    rows.write.format("delta").save(str(folder / "source"))
    columns = {"id": "keep", "items[].mail": HASHED, "items[].amount": "keep"}
    return _copy_and_job(spark, folder, columns, {"format": "delta", "path": str(folder / "source")})


def _csv(spark: SparkSession, folder: Path, part: float) -> dict[str, Case]:
    tables.make_source(spark, folder / "made", int(CSV_ROWS * part))
    spark.read.format("delta").load(str(folder / "made")).write.option("header", "true").csv(str(folder / "source"))
    columns = {**dict.fromkeys(tables.IDENTIFIERS, HASHED), **dict.fromkeys(tables.KEPT, "keep")}
    source = {"format": "csv", "path": str(folder / "source")}
    copy = folder / "copy"
    read = spark.read.option("header", "true").option("multiLine", "true").csv(str(folder / "source"))
    plain, cut = folder / "plain", spark.read.option("header", "true").csv(str(folder / "source"))
    return {
        COPY: Case(copy, lambda: read.write.format("delta").save(str(copy))),
        **_jobs(spark, folder, columns, source),
        PLAIN: Case(plain, lambda: cut.write.format("delta").save(str(plain))),
    }


def _copy_and_job(
    spark: SparkSession, folder: Path, columns: Mapping[str, Any], source: Mapping[str, Any]
) -> dict[str, Case]:
    copy = folder / "copy"
    rows = spark.read.format("delta").load(source["path"])
    return {
        COPY: Case(copy, lambda: rows.write.format("delta").save(str(copy))),
        **_jobs(spark, folder, columns, source),
    }


def _jobs(spark: SparkSession, folder: Path, columns: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Case]:
    """The job on both paths."""
    name = tables.TABLE
    conf = lakes.configured(folder, lakes.table(name, folder, columns, source=source))
    target = folder / "treated" / name

    def run(execution: pseudonymize.Execution) -> Callable[[], object]:
        return lambda: pseudonymize.run(spark, conf, name, execution=execution)

    return {JOB: Case(target, run("columnar")), SPARK: Case(target, run("spark"))}


def _reading(spark: SparkSession, folder: Path, part: float, turns: int, say: Callable[[str], None]) -> list[Shape]:
    """What Spark takes to read a table that the columnar path wrote, and one that Spark wrote, of the same rows."""
    folder.mkdir()
    tables.make_source(spark, folder / "raw" / tables.TABLE, int(tables.ROWS * part))
    made = {OURS: tables.job(spark, folder / "ours", folder / "raw" / tables.TABLE, "AES-CMAC", execution="columnar")}
    made[THEIRS] = tables.job(spark, folder / "theirs", folder / "raw" / tables.TABLE, "AES-CMAC", execution="spark")
    for case in made.values():
        case.run()
    nowhere = folder / "nothing"
    shapes = []
    for title, sql in ((SCAN, "bit_xor(xxhash64(*))"), (FILTER, "sum(amount)")):
        where = "segment = 3 AND amount > 5000" if title == FILTER else "true"
        cases = {name: Case(nowhere, _read(spark, made[name].target, where, sql)) for name in (THEIRS, OURS)}
        say(title)
        shapes.append(Shape(title, tables.in_turns(cases, turns, say)))
    return shapes


def compression(spark: SparkSession, folder: Path, rows: int, turns: int, say: Callable[[str], None]) -> list[Shape]:
    """What a target takes that states its compression: to be written, on disk, and to be read by Spark."""
    source = folder / "raw" / tables.TABLE
    tables.make_source(spark, source, rows)
    made: dict[str, Case] = {}
    paths: dict[str, pseudonymize.Execution] = {SNAPPY: "columnar", ZSTD: "columnar", OF_SPARK: "spark"}
    for name, execution in paths.items():
        stated = {"delta.parquet.compression.codec": SNAPPY if name == SNAPPY else ZSTD}
        below = folder / name.replace(" ", "-").replace("'", "")
        made[name] = tables.job(spark, below, source, "AES-CMAC", stated, execution)
    say(WRITTEN)
    written = Shape(WRITTEN, tables.in_turns(made, turns, say))
    nowhere, sql = folder / "nothing", "bit_xor(xxhash64(*))"
    read = {name: Case(nowhere, _read(spark, made[name].target, "true", sql)) for name in (SNAPPY, ZSTD)}
    say(SCANNED)
    return [written, Shape(SCANNED, tables.in_turns(read, turns, say))]


def _read(spark: SparkSession, table: Path, where: str, sql: str) -> Callable[[], object]:
    """A new DataFrame each time: one that is collected again keeps what its stages gave."""
    return lambda: spark.read.format("delta").load(str(table)).where(where).selectExpr(sql).collect()


def _cores(folder: Path, part: float, turns: int, say: Callable[[str], None]) -> Shape:
    folder.mkdir()
    rows = []
    for cores in (2, 1):
        spark = tables.session(cores)
        source = folder / "raw" / tables.TABLE
        if not source.exists():
            tables.make_source(spark, source, int(tables.ROWS * part))
        name = f"{cores} core(s)"
        case = tables.job(spark, folder / f"cores{cores}", source, "AES-CMAC", execution="columnar")
        rows += tables.in_turns({name: case}, turns, say)
        spark.stop()
    return Shape(CORES, rows)
