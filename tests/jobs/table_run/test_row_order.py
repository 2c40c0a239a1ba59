"""The order of rows in the files of a target: at random where direct identifiers were treated, by every way."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.models import Execution
from tests.helpers import changing, lakes
from tests.helpers.growing import PATHS

ROWS = 2_000
PSEUDONYM = lakes.column({"domain": "customer"}, "direct_identifier")
COLUMNS = {"id": PSEUDONYM, "number": lakes.column("keep", "non_personal"), "half": lakes.column("keep")}
ORDERS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"row_order": "source"}, {}, False),
    ({"row_order": "shuffled"}, {"id": {"domain": "customer"}}, True),
    ({}, {"id": {"domain": "customer"}}, False),
    ({}, {"id": lakes.column("keep", "direct_identifier")}, False),
    ({}, {"id": lakes.column("drop", "direct_identifier")}, True),
]


@pytest.mark.parametrize(("target", "columns", "expected"), ORDERS)
def test_whether_rows_are_shuffled(
    lake: Path, target: Mapping[str, Any], columns: Mapping[str, Any], expected: bool
) -> None:
    entry = lakes.table("t", lake, {**COLUMNS, **columns}, target={"path": "/treated/t", **target})
    assert lakes.configured(lake, entry).tables["t"].is_shuffled is expected


def made(spark: SparkSession, lake: Path) -> None:
    numbers = spark.range(0, ROWS, 1, 2).selectExpr("concat('c', id) AS id", "id AS number", "int(id % 2) AS half")
    numbers.write.parquet(str(lake / "raw" / "t"))


def run(spark: SparkSession, lake: Path, execution: Execution, **target: Any) -> None:
    entry = lakes.table("t", lake, COLUMNS, target={"path": str(lake / "treated" / execution), **target})
    result = pseudonymize.run(spark, lakes.configured(lake, entry), "t", execution=execution)
    assert (result.execution, result.rows, result.counts["id"]) == (execution, ROWS, (ROWS, 0, 0))


def numbers(files: Iterable[Path], column: str = "number") -> list[list[Any]]:
    """Those of each file, as they stand there."""
    return [pq.ParquetFile(file).read([column])[column].to_pylist() for file in files]


def files(lake: Path, name: str) -> list[Path]:
    return sorted((lake / "treated" / name).rglob("*.parquet"))


def in_order(values: list[Any]) -> float:
    """The part of the values that is followed by a greater one: half of them in random order."""
    return sum(one < other for one, other in itertools.pairwise(values)) / len(values)


@pytest.mark.parametrize("execution", PATHS)
def test_rows_of_every_file_are_shuffled(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Within each partition too, though Delta sorts by partitions what Spark hands over."""
    made(spark, lake)
    run(spark, lake, execution, partition_by=["half"])
    written = files(lake, execution)
    found = numbers(written)
    assert len(found) == 4
    assert all(0.4 < in_order(values) < 0.6 for values in found)
    assert sorted(itertools.chain(*found)) == list(range(ROWS))
    if execution == "columnar":
        names = {re.sub(r"-[0-9a-f]{32}\.", "-.", file.name) for file in written}
        assert len(names) == 1, "a name does not say which part of the source the file is made of"


@pytest.mark.parametrize("execution", PATHS)
def test_rows_stay_in_order_where_that_is_asked_for(spark: SparkSession, lake: Path, execution: Execution) -> None:
    made(spark, lake)
    run(spark, lake, execution, row_order="source")
    found = numbers(files(lake, execution))
    assert [values == sorted(values) for values in found] == [True, True]
    assert sorted(itertools.chain(*found)) == list(range(ROWS))


def test_rows_that_a_run_puts_among_others_are_shuffled(spark: SparkSession, lake: Path) -> None:
    """As it follows the changes of its source: these are written by another way."""
    shuffled = {"row_order": "shuffled"}
    changing.made(spark, lake, range(50))
    changing.run(spark, lake, target=shuffled)
    before = {*files(lake, "t")}
    changing.made(spark, lake, range(50, 1_000))
    assert (changing.run(spark, lake, target=shuffled).changed or {})["inserted"] == 950
    found = numbers({*files(lake, "t")} - before, "at")
    assert sum(map(len, found)) == 950
    assert all(0.3 < in_order(values) < 0.7 for values in found)
    changing.check_as_in_full(spark, lake, target=shuffled)
