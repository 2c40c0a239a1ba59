"""One source, four ways to follow it: in full, incremental, by its changes, as a stream. The tables are one table."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Mode
from jobs.pseudonymize import Result
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.changing import COLUMNS, GAINED, check_as_in_full, deleted, gains, made, put, run, told
from tests.helpers.sweeps import but_for

WAYS: tuple[Mode, ...] = ("full", "incremental", "changes", "stream")
OF_THE_TARGET = re.compile(r"privacy\.config\.sha256")
"""The hash of a configuration in which the target and its mode are named."""


def way(spark: SparkSession, lake: Path, mode: Mode, **more: Any) -> Result:
    """A run into the mode's own target."""
    target = {"path": str(lake / "treated" / mode), "mode": mode, **more.pop("target", {})}
    return run(spark, lake, target=target, **more)


def all_of(spark: SparkSession, lake: Path, mode: Mode) -> Any:
    """Rows to the bit, schema with what fields say of themselves, and properties of a way's table."""
    table = lakes.treated(spark, lake, mode)
    properties = lakes.properties(spark, lake, mode)
    said = {key: value for key, value in properties.items() if not OF_THE_TARGET.fullmatch(key)}
    return [row[0] for row in told(table)], json.loads(table.schema.json()), said


def check_equal(spark: SparkSession, lake: Path, modes: tuple[Mode, ...], rows: int) -> None:
    first, *others = (all_of(spark, lake, mode) for mode in modes)
    assert len(first[0]) == rows
    assert "privacy.record" in first[2]
    for other in others:
        assert other == first


@pytest.mark.parametrize("all_go_on", but_for([False], [False, True]))
def test_four_ways_give_one_table(spark: SparkSession, lake: Path, all_go_on: bool) -> None:
    """Inserts by all four; what is updated and deleted, by those that can follow it, or by all that a run in full
    healed."""
    made(spark, lake, range(12))
    for mode in WAYS:
        way(spark, lake, mode)
    made(spark, lake, range(12, 16))
    made(spark, lake, range(16, 20))
    did = {mode: way(spark, lake, mode, files_per_batch=1 if mode == "stream" else None) for mode in WAYS}
    assert {mode: result.mode for mode, result in did.items()} == {**{m: m for m in WAYS}, "stream": "incremental"}
    assert [did[mode].rows for mode in ("full", "incremental", "stream")] == [20, 8, 8]
    check_equal(spark, lake, WAYS, 20)
    put(spark, lake, [2, 18, 50], 1)
    deleted(spark, lake, [3, 17])
    for mode in ("full", "changes"):
        way(spark, lake, mode)
    check_equal(spark, lake, ("full", "changes"), 19)
    if not all_go_on:
        return
    for mode in ("incremental", "stream"):
        with pytest.raises(LakenymError, match="changed or deleted rows"):
            way(spark, lake, mode)
        run(spark, lake, target={"path": str(lake / "treated" / mode), "mode": "full"})
    made(spark, lake, range(60, 63))
    for mode in WAYS:
        way(spark, lake, mode)
    check_equal(spark, lake, WAYS, 22)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(8))
def test_modes_mixed_at_random_end_as_in_full(spark: SparkSession, lake: Path, seed: int) -> None:
    """Into one target; whatever the source did since, a run is of a mode that can follow it. Columns come, too."""
    chance = random.Random(seed)
    made(spark, lake, range(8))
    run(spark, lake, mode="stream")
    there, last, columns = set(range(8)), 8, dict(COLUMNS)
    gained: list[str] = []
    ways: set[Mode] = set(WAYS)
    seen: set[str] = set()
    surely = chance.randrange(2, 8)
    for turn in range(1, 13):
        step = "gain" if turn == surely else chance.choice(["insert", "insert", "change", "run", "run", "gain"])
        if step == "insert":
            new = {*range(last, last + chance.randrange(1, 4))}
            made(spark, lake, new, gained)
            there, last = there | new, last + len(new)
        elif step == "change":
            some = set(chance.sample(sorted(there), 2))
            gone = {some.pop()}
            put(spark, lake, some, turn, gained)
            deleted(spark, lake, gone)
            there, ways = there - gone, ways - {"incremental", "stream"}
        elif step == "gain" and len(gained) < len(GAINED):
            name = chance.choice([name for name in GAINED if name not in gained])
            columns |= gains(spark, lake, name)
            gained.append(name)
            ways = {"full"}
        elif step == "run":
            seen.add(followed(spark, lake, chance, ways, columns))
            ways = set(WAYS)
    seen.add(followed(spark, lake, chance, ways, columns))
    for mode in chance.sample(WAYS[1:], 3):
        made(spark, lake, [last], gained)
        there, last = {*there, last}, last + 1
        run(spark, lake, mode=mode, columns=columns)
    assert "full" in seen
    assert lakes.treated(spark, lake).count() == len(there)
    check_as_in_full(spark, lake, columns=columns)


def followed(spark: SparkSession, lake: Path, chance: random.Random, ways: set[Mode], columns: dict[str, Any]) -> str:
    """A run of one of some modes; where only one in full can follow, by ``--retreat`` of any of them, too."""
    if ways == {"full"}:
        heals: dict[str, Any] = chance.choice(
            [{"mode": "full"}, *({"mode": mode, "retreat": True} for mode in WAYS[1:])]
        )
        assert run(spark, lake, columns=columns, **heals).mode == "full"
        return "full"
    mode = chance.choice(sorted(ways))
    files = chance.choice((None, 1)) if mode == "stream" else None
    run(spark, lake, mode=mode, columns=columns, files_per_batch=files)
    return mode
