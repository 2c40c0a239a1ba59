"""Tables with column mapping and a change feed: persons go out of them, and runs go on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.erasure.carried_out import Wanted
from jobs.lake import delta_commit
from jobs.subjects.asked import Asked
from tests.helpers import lakes

FEED = "delta.enableChangeDataFeed"
MAPPED = {"delta.columnMapping.mode": "name"}


def in_files(spark: SparkSession, lake: Path) -> str:
    """The schema of the log, with what columns are called in files."""
    begun = delta_commit.begin(spark, f"{lake}/treated/t", None)
    assert begun is not None
    return str(sorted(re.findall("col-[0-9a-f-]+", json.dumps(delta_commit.schema(begun)))))


def name(at: int) -> str:
    return f"C-{at:06d}"


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_persons_go_out(spark: SparkSession, lake: Path, mode: str) -> None:
    rows = spark.range(0, 6, 1, 2).selectExpr(
        "concat('C-', lpad(cast(id AS string), 6, '0')) AS who", "id AS nr",
        "array(named_struct('who', concat('C-', lpad(cast(id + 1 AS string), 6, '0')))) AS lines",
    )  # fmt: skip
    rows.write.format("delta").save(f"{lake}/raw/t")
    columns: dict[str, Any] = {"who": {"domain": "customer"}, "nr": "keep", "lines[].who": {"domain": "customer"}}

    def configured(columns: dict[str, Any] = columns, feed: str = "true") -> Config:
        target = {"path": f"{lake}/treated/t", "mode": mode, "properties": {**MAPPED, FEED: feed}}
        source = {"format": "delta", "path": f"{lake}/raw/t"}
        return lakes.configured(lake, lakes.table("t", lake, columns, source=source, target=target))

    with pytest.raises(Refused, match="this run makes it, which Delta refuses in one commit"):
        pseudonymize.run(spark, configured(), "t")
    pseudonymize.run(spark, configured(feed="false"), "t")
    names = in_files(spark, lake)
    pseudonymize.run(spark, configured(), "t", mode="full")
    assert in_files(spark, lake) == names, "columns are what they were in files, which Delta asks for"
    with pytest.raises(Refused, match=r"this run leaves out nr, which Delta refuses in one commit"):
        pseudonymize.run(spark, configured({**columns, "nr": "drop"}), "t", mode="full")
    conf = configured()
    made = erase.run(spark, conf, Wanted(Asked("customer", pa.array([name(3)])), sources=True))
    counts = {each.name: (each.rows_deleted, each.elements_removed) for each in made.tables}
    assert counts == {"source of t": (1, 1), "t": (1, 1)}
    after = {row["nr"]: len(row["lines"]) for row in lakes.treated(spark, lake).collect()}
    assert after == {0: 1, 1: 1, 2: 0, 4: 1, 5: 1}
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", made.tables[1].after)
    told = sorted((row["_change_type"], row["nr"]) for row in feed.load(f"{lake}/treated/t").collect())
    assert told == [("delete", 3), ("update_postimage", 2), ("update_preimage", 2)]
    again = pseudonymize.run(spark, conf, "t", accept_deleted_rows=True, mode="full")
    assert again.rows == 5, "a run in full goes on too"
    assert {row["nr"] for row in lakes.treated(spark, lake).collect()} == set(after)
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", again.version)
    assert feed.load(f"{lake}/treated/t").where("_change_type = 'insert'").count() == 5
    assert erase.run(spark, conf, Wanted(Asked("customer", pa.array([name(4)])))).tables[0].rows_deleted == 1
