"""What it costs to turn back 10^7 values of AES-SIV, beside treating them: from count and audit rows to the commit."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.configuration.models import Execution
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import reversals
from tests.helpers.lakes import column

ROWS = 10_000_000
COLUMNS = {"email": column({"domain": "mail"}, "direct_identifier")}
MOST = 1.3
"""Times the seconds of treating the same values, at most."""


@dataclasses.dataclass(frozen=True)
class Turned:
    """Seconds by the clock, medians: treated by each path, and turned back."""

    rows: int
    columnar: float
    spark: float
    back: float

    @property
    def ratio(self) -> float:
        """Beside the faster of the two ways of treating."""
        return self.back / min(self.columnar, self.spark)

    def as_text(self) -> str:
        return "\n".join(
            [
                f"| {self.rows:,} values, seconds | treated, columnar | treated by Spark | turned back | ratio |",
                "| --- | ---: | ---: | ---: | ---: |",
                f"| AES-SIV | {self.columnar:.2f} | {self.spark:.2f} | {self.back:.2f} | {self.ratio:.2f} |",
                "",
                f"Turned back over treated: {self.ratio:.2f}, at most {MOST} is wanted.",
            ]
        )


def measure(folder: Path, part: float, turns: int, cores: int, say: Callable[[str], None]) -> Turned:
    """part: of the rows that are measured in earnest."""
    spark, rows = tables.session(cores), int(ROWS * part)
    try:
        text = "concat('user-', id * 7919 % 99999989, '@example.org') AS email"
        spark.range(0, rows, 1, 4).selectExpr(text).write.parquet(str(folder / "raw" / "t"))
        conf = reversals.configured(folder, COLUMNS, at_most_rows=ROWS, at_most_hours=1000)
        found = [_turn(spark, conf, folder, rows) for _ in range(turns + 1)]  # the first to warm up
    finally:
        spark.stop()
    for columnar, by_spark, back in found:
        say(f"treated in {columnar:.2f} s, by Spark in {by_spark:.2f} s, turned back in {back:.2f} s")
    return Turned(rows, *(statistics.median(times) for times in zip(*found[1:], strict=True)))


def _turn(spark: SparkSession, conf: Config, folder: Path, rows: int) -> tuple[float, float, float]:
    clock, out = ProcessorClock(), folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    ways: tuple[Execution, Execution] = ("columnar", "spark")
    runs = [functools.partial(pseudonymize.run, spark, conf, "t", execution=way) for way in ways]
    treated = [clock.measure(run).clock for run in runs]
    wanted = reversals.asked("email", where="email IS NOT NULL")
    now = datetime.datetime.now(datetime.timezone.utc)
    approval = reversals.approved(spark, folder, conf, wanted, at_most=rows, now=now)
    done: list[int] = []
    spent = clock.measure(
        lambda: done.append(reversals.turned(spark, conf, wanted, approval, output=str(out), now=now).rows)
    )
    if done != [rows]:
        raise RuntimeError(f"{done} rows were turned back, not {rows}")
    return treated[0], treated[1], spent.clock
