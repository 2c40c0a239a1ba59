"""Seconds from table to table: 4 million rows of 9 columns, Delta to Delta, of which 4 are identifiers to treat.

One local core for Spark: one task at a time. What the Python worker computes at the same time shows in the processor
seconds, which are counted over all processes.
"""

from __future__ import annotations

import dataclasses
import hmac
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration.models import RowOrder
from jobs.spark_app.session import DELTA
from privacy_udfs.kernels.hmac.compiled import fastest
from tests.benchmarks.timing import ProcessorClock, Spent, in_turn
from tests.benchmarks.values import KEY
from tests.helpers import lakes

ROWS = 4_000_000
FILES = 4
TABLE = "crm.customers"
IDENTIFIERS = ("customer_id", "email", "phone", "national_id")
KEPT = ("birth_date", "city", "amount", "created", "segment")
COPY, SHA2, NAIVE = "plain copy", "Spark's `sha2`, no key", "naive `hmac` pandas UDF"
CMAC, HMAC = "**AES-CMAC**", f"**HMAC-SHA-256{', extra `fast`' if fastest('sha256') else ''}**"
SPARK = "AES-CMAC on Spark's path"
INDEXED = "**AES-CMAC**, Delta statistics of pseudonyms too"
IN_ORDER, SPARK_IN_ORDER = (f"{name}, rows in the source's order" for name in (CMAC, SPARK))

SETTINGS = {
    "spark.driver.memory": "4g",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
}


@dataclasses.dataclass(frozen=True)
class Case:
    """``run`` writes the table whose folder ``target`` is taken away before each turn."""

    target: Path
    run: Callable[[], object]


@dataclasses.dataclass(frozen=True)
class Row:
    """One case's turns, and the bytes that it wrote."""

    name: str
    turns: tuple[Spent, ...]
    size: int

    def median(self, what: str) -> float:
        """The median of ``clock``, ``processor``, ``jvm`` or ``python`` seconds."""
        return statistics.median(getattr(turn, what) for turn in self.turns)

    def ratio(self, base: Row, what: str = "clock") -> float:
        """The median over the turns of this row's seconds divided by those of ``base``."""
        pairs = zip(self.turns, base.turns, strict=True)
        return statistics.median(getattr(mine, what) / getattr(its, what) for mine, its in pairs)


def measure(folder: Path, rows: int, turns: int, cores: int, say: Callable[[str], None]) -> list[Row]:
    """Every case in turns, after one turn to warm up."""
    spark = session(cores)
    make_source(spark, folder / "raw" / TABLE, rows)
    result = in_turns(cases(spark, folder), turns, say)
    spark.stop()
    return result


def in_turns(made: Mapping[str, Case], turns: int, say: Callable[[str], None]) -> list[Row]:
    """Every case in turns, after one turn to warm up."""
    clock = ProcessorClock()
    found: dict[str, list[Spent]] = {name: [] for name in made}
    sizes = dict.fromkeys(made, 0)
    for turn in range(turns + 1):
        for name in in_turn(made, turn):
            shutil.rmtree(made[name].target, ignore_errors=True)
            spent = clock.measure(made[name].run)
            say(f"turn {turn}: {name}: {spent.clock:.1f} s, processor {spent.processor:.1f} s")
            found[name].append(spent)
            sizes[name] = _size(made[name].target)
    return [Row(name, tuple(spent[1:]), sizes[name]) for name, spent in found.items()]


def session(cores: int, settings: Mapping[str, str] = SETTINGS) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master(f"local[{cores}]").appName("benchmarks")
    for key, value in {**DELTA, **settings}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def make_source(spark: SparkSession, path: Path, rows: int, append: bool = False) -> None:
    """Identifiers all distinct (the worst case), a number and text of 9 to 30 bytes; the rest repeats."""
    city = "element_at(array('Utrecht', 'Leiden', 'Delft', 'Gouda', 'Breda', 'Zwolle', 'Assen'), int(id % 7 + 1))"
    spark.range(0, rows, 1, FILES).selectExpr(
        "id * 7919 + 10000000 AS customer_id",
        "concat('user', id, '.', substring(sha2(string(id), 256), 1, 6), '@example.org') AS email",
        "concat('+316', lpad(string(id * 48271 % 100000000), 8, '0')) AS phone",
        "lpad(string(id * 69621 % 1000000000), 9, '0') AS national_id",
        "date_add(date'1950-01-01', int(id * 31 % 20000)) AS birth_date",
        f"{city} AS city",
        "cast(id * 37 % 1000000 / 100 AS decimal(10, 2)) AS amount",
        "timestamp_micros(1700000000000000 + id * 1000003) AS created",
        "int(id % 5) AS segment",
    ).write.format("delta").mode("append" if append else "errorifexists").save(str(path))


def cases(spark: SparkSession, folder: Path) -> dict[str, Case]:
    source = folder / "raw" / TABLE
    naive = F.pandas_udf(_naive, "string")

    def written(name: str, treat: Callable[[Column], Column]) -> Case:
        columns = [treat(F.col(name)).alias(name) for name in IDENTIFIERS]
        target = folder / name
        rows = spark.read.format("delta").load(str(source)).select(*columns, *KEPT)
        return Case(target, lambda: rows.write.format("delta").save(str(target)))

    return {
        COPY: written("copy", lambda column: column),
        SHA2: written("sha2", lambda column: F.sha2(column.cast("string"), 256)),
        NAIVE: written("naive", lambda column: naive(column.cast("string"))),
        CMAC: job(spark, folder / "cmac", source, "AES-CMAC"),
        HMAC: job(spark, folder / "hmac", source, "HMAC-SHA-256"),
        SPARK: job(spark, folder / "spark", source, "AES-CMAC", execution="spark"),
        INDEXED: job(spark, folder / "indexed", source, "AES-CMAC", {"delta.dataSkippingNumIndexedCols": "32"}),
        IN_ORDER: job(spark, folder / "in_order", source, "AES-CMAC", row_order="source"),
        SPARK_IN_ORDER: job(
            spark, folder / "spark_in_order", source, "AES-CMAC", execution="spark", row_order="source"
        ),
    }


def job(
    spark: SparkSession,
    folder: Path,
    source: Path,
    algorithm: str,
    properties: Mapping[str, str] | None = None,
    execution: pseudonymize.Execution = "columnar",
    row_order: RowOrder = "auto",
) -> Case:
    """The job itself, from a configuration on disk: 128 bits in base64url, one domain for each column."""
    hashed = lakes.column({"technique": "keyed_hash", "algorithm": algorithm, "key": "crm"}, "direct_identifier")
    columns = {**dict.fromkeys(IDENTIFIERS, hashed), **dict.fromkeys(KEPT, "keep")}
    folder.mkdir()
    target = folder / "treated" / TABLE
    places = {
        "source": {"format": "delta", "path": str(source)},
        "target": {"path": str(target), "properties": dict(properties or {}), "row_order": row_order},
    }
    conf = lakes.configured(folder, lakes.table(TABLE, folder, columns, **places))
    return Case(target, lambda: pseudonymize.run(spark, conf, TABLE, execution=execution))


def _naive(values: pd.Series) -> pd.Series:
    return values.map(lambda value: hmac.new(KEY[:32], value.encode(), "sha256").hexdigest())


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.parquet"))
