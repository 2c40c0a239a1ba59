"""What it costs a run to be asked how far its rows single people out: the same run with and without the gate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from tests.benchmarks.timing import ProcessorClock, Run, Spent, in_turn
from tests.helpers import lakes

PLAIN, K, ALL = "a run without the gate", "**with k asked**, by rows", "**with k, l and t asked**, by people"
ASKED: Mapping[str, Any] = {"t": 0.9999}
"""A bound that any of these tables keeps. With it all is measured: k, and l and t where columns are sensitive."""


def of_runs(
    spark: SparkSession,
    folder: Path,
    source: Path,
    quasi: Sequence[str],
    sensitive: Sequence[str],
    person: str,
    turns: int,
    say: Callable[[str], None],
) -> dict[str, tuple[Spent, ...]]:
    """Runs of one table in turns, after one turn to warm up. source: Parquet."""
    cases: dict[str, Run] = {}
    for at, name in enumerate((PLAIN, K, ALL)):
        lake = folder / str(at)
        lake.mkdir(parents=True)
        columns = {person: lakes.column({"domain": "customer"}, "direct_identifier")}
        columns |= {each: lakes.column("keep") for each in quasi}
        columns |= {each: lakes.column("keep", "sensitive" if name == ALL else "non_personal") for each in sensitive}
        given = {"source": {"format": "parquet", "path": str(source)}}
        entry = lakes.table("t", lake, columns, **given, **({"subject": person} if name == ALL else {}))
        conf = lakes.write_conf(lake, entry)
        (conf / "policy.yaml").write_text(
            yaml.safe_dump({**lakes.POLICY, "risk": {} if name == PLAIN else dict(ASKED)}), encoding="utf-8"
        )
        cases[name] = _run(spark, lake)
    clock = ProcessorClock()
    found: dict[str, list[Spent]] = {name: [] for name in cases}
    for turn in range(turns + 1):
        for name in in_turn(cases, turn):
            found[name].append(clock.measure(cases[name]))
            say(f"turn {turn}: {name}: {found[name][-1].clock:.2f} s")
    return {name: tuple(spent[1:]) for name, spent in found.items()}


def _run(spark: SparkSession, lake: Path) -> Run:
    def run() -> None:
        shutil.rmtree(lake / "treated", ignore_errors=True)
        pseudonymize.run(spark, config.load(lake / "conf"), "t")

    return run
