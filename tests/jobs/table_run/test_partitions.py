"""Runs that replace some partitions of the target: those are then as in full, all others as they were."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Execution
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.growing import PATHS, delta, told
from tests.helpers.partitioning import COLUMNS, KEPT, check, full, held, put, rows, run
from tests.helpers.sweeps import but_for

SIGNS = ("a", "A", "b/c", "d'e", "f=g%h:?", "ü \\x", "__HIVE_DEFAULT_PARTITION_", "__HIVE_DEFAULT_PARTITION__", "",
         None)  # fmt: skip
TYPES: dict[str, tuple[str, list[Any], list[str]]] = {
    "text": ("string", [*SIGNS], ["part IN ('d''e', 'f=g%h:?')", "part IS NULL", "part > 'b' OR part IS NULL"]),
    "number": ("int", [1, 2, -3, None], ["part BETWEEN -9 AND 1", "part IS NULL"]),
    "date": ("date", ["2026-01-01", "0001-01-01", "9999-12-31", None], ["part >= '2026-01-01'", "year(part) = 1"]),
    "time": ("timestamp", ["2026-03-29 01:30:00.123456", "1883-11-18 00:00:00", None],
             ["part = timestamp'2026-03-29 01:30:00.123456'", "part < '2000-01-01'"]),
    "flag": ("boolean", [True, False, None], ["NOT part", "part IS NULL"]),
}  # fmt: skip

CASES = [*((name, "part") for name in TYPES), ("text", None), ("time", None)]
COMMON = [("text", "part"), ("text", None)]


@pytest.mark.parametrize(("name", "by"), but_for(COMMON, CASES))
def test_partitions_are_as_in_full_and_others_as_before(
    spark: SparkSession, lake: Path, name: str, by: str | None
) -> None:
    type_, values, wheres = TYPES[name]
    put(rows(spark, type_, values, "old"), lake, by=by)
    run(spark, lake)
    put(rows(spark, type_, values, "new", most=3), lake, by=by)
    anew = full(spark, lake)
    for at, where in enumerate(wheres, 1):
        before = held(spark, lake)
        result = run(spark, lake, where)
        assert (result.mode, result.version) == ("partitions", at)
        by_file = by is not None and name != "time"  # folders by times are Spark's to write
        assert result.execution == ("columnar" if by_file else "spark"), result.not_columnar
        check(spark, lake, before, where, anew)
    assert [each["mode"] for each in told(spark, lake)] == ["full"] + ["partitions"] * len(wheres)
    log = "".join(path.read_text() for path in (lake / "treated" / "t" / "_delta_log").glob("*.json"))
    assert not [where for where in wheres if json.dumps(where)[1:-1] in log]


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_empty_partitions_and_new_ones(spark: SparkSession, lake: Path, execution: Execution) -> None:
    put(rows(spark, "int", [1, 2, 3], "old"), lake)
    run(spark, lake)
    put(rows(spark, "int", [2, 3, 4], "new"), lake)
    assert run(spark, lake, "part = 1", execution).rows == 0
    assert {row["part"] for row in lakes.treated(spark, lake).collect()} == {2, 3}
    assert run(spark, lake, "part > 3", execution).rows == 1
    assert run(spark, lake, "part = 77", execution).rows == 0
    assert [each["rows"] for each in told(spark, lake)[1:]] == [0, 1, 0]
    assert {(row["part"], row["note"]) for row in lakes.treated(spark, lake).collect()} == {
        (2, "old"),
        (3, "old"),
        (4, "new"),
    }


def test_folders_of_files_by_two_columns_and_some_rows(spark: SparkSession, lake: Path) -> None:
    def written(note: str) -> None:
        made = rows(spark, "string", ["x", "y", None], note).selectExpr("*", "right(id, 1) AS other")
        made.write.mode("overwrite").partitionBy("part", "other").parquet(str(lake / "raw" / "t"))

    more: dict[str, Any] = {
        "source": {"format": "parquet"},
        "target": {"partition_by": ["other", "part"], "properties": {"delta.columnMapping.mode": "name"}},
        "columns": {**COLUMNS, "other": KEPT},
    }
    written("old")
    run(spark, lake, **more)
    written("new")
    before, where = held(spark, lake), "other = '0' AND part <> 'x'"
    assert run(spark, lake, where, "columnar", **more).rows == 1
    check(spark, lake, before, where, full(spark, lake, **more))
    some = {**more, "entry": {"rows": "id <> '1-0'"}}
    run(spark, lake, **some)
    written("newer")
    before = held(spark, lake)
    result = run(spark, lake, "part IN ('x', 'y')", **some)
    assert (result.rows, result.execution) == (2, "spark")
    check(spark, lake, before, "part IN ('x', 'y')", full(spark, lake, **some))


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_deletion_vectors_and_a_change_feed_in_the_target(
    spark: SparkSession, lake: Path, execution: Execution
) -> None:
    properties = {"delta.enableDeletionVectors": "true", "delta.enableChangeDataFeed": "true"}
    given: dict[str, Any] = {"target": {"properties": properties}}
    put(rows(spark, "int", [0, 1, 2, 3], "old", most=4).coalesce(1), lake)  # else a file may be of one row
    run(spark, lake, **given)
    for part in (2, 3):
        one = lakes.treated(spark, lake).where(f"part = {part}").orderBy("id").first()
        assert one is not None
        delta(spark, lake / "treated" / "t").delete(f"id = '{one['id']}'")
    assert "deletionVector" in (lake / "treated" / "t" / "_delta_log" / f"{1:020}.json").read_text()
    put(rows(spark, "int", [0, 1, 2, 3], "new", most=4), lake)
    before = held(spark, lake)
    assert run(spark, lake, "part = 1", execution, **given).version == 3, "nobody deleted rows of these"
    with pytest.raises(LakenymError, match=r"version 2 \(DELETE, fewer than 10 rows\)\. .*--accept-deleted-rows"):
        run(spark, lake, "part = 3", execution, **given)
    before = held(spark, lake)
    assert run(spark, lake, "part = 3", execution, accept_deleted_rows=True, **given).version == 4
    check(spark, lake, before, "part = 3", full(spark, lake, **given))
    changes = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 4)
    counted = changes.load(str(lake / "treated" / "t")).groupBy("_change_type").count().collect()
    assert {row[0]: row[1] for row in counted} == {"delete": 3, "insert": 4}


def test_refused_values_of_other_partitions_are_not_read(spark: SparkSession, lake: Path) -> None:
    columns = {**COLUMNS, "note": {"technique": "truncate_ip"}}
    put(rows(spark, "string", ["x", "y"], "10.1.2.3"), lake)
    run(spark, lake, columns=columns)
    put(rows(spark, "string", ["x"], "10.9.9.9").unionAll(rows(spark, "string", ["y"], "no ip")), lake)
    for execution in PATHS:
        assert run(spark, lake, "part = 'x'", execution, columns=columns).counts["note"] == (1, 0, 0)
        with pytest.raises(LakenymError, match=r"note: .*stands first in \S+\.parquet"):
            run(spark, lake, "part = 'y'", execution, columns=columns)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(1, 6))])
def test_random_histories_end_as_in_full(spark: SparkSession, lake: Path, seed: int) -> None:
    chance = random.Random(seed)
    put(rows(spark, "int", [0, 1, 2, None], "0"), lake)
    run(spark, lake)
    changed: set[int | None] = set()
    place = str(lake / "raw" / "t")
    for step in range(1, 10):
        part = chance.choice([0, 1, 2, 3, None])
        same = f"part <=> {'NULL' if part is None else part}"
        what = chance.choice(("append", "delete", "update", "run", "run", "optimize", "their delete"))
        if what == "append":
            put(rows(spark, "int", [part], str(step)), lake, "append")
        elif what == "delete":
            delta(spark, lake / "raw" / "t").delete(f"{same} AND id LIKE '%-0'")
        elif what == "update":
            delta(spark, lake / "raw" / "t").update(same, {"note": f"'{step}'"})
        elif what == "their delete":
            delta(spark, lake / "treated" / "t").delete(same)
        elif what == "optimize":
            spark.sql(f"OPTIMIZE delta.`{chance.choice([place, str(lake / 'treated' / 't')])}`").collect()
        else:
            run(spark, lake, same, chance.choice(("auto", "spark")), accept_deleted_rows=True)
            changed.discard(part)
        if what not in ("run", "optimize"):
            changed.add(part)
    numbers = [str(part) for part in changed if part is not None]
    for where in [f"part IN ({', '.join(numbers)})"] * bool(numbers) + ["part IS NULL"] * (None in changed):
        run(spark, lake, where, accept_deleted_rows=True)
    lakes.check_equal(lakes.treated(spark, lake), full(spark, lake))
