"""What random tokens cost: values that are all new to the vault, then the same again, beside a keyed hash."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from pathlib import Path

from jobs import pseudonymize
from jobs.configuration.config import Config
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import lakes, vaults

ROWS = 10_000_000


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Seconds by the clock: hashed by Spark's path, with all tokens new, with none new (medians)."""

    rows: int
    hashed: float
    new: float
    known: float

    def as_text(self) -> str:
        return "\n".join(
            [
                f"| {self.rows:,} distinct values, seconds | keyed hash, Spark's path | all tokens new | none new |",
                "| --- | ---: | ---: | ---: |",
                f"| one column of text | {self.hashed:.1f} | {self.new:.1f} | {self.known:.1f} |",
            ]
        )


def measure(folder: Path, rows: int, turns: int, cores: int, say: Callable[[str], None]) -> Tokens:
    spark, clock = tables.session(cores), ProcessorClock()

    def seconds(conf: Config, name: str) -> float:
        spent = clock.measure(lambda: pseudonymize.run(spark, conf, name, execution="spark")).clock
        say(f"{name}: {spent:.2f} s")
        return spent

    try:
        id_ = vaults.made(spark, folder)
        for name, many in (("few", 10_000), ("hashed", rows), ("kept", rows)):
            text = "concat('user-', id * 7919 % 99999989, '@example.org') AS email"
            spark.range(0, many, 1, 8).selectExpr(text).write.parquet(str(folder / "raw" / name))
            treatment = lakes.column({"domain": "customer"}) if name == "hashed" else lakes.column(vaults.TOKENS)
            conf = vaults.configured(folder, id_, {"email": treatment}, name)
        seconds(conf, "few")
        hashed = statistics.median(seconds(conf, "hashed") for _ in range(turns))
        new = seconds(conf, "kept")
        known = statistics.median(seconds(conf, "kept") for _ in range(turns))
        assert vaults.counts(spark, folder)[1] >= rows
    finally:
        spark.stop()
    return Tokens(rows, hashed, new, known)
