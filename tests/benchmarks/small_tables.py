"""What a table costs however small it is: many tables of 1,000 rows, Delta to Delta by path, in one call of the job.

Two columns hashed, one generalized, one kept. Each line is one call of ``jobs/pseudonymize.py --all``: in a process
that has done nothing yet, in one that is warm, and once more over tables that it treated before.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.lake.delta_commit.scala import java_session
from tests.benchmarks.tables import SETTINGS, session
from tests.helpers import lakes

ROWS = 1000
TABLES = 60
HASHED = lakes.column({"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "crm"}, "direct_identifier")
COLUMNS = {
    "customer_id": HASHED,
    "email": HASHED,
    "birth_date": {"technique": "generalize_date", "unit": "year"},
    "city": "keep",
}
OWN = ("spark.databricks.delta.snapshotPartitions", "spark.sql.shuffle.partitions")
"""Settings of the other benchmarks that a platform does not have."""


class Row(NamedTuple):
    """Seconds until all tables were planned and checked, and those until all were written. jobs: of Spark."""

    name: str
    tables: int
    prepared: float
    executed: float
    jobs: int

    @property
    def per_table(self) -> float:
        return (self.prepared + self.executed) / self.tables


def measure(folder: Path, cores: int, say: Callable[[str], None], tables: int = TABLES) -> list[Row]:
    """Three calls, each over ``tables`` tables, in a Spark of their own."""
    spark = session(cores, {name: value for name, value in SETTINGS.items() if name not in OWN})
    try:
        return calls(spark, folder, tables, say)
    finally:
        spark.stop()


def calls(spark: SparkSession, folder: Path, tables: int, say: Callable[[str], None]) -> list[Row]:
    first, second = (_catalog(spark, folder / half, tables) for half in ("first", "second"))
    asked = {"new tables, cold": first, "new tables, warm": second, "the same again": first}
    return [_call(spark, name, conf, tables, say) for name, conf in asked.items()]


def as_text(rows: Sequence[Row], cores: int) -> str:
    """The lines of a report."""
    head = [f"## Small tables: {ROWS:,} rows each, {cores} core(s)", ""]
    head += ["| one call of the job | tables | prepare, s a table | execute, s a table | both | Spark jobs a table |"]
    head += ["|---|--:|--:|--:|--:|--:|"]
    return "\n".join([*head, *map(_line, rows)])


def _line(row: Row) -> str:
    prepared, executed = row.prepared / row.tables, row.executed / row.tables
    jobs = row.jobs / row.tables
    return f"| {row.name} | {row.tables:,} | {prepared:.3f} | {executed:.3f} | {row.per_table:.3f} | {jobs:.1f} |"


def _catalog(spark: SparkSession, folder: Path, tables: int) -> Path:
    """Sources that are copies of one, and the configuration that treats them."""
    made = folder / "raw" / "made"
    spark.range(0, ROWS, 1, 1).selectExpr(
        "id * 7919 AS customer_id",
        "concat('user', id, '@example.org') AS email",
        "date_add(date'1950-01-01', int(id * 31 % 20000)) AS birth_date",
        "element_at(array('Utrecht', 'Leiden', 'Delft'), int(id % 3 + 1)) AS city",
    ).write.format("delta").save(str(made))
    names = [f"small.t{at:04d}" for at in range(tables)]
    for name in names:
        shutil.copytree(made, folder / "raw" / name)
    sources = {name: {"format": "delta", "path": str(folder / "raw" / name)} for name in names}
    return lakes.write_conf(folder, *[lakes.table(name, folder, COLUMNS, source=sources[name]) for name in names])


def _call(spark: SparkSession, name: str, conf: Path, tables: int, say: Callable[[str], None]) -> Row:
    scheduler = java_session(spark).sparkContext().dagScheduler()
    told, start, begun = io.StringIO(), time.time(), int(scheduler.numTotalJobs())
    with contextlib.redirect_stdout(told):
        code = pseudonymize.main(["--conf", str(conf), "--all", "--even-unchanged"])
    end, events = time.time(), [json.loads(line) for line in told.getvalue().splitlines()]
    done = [event for event in events if event["event"] == "committed"]
    if code or len(done) != tables:
        raise RuntimeError(f"exit code {code}, {len(done)} of {tables} tables")
    checked = max(datetime.fromisoformat(event["time"]).timestamp() for event in events if event["event"] == "checked")
    row = Row(name, tables, checked - start, end - checked, int(scheduler.numTotalJobs()) - begun)
    say(f"{name}: {row.per_table:.3f} s a table")
    return row
