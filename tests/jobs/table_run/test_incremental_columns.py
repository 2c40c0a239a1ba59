"""Sources that gain columns: once the catalog decides them, one commit treats all rows anew, and runs go on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Mode
from privacy_udfs.errors import LakenymError
from tests.helpers import growing
from tests.helpers.changing import COLUMNS, GAINED, check_as_in_full, deleted, gains, made, put, run
from tests.helpers.sweeps import but_for

HEALS: dict[str, dict[str, Any]] = {"--retreat": {"retreat": True}, "--mode full": {"mode": "full"}}
CASES = [(mode, name, heals) for mode in ("incremental", "changes") for name in GAINED for heals in HEALS]


@pytest.mark.parametrize(("mode", "name", "heals"), but_for([("changes", "items[].hue", "--retreat")], CASES))
def test_a_column_that_the_source_gained(spark: SparkSession, lake: Path, mode: Mode, name: str, heals: str) -> None:
    made(spark, lake, range(8))
    run(spark, lake, mode=mode)
    decided = gains(spark, lake, name)
    made(spark, lake, range(8, 12), [name])
    with pytest.raises(LakenymError, match=r"needs? a decision") as undecided:
        run(spark, lake, mode=mode)
    assert all(path in str(undecided.value) for path in decided)
    more = {"columns": {**COLUMNS, **decided}}
    with pytest.raises(LakenymError, match=r"is new.*with --retreat, or --mode full") as new:
        run(spark, lake, mode=mode, **more)
    assert all(f"{path} is new" in str(new.value) for path in decided)
    anew = run(spark, lake, **{"mode": mode, **HEALS[heals]}, **more)
    assert (anew.mode, anew.rows, anew.version) == ("full", 12, 1)
    made(spark, lake, range(12, 15), [name])
    if mode == "changes":
        put(spark, lake, [1, 9], 1, [name])
        deleted(spark, lake, [2, 10])
    assert run(spark, lake, mode=mode, retreat=True, **more).mode == mode
    check_as_in_full(spark, lake, **more)


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["changes", "incremental"])
def test_a_field_that_a_dropped_column_gained(spark: SparkSession, lake: Path, mode: Mode) -> None:
    """The record is as it was: what the source is read as is not."""
    more = {"columns": {**{path: rule for path, rule in COLUMNS.items() if "items" not in path}, "items": "drop"}}
    made(spark, lake, range(8))
    run(spark, lake, mode=mode, **more)
    gains(spark, lake, "items[].hue")
    made(spark, lake, [8], ["items[].hue"])
    with pytest.raises(LakenymError, match=r"its columns.*are not as they were.*--mode full, or with --retreat"):
        run(spark, lake, mode=mode, **more)
    assert run(spark, lake, mode=mode, retreat=True, **more).mode == "full"
    made(spark, lake, [9], ["items[].hue"])
    assert run(spark, lake, mode=mode, retreat=True, **more).mode == mode
    check_as_in_full(spark, lake, **more)


@pytest.mark.sweep
@pytest.mark.parametrize("execution", growing.PATHS)
def test_a_column_that_new_files_of_a_folder_have(spark: SparkSession, lake: Path, execution: Any) -> None:
    folder = str(lake / "raw" / "t")
    growing.rows(spark, 0, 8).write.parquet(folder)
    growing.ran(spark, lake, "parquet", execution)
    growing.rows(spark, 8, 12, 1).write.mode("append").parquet(folder)
    more = {"columns": {**growing.COLUMNS, **growing.GAINED[0][1]}}
    with pytest.raises(LakenymError, match=r"grade is new.*with --retreat, or --mode full"):
        growing.ran(spark, lake, "parquet", execution, **more)
    assert growing.ran(spark, lake, "parquet", execution, retreat=True, **more).mode == "full"
    growing.rows(spark, 12, 15, 1).write.mode("append").parquet(folder)
    assert growing.ran(spark, lake, "parquet", execution, retreat=True, **more).mode == "incremental"
    growing.check_as_in_full(spark, lake, "parquet", **more)
