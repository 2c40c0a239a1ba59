"""What the audit log costs a run: one table of 1,000 rows, Delta to Delta by path, treated anew with a log of its runs
and without, by turns, in one process that is warm. The log signs, and leaves checkpoint and statement (docs/audit.md).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from tests.benchmarks.small_tables import COLUMNS, OWN, ROWS
from tests.benchmarks.tables import SETTINGS, session
from tests.benchmarks.timing import Times, in_turn
from tests.helpers import audits, lakes

WARM = 3
"""Runs of either kind before the clock counts."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """Seconds of runs without the log and with it, each turn one of either."""

    without: Times
    told: Times

    @property
    def more(self) -> float:
        """Seconds that the log costs: the median over the turns of the difference within a turn."""
        pairs = zip(self.told.turns, self.without.turns, strict=True)
        return Times(tuple(told - plain for told, plain in pairs)).median


def measure(folder: Path, turns: int, cores: int, say: Callable[[str], None]) -> Measured:
    spark = session(cores, {name: value for name, value in SETTINGS.items() if name not in OWN})
    try:
        plain, told = _configured(spark, folder)
        confs, seconds = {"without": plain, "told": told}, dict[str, list[float]](without=[], told=[])
        for turn in range(WARM + turns):
            for name in in_turn(confs, turn):
                seconds[name].append(_run(spark, confs[name]))
    finally:
        spark.stop()
    found = Measured(**{name: Times(tuple(each[WARM:])) for name, each in seconds.items()})
    say(f"audit log: {found.more:.2f} s a run")
    return found


def as_text(found: Measured, cores: int) -> str:
    """The lines of a report."""
    head = [f"## The audit log: a table of {ROWS:,} rows, {cores} core(s), {len(found.told.turns)} turns", ""]
    head += ["| a run | seconds, median | least to most |", "|---|--:|--:|"]
    rows = [("without the log", found.without), ("told of by the log", found.told)]
    lines = [f"| {name} | {each.median:.2f} | {min(each.turns):.2f} to {max(each.turns):.2f} |" for name, each in rows]
    more = f"With it a run takes {found.more:.2f} s more, {found.told.ratio(found.without):.2f} times as long."
    return "\n".join([*head, *lines, "", more])


def _configured(spark: SparkSession, folder: Path) -> tuple[Config, Config]:
    """The same table without a log and with one."""
    place = str(folder / "raw" / "t")
    spark.range(0, ROWS, 1, 1).selectExpr(
        "id * 7919 AS customer_id",
        "concat('user', id, '@example.org') AS email",
        "date_add(date'1950-01-01', int(id * 31 % 20000)) AS birth_date",
        "element_at(array('Utrecht', 'Leiden', 'Delft'), int(id % 3 + 1)) AS city",
    ).write.format("delta").save(place)
    source = {"format": "delta", "path": place}
    plain = config.load(lakes.write_conf(folder, lakes.table("t", folder, COLUMNS, source=source)))
    return plain, audits.with_log(folder)


def _run(spark: SparkSession, conf: Config) -> float:
    start = time.perf_counter()
    pseudonymize.run(spark, conf, "t")
    return time.perf_counter() - start
