"""What it costs to turn back 10^7 values of AES-SIV, beside treating them: from count and audit rows to the commit."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.reversal.carried_out import TurnedBack
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock, Spent
from tests.helpers import reversals
from tests.helpers.lakes import column

ROWS = 10_000_000
COLUMNS = {"email": column({"domain": "mail"}, "direct_identifier")}
MOST = 1.3
"""Times the seconds of treating the same values, at most."""


@dataclasses.dataclass(frozen=True)
class Turned:
    """Seconds of each turn: by the clock, and of the processor, of all processes; treated, and turned back."""

    rows: int
    treated: tuple[Spent, ...]
    back: tuple[Spent, ...]

    @property
    def ratio(self) -> float:
        """The median over the turns of the ratio within one, by the clock."""
        return statistics.median(back.clock / base.clock for base, back in zip(self.treated, self.back, strict=True))

    def as_text(self) -> str:
        return "\n".join(
            [
                f"| {self.rows:,} values of AES-SIV | seconds by the clock | of the processor |",
                "| --- | ---: | ---: |",
                _row("treated, columnar", self.treated),
                _row("turned back, columnar", self.back),
                "",
                f"Turned back over treated: {self.ratio:.2f}, at most {MOST} is wanted.",
            ]
        )


def _row(name: str, turns: Sequence[Spent]) -> str:
    clock = statistics.median(each.clock for each in turns)
    return f"| {name} | {clock:.2f} | {statistics.median(each.jvm + each.python for each in turns):.2f} |"


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
    for treated, back in found:
        say(f"treated in {treated.clock:.2f} s, turned back in {back.clock:.2f} s")
    return Turned(rows, *zip(*found[1:], strict=True))


def _turn(spark: SparkSession, conf: Config, folder: Path, rows: int) -> tuple[Spent, Spent]:
    clock, out = ProcessorClock(), folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    treated = clock.measure(lambda: pseudonymize.run(spark, conf, "t", execution="columnar"))
    wanted = reversals.asked("email", where="email IS NOT NULL")
    now = datetime.datetime.now(datetime.timezone.utc)
    approval = reversals.approved(spark, folder, conf, wanted, at_most=rows, now=now)
    done = list[TurnedBack]()
    back = clock.measure(lambda: done.append(reversals.turned(spark, conf, wanted, approval, output=str(out), now=now)))
    if [(each.rows, each.execution) for each in done] != [(rows, "columnar")]:
        raise RuntimeError(f"{done} is not {rows} rows turned back by the columnar path")
    return treated, back
