"""Quasi-identifiers are cut into boxes (``mondrian``) once all rows are treated, in the one commit that holds them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.models import Execution
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake.delta_commit import left_out
from jobs.risk_search import class_table
from jobs.run_events import events
from jobs.table_run import box_cut
from jobs.table_run.result import summary
from privacy_udfs.errors import UnexpectedFailure
from tests.helpers import lakes
from tests.helpers.growing import PATHS, told
from tests.helpers.lakes import column, record, treated
from tests.helpers.sweeps import but_for
from tests.jobs.table_run.test_small_classes import files, logged, texts

COLUMNS: Mapping[str, Any] = {
    "person": column({"domain": "customer"}, "direct_identifier"),
    "age": column("keep"),
    "`zip.code`": column("keep"),
    "town": column("keep"),
    "illness": column("keep", "sensitive"),
    "note": column("keep", "non_personal"),
}
SCHEMA = "person string, age int, `zip.code` string, town string, illness string, note string"
CANARY = "Xanadu"
Row = tuple[Any, ...]


def raw(spark: SparkSession, lake: Path, *parts: Sequence[Row], schema: str = SCHEMA) -> None:
    """A file for each list of rows."""
    for rows in parts:
        made = spark.createDataFrame([*rows], schema).coalesce(1)
        made.write.format("delta").mode("append").save(str(lake / "raw" / "t"))


def configured(lake: Path, mondrian: Mapping[str, Any] | None = None, **more: Any) -> Config:
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    stated = {} if mondrian is None else {"mondrian": dict(mondrian)}
    columns = more.pop("columns", COLUMNS)
    return lakes.configured(lake, lakes.table("t", lake, columns, source=source, **stated, **more))


def run(spark: SparkSession, conf: Config, execution: Execution = "auto", **more: Any) -> pseudonymize.Result:
    return pseudonymize.run(spark, conf, "t", execution=execution, **more)


def boxes(spark: SparkSession, lake: Path) -> Counter[Row]:
    """Of each combination of values how many rows have it."""
    return Counter((row.age, row["zip.code"], row.town) for row in treated(spark, lake).collect())


# By hand, k = 2. Cut at the median of the column that is the widest: age and zip are both as wide as they can be, so
# that age, the first, is cut: 20, 21 | 60, 90. Neither half can be cut again. The least age of a box; of zips what two
# digits, or one, make of them; of towns, which have no ladder, null where there are two.
FOUR = [
    ("p1", 20, "80331", CANARY, "flu", "a"),
    ("p2", 21, "80999", CANARY, "cold", "b"),
    ("p3", 60, "10115", "Berlin", "flu", "c"),
    ("p4", 90, "12043", "Cologne", "cold", "d"),
]
BY_PREFIX = {"`zip.code`": "prefix:2,1"}


@pytest.mark.parametrize("execution", PATHS)
def test_rows_get_the_values_of_their_boxes(
    spark: SparkSession, lake: Path, execution: Execution, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the one commit; and no value that a box hides is left in files, statistics, the log or what is told."""
    raw(spark, lake, FOUR[:3], FOUR[3:])
    configured(lake, {"k": 2, "ladders": BY_PREFIX}, execution=execution)
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "t"]) == 0
    out, err = capfd.readouterr()
    assert boxes(spark, lake) == {(20, "80", CANARY): 2, (60, "1", None): 2}
    found = {row.note: (row.age, row.illness) for row in treated(spark, lake).collect()}
    assert found == {"a": (20, "flu"), "b": (20, "cold"), "c": (60, "flu"), "d": (60, "cold")}
    assert treated(spark, lake).schema["age"].dataType.simpleString() == "int"
    adds = [each["add"] for each in logged(lake) if "add" in each]
    assert {lake / "treated" / "t" / each["path"] for each in adds} == {*files(lake)}, "the first files are gone"
    held = [row for file in files(lake) for row in pq.read_table(file).to_pylist()]
    for hidden in ("Cologne", "Berlin", "80999", "10115", "12043"):
        assert hidden not in str(held) + out + err + texts(lake)
    assert CANARY not in out + err
    (event,) = [json.loads(line) for line in out.splitlines() if '"committed"' in line]
    said = {"asked": {"k": 2}, "columns": 3, "boxes": "< 10", "average_class_size": 2.0, "discernibility": 0.5}
    assert (event["version"], event["rows"], event["execution"]) == (0, 4, execution)
    assert event["mondrian"] == said
    assert (event["risk"]["k"], event["risk"]["asked_by"]) == (2, {"k": "its entry (mondrian)"})
    counted = {each["column"]: each["treated"] for each in event["columns"]}
    cut = dict.fromkeys(("age", "`zip.code`", "town"))
    assert counted == {"person": 4, "illness": 4, "note": 4, **cut}, "what had been null in a box is told nobody"
    (commit,) = [json.loads(each["commitInfo"]["userMetadata"]) for each in logged(lake) if "commitInfo" in each]
    assert (commit["mondrian"], sorted(commit["counts"])) == (said, ["illness", "note", "person"])
    assert record(spark, lake)["mondrian"] == {"k": 2, "ladders": {"`zip.code`": "prefix:2,1"}}
