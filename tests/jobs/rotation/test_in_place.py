"""Columns written anew from the treated table: one commit, with all that is not about them as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake.problems import CommitConflict
from jobs.lake.state import TargetState
from jobs.spark_app import failures
from privacy_udfs import revert
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, lakes
from tests.helpers.rotations import in_force, moved_in_place, promoted

SIV = {"technique": "deterministic_encryption", "key": "crm"}
COLUMNS: dict[str, Any] = {"id": lakes.column(SIV, "direct_identifier"), "day": "keep", "note": "redact"}
GROWN: Any = {"columns": COLUMNS}


def conf_of(lake: Path) -> Config:
    return config.load(lake / "conf")


def test_a_growing_table_goes_on_under_the_next_version(spark: SparkSession, lake: Path) -> None:
    """What a run in full makes under the new version is what stands there: rows, schema and what fields say."""
    growing.grown(spark, lake, 0, 20)
    growing.run(spark, lake, **GROWN)
    old, new = promoted(lake)
    made = moved_in_place(spark, lake, conf_of(lake), "id")
    assert (made.version, made.rows) == (1, 20)
    growing.check_as_in_full(spark, lake, **GROWN)
    growing.grown(spark, lake, 20, 30)
    again = growing.run(spark, lake, **GROWN)
    assert (again.mode, again.rows) == ("incremental", 10)
    growing.check_as_in_full(spark, lake, **GROWN)
    entry = lakes.record(spark, lake)["columns"]["id"]
    assert entry["key_id"] == new != old
    told = growing.told(spark, lake)
    assert [each["mode"] for each in told] == ["full", "rotation", "incremental"]
    assert told[1]["source_position"] == told[0]["source_position"]
    assert told[1]["rotation"] == {"key": "crm", "mode": "full"}


KEPT: dict[str, str] = {
    "delta.enableChangeDataFeed": "true",
    "delta.dataSkippingStatsColumns": "n",
    "delta.columnMapping.mode": "name",
    "delta.constraints.few": "n < 100",
    "owner.note": "theirs",
}
NESTED: dict[str, Any] = {
    "home.street": lakes.column(SIV, "direct_identifier"),
    "home.zip": "keep",
    "orders[].sku": {"technique": "randomized_encryption", "key": "crm"},
    "orders[].n": "keep",
    "tags{key}": {**SIV, "encoding": "hex"},
    "tags{value}": "keep",
    "born": {**SIV, "encoding": "binary", "output_prefix": "raw"},
    "card": {"technique": "format_preserving_encryption", "key": "crm"},
    "num": "keep",
}
ROWS = [
    (("Main 1", "0250"), [("a", 1), ("b", 2)], {"x": 1, "y": 2}, "1985-02-28", "4000123412341234", 1),
    ((None, "0251"), [], {}, None, None, 2),
    (None, None, None, "1985-02-28", "4000123412341235", 3),
]
DDL = (
    "home struct<street: string, zip: string>, orders array<struct<sku: string, n: int>>, tags map<string, int>, "
    "born string, card string, num int"
)
MOVED = ("home.street", "orders[].sku", "tags{key}", "born", "card")


@pytest.fixture
def nested(spark: SparkSession, lake: Path) -> Path:
    """A treated table of columns of columns, in partitions, with settings of its own."""
    rows = spark.createDataFrame(ROWS, DDL).selectExpr("*", "to_date(born) AS d").drop("born")
    rows.withColumnRenamed("d", "born").write.parquet(str(lake / "raw" / "t"))
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["num"]}
    conf = lakes.configured(lake, lakes.table("t", lake, NESTED, target=target))
    pseudonymize.run(spark, conf, "t", accept_other_key_version=True)
    place = f"delta.`{lake}/treated/t`"
    spark.sql(f"ALTER TABLE {place} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    for name in ("delta.enableChangeDataFeed", "owner.note"):
        spark.sql(f"ALTER TABLE {place} SET TBLPROPERTIES ('{name}' = '{KEPT[name]}')")
    spark.sql(f"ALTER TABLE {place} ADD CONSTRAINT few CHECK (num < 100)")
    spark.sql(f"ALTER TABLE {place} ALTER COLUMN num COMMENT 'how many'")
    return lake


def metadata(spark: SparkSession, lake: Path) -> dict[str, Any]:
    """Of the newest commit that states any."""
    commits = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"), reverse=True)
    lines = (json.loads(line) for each in commits for line in each.read_text().splitlines())
    return next(line["metaData"] for line in lines if "metaData" in line)


def test_all_that_is_not_about_the_key_stays(spark: SparkSession, nested: Path) -> None:
    before = metadata(spark, nested)
    old, _ = promoted(nested)
    moved_in_place(spark, nested, conf_of(nested), *MOVED)
    after = metadata(spark, nested)
    assert {**after, "schemaString": "", "configuration": {}} == {**before, "schemaString": "", "configuration": {}}
    kept = {name: value for name, value in after["configuration"].items() if name != "privacy.record"}
    assert kept == {name: value for name, value in before["configuration"].items() if name != "privacy.record"}
    assert str(old) in before["schemaString"]
    assert str(old) not in after["schemaString"] + after["configuration"]["privacy.record"]
    fields = [
        [{**f, "metadata": {}, "type": ""} for f in json.loads(m["schemaString"])["fields"]] for m in (before, after)
    ]
    assert fields[0] == fields[1]
    assert lakes.treated(spark, nested).schema["num"].metadata["comment"] == "how many"
    paths = [Path(uri.removeprefix("file:")) for uri in lakes.treated(spark, nested).inputFiles()]
    groups = [pq.read_metadata(path).row_group(0) for path in paths]
    assert not any(group.column(at).is_stats_set for group in groups for at in range(group.num_columns))
    check_values(spark, nested)


def check_values(spark: SparkSession, nested: Path) -> None:
    """The way back under the new version gives the values of the source, and the kept ones stand where they stood."""
    conf = conf_of(nested)
    keyset = in_force(nested)
    found = {row["num"]: row for row in lakes.treated(spark, nested).collect()}

    def back(path: str, *tokens: Any) -> list[Any]:
        technique = conf.tables["t"].columns[path].treatment.technique
        domain = str(lakes.record(spark, nested)["columns"][path]["domain"])
        found: list[Any] = revert(technique, pa.array(tokens), key=keyset.subkey(technique, domain)).to_pylist()
        return found

    assert back("home.street", found[1]["home"]["street"]) == ["Main 1"]
    assert [row["n"] for row in found[1]["orders"]] == [1, 2]
    assert back("orders[].sku", *(row["sku"] for row in found[1]["orders"])) == ["a", "b"]
    tags = found[1]["tags"]
    assert dict(zip(back("tags{key}", *tags), tags.values(), strict=True)) == {"x": 1, "y": 2}
    assert back("born", bytes(found[3]["born"])) == ["1985-02-28"]
    assert back("card", found[1]["card"], found[3]["card"]) == ["4000123412341234", "4000123412341235"]
    assert (found[2]["home"]["street"], found[2]["home"]["zip"], found[2]["orders"]) == (None, "0251", [])
    assert found[3]["home"] is None


@pytest.mark.sweep
def test_rows_that_others_wrote_are_not_moved(spark: SparkSession, nested: Path) -> None:
    place = str(nested / "treated" / "t")
    made = DeltaTable.forPath(spark, place)
    made.update("num = 1", {"card": "'9'"})  # of a column that authenticates nothing: of another form
    promoted(nested)
    with pytest.raises(Refused, match="no run of this job wrote"):
        moved_in_place(spark, nested, conf_of(nested), *MOVED)


def test_of_two_at_once_the_later_one_commits_nothing(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing.grown(spark, lake, 0, 20)
    growing.run(spark, lake, **GROWN)
    promoted(lake)

    def meanwhile() -> None:
        spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` SET TBLPROPERTIES ('x' = 'y')")

    with pytest.raises(CommitConflict, match="committed nothing"):
        moved_in_place(spark, lake, conf_of(lake), "id", at_last=meanwhile)
    assert [each["mode"] for each in growing.told(spark, lake)] == ["full"]


def test_a_token_of_another_key_stops_it(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing, and no value in what is told."""
    growing.grown(spark, lake, 0, 20)
    growing.run(spark, lake, **GROWN)
    place = f"delta.`{lake}/treated/t`"
    spark.sql(f"UPDATE {place} SET id = 'canary' WHERE day = date'2026-01-02'")
    promoted(lake)
    monkeypatch.setattr(TargetState, "raw_versions", ())
    monkeypatch.setattr(TargetState, "last_run", lambda self: self.history.commits[0])
    version = DeltaTable.forPath(spark, str(lake / "treated" / "t")).history(1).collect()[0]["version"]
    with pytest.raises(LakenymError, match="t: id: ") as told:
        failures.translated("t", lambda: moved_in_place(spark, lake, conf_of(lake), "id"))
    assert "canary" not in str(told.value)
    assert DeltaTable.forPath(spark, str(lake / "treated" / "t")).history(1).collect()[0]["version"] == version
