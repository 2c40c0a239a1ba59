"""What it costs to take 1,000 persons out of five tables: plan, erasure, purge at once, and a run again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from jobs import erase, pseudonymize
from jobs.erasure.carried_out import Wanted
from jobs.subjects.asked import Asked
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import lakes

ROWS, TABLES, SUBJECTS, PERSONS = 10_000_000, 5, 1000, 100_000
STEPS = ("treated", "copied", "plan", "erased", "purged", "again")


@dataclasses.dataclass(frozen=True)
class Erasing:
    """Seconds by the clock of all five tables. copied: by Spark, from Delta to Delta."""

    rows: int
    gone: int
    seconds: dict[str, float]

    def as_text(self) -> str:
        return "\n".join(
            [
                f"| {self.rows:,} rows in {TABLES} tables, {SUBJECTS:,} persons ({self.gone:,} rows), seconds | "
                + " | ".join(STEPS)
                + " |",
                "| --- |" + " ---: |" * len(STEPS),
                "| of which two have the persons in arrays | "
                + " | ".join(f"{self.seconds[step]:.1f}" for step in STEPS)
                + " |",
            ]
        )


def measure(folder: Path, rows: int, cores: int, say: Callable[[str], None]) -> Erasing:
    spark, clock, seconds = tables.session(cores), ProcessorClock(), dict[str, float]()

    def timed(step: str, what: Callable[[], object]) -> None:
        seconds[step] = clock.measure(what).clock
        say(f"{step}: {seconds[step]:.1f} s")

    try:
        who = f"concat('person-', lpad(cast(id * 7919 % {PERSONS} AS string), 8, '0'))"
        person, keep = {"domain": "customer"}, "keep"
        entries = []
        for at in range(TABLES):
            nested = at >= 3
            told = f"array(named_struct('who', {who}, 'x', id)) AS lines" if nested else f"{who} AS who"
            named = {"lines[].who": person, "lines[].x": keep} if nested else {"who": person}
            columns = (told, "id AS num", "rand(7) AS amount", "cast(id AS string) AS t")
            made = spark.range(0, rows // TABLES, 1, 8).selectExpr(*columns)
            made.write.parquet(str(folder / "raw" / f"t{at}"))
            entries.append(lakes.table(f"t{at}", folder, {**named, "num": keep, "amount": keep, "t": keep}))
        conf = lakes.configured(folder, *entries)
        timed("treated", lambda: [pseudonymize.run(spark, conf, name) for name in conf.tables])
        places = [str(folder / "treated" / name) for name in conf.tables]

        def copied() -> None:
            for at, place in enumerate(places):
                spark.read.format("delta").load(place).write.format("delta").save(f"{folder}/copy/{at}")

        timed("copied", copied)
        ids = pa.array([f"person-{at:08d}" for at in range(0, PERSONS, PERSONS // SUBJECTS)])
        kept, forced = Wanted(Asked("customer", ids)), Wanted(Asked("customer", ids), forced=True)
        timed("plan", lambda: erase.plan(spark, conf, kept))
        found: list[int] = []

        def erased() -> None:
            made = erase.run(spark, conf, kept)
            found.append(sum(each.rows_deleted + each.elements_removed for each in made.tables))

        timed("erased", erased)
        timed("purged", lambda: erase.run(spark, conf, forced))
        timed("again", lambda: erase.run(spark, conf, forced))
    finally:
        spark.stop()
    return Erasing(rows, found[0], seconds)
