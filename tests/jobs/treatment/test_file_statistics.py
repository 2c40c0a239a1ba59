"""Which columns' least and greatest values the Delta log holds, read from the log itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs import plan as plans
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import Target
from jobs.pseudonymize import run
from jobs.treatment import file_statistics, parquet_statistics
from jobs.treatment.file_statistics import COLUMNS
from tests.helpers import lakes
from tests.helpers.lakes import configured, table
from tests.jobs.treatment.test_treatment_plan import planned, struct

HASHED = {"domain": "customer"}
KEPT = lakes.column("keep", "non_personal")
SCHEMA = "id bigint, name string, `odd name` string, paid boolean, photo binary, tags array<string>, home struct<"
SCHEMA += "street: string, zip: string, `a.b`: int>, region string"
ROW = (1, "Ann", "x", True, b"png", ["a"], ("High St", "0250", 3), "N")
TREATED = {
    "id": HASHED,
    "name": KEPT,
    "`odd name`": KEPT,
    "paid": KEPT,
    "photo": KEPT,
    "tags[]": KEPT,
    "home.street": HASHED,
    "home.zip": KEPT,
    "home.`a.b`": KEPT,
    "region": KEPT,
}


def least_values(spark: SparkSession, lake: Path, columns: dict[str, Any] = TREATED, **target: Any) -> dict[str, Any]:
    """Run the job; the newest commit's least values, by the path of the column, physical names made logical."""
    spark.createDataFrame([ROW], SCHEMA).write.mode("overwrite").parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, columns, target={"path": str(lake / "treated" / "t"), **target}))
    run(spark, conf, "t")
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))[-1].read_text(encoding="utf-8").splitlines()
    actions = [json.loads(line) for line in log]
    schema = next(json.loads(each["metaData"]["schemaString"]) for each in actions if "metaData" in each)
    stats = next(json.loads(each["add"]["stats"]) for each in actions if "add" in each)
    return logical(stats.get("minValues", {}), schema)


def logical(values: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    physical = "delta.columnMapping.physicalName"
    fields = {field["metadata"].get(physical, field["name"]): field for field in schema["fields"]}
    return {
        fields[key]["name"]: logical(value, fields[key]["type"]) if isinstance(value, dict) else value
        for key, value in values.items()
    }


def test_pseudonyms_have_none(spark: SparkSession, lake: Path) -> None:
    expected = {"name": "Ann", "odd name": "x", "home": {"zip": "0250", "a.b": 3}, "region": "N"}
    assert least_values(spark, lake) == expected


def test_a_table_of_pseudonyms_only_has_none_at_all(spark: SparkSession, lake: Path) -> None:
    names = ("name", "`odd name`", "paid", "photo", "tags", "home", "region")
    columns = {"id": HASHED, **dict.fromkeys(names, "drop")}
    assert least_values(spark, lake, columns) == {}


def test_columns_to_cluster_by_have_them(spark: SparkSession, lake: Path) -> None:
    assert set(least_values(spark, lake, cluster_by=["id", "name"])) == {"id", "name", "odd name", "home", "region"}


def test_columns_to_partition_by_are_no_part_of_it(spark: SparkSession, lake: Path) -> None:
    assert set(least_values(spark, lake, partition_by=["region"])) == {"name", "odd name", "home"}


@pytest.mark.parametrize("name", [COLUMNS, "delta.dataSkippingNumIndexedCols"])
def test_the_catalog_decides(spark: SparkSession, lake: Path, name: str) -> None:
    chosen = {COLUMNS: "id", "delta.dataSkippingNumIndexedCols": "1"}[name]
    assert set(least_values(spark, lake, properties={name: chosen})) == {"id"}


def test_it_follows_the_columns_on_replace(spark: SparkSession, lake: Path) -> None:
    assert "name" in least_values(spark, lake)
    assert set(least_values(spark, lake, {**TREATED, "name": "drop", "id": KEPT})) == {
        "id", "odd name", "home", "region",
    }  # fmt: skip


def test_without_pseudonyms_and_identifying_columns_delta_decides(spark: SparkSession, lake: Path) -> None:
    least_values(spark, lake, dict.fromkeys(TREATED, KEPT))
    assert COLUMNS not in lakes.properties(spark, lake)


def parquet_columns_with_statistics(lake: Path) -> set[str]:
    file = next((lake / "treated" / "t").glob("*.parquet"))
    group = pq.ParquetFile(file).metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    return {column.path_in_schema for column in columns if column.is_stats_set and column.statistics.has_min_max}


def test_the_parts_of_a_file_have_none_either(spark: SparkSession, lake: Path) -> None:
    columns = {path: how for path, how in TREATED.items() if "`" not in path}
    spark.createDataFrame([ROW], SCHEMA).drop("odd name").withColumn(
        "home", F.col("home").dropFields("`a.b`")
    ).write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, columns))
    run(spark, conf, "t")
    found = parquet_columns_with_statistics(lake)
    assert {"name", "home.zip", "region"} <= found
    assert not found & {"id", "home.street"}


def test_a_dot_in_a_name_hides_all_of_a_file() -> None:
    """Parquet reads the name in such a setting as a path: of a column `first.name` it would never find the column."""
    off = dict.fromkeys(parquet_statistics.KINDS, "false")
    zip_, dotted = ColumnPath.parse("home.zip"), ColumnPath.parse("home.`first.name`")
    assert parquet_statistics.without([zip_, dotted], mapped=False) == off
    assert parquet_statistics.without([zip_], mapped=False) == {f"{kind}#home.zip": "false" for kind in off}


# -- columns that identify people -------------------------------------------------------------------------------------

FIRST, LAST, NUMBER = "Aardvarkstreet", "Zyzzyvaplatz", 7718281828459045
ASKED = {"statistics": True}
PEOPLE: dict[str, Any] = {
    "id": lakes.column(HASHED, "direct_identifier"),
    "zip": lakes.column("keep"),
    "account": lakes.column("keep"),
    "home.street": lakes.column("keep"),
    "tags[]": lakes.column("keep"),
    "by{key}": lakes.column("keep"),
    "by{value}.nick": lakes.column("keep"),
    "amount": lakes.column("keep", "sensitive"),
    "note": KEPT,
}
HIDDEN = ("zip", "home.street", "tags", "by", "nick")


def people(spark: SparkSession, at: int) -> Any:
    """A row; every value of a column that identifies stands in one column of one row."""
    edge = FIRST if at % 2 else LAST
    given = [f"{edge}-{name}-{at}" for name in HIDDEN]
    rows = [(f"C-{at}", given[0], NUMBER + at, (given[1],), [given[2]], {given[3]: (given[4],)}, 5150 + at, f"n{at}")]
    schema = "id string, zip string, account bigint, home struct<street: string>, tags array<string>, "
    return spark.createDataFrame(
        rows, schema + "by map<string, struct<nick: string>>, amount int, note string"
    ).coalesce(1)


def needles(at: int) -> list[bytes]:
    texts = [f"{FIRST if at % 2 else LAST}-{name}-{at}".encode() for name in HIDDEN]
    return [*texts, (NUMBER + at).to_bytes(8, "little")]


def in_log(lake: Path) -> bytes:
    """All bytes of the table's log: commits, checksums, and checkpoints once more as plain text."""
    found = []
    for path in sorted((lake / "treated" / "t" / "_delta_log").rglob("*")):
        if path.is_file():
            found.append(path.read_bytes())
            if path.name.endswith(".checkpoint.parquet"):
                found.append(str(pq.read_table(path).to_pylist()).encode())
    return b"".join(found)


def checkpointed(spark: SparkSession, lake: Path) -> None:
    jvm: Any = spark._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, str(lake / "treated" / "t"))
    log.update(False, jvm.scala.Option.empty(), jvm.scala.Option.empty())
    log.checkpoint()


MAPPED = {"delta.columnMapping.mode": "name"}
WAYS = [("columnar", {}), ("spark", {}), ("spark", MAPPED)]


@pytest.mark.parametrize(("execution", "properties"), WAYS, ids=["columnar", "spark", "mapped"])
def test_no_value_of_a_column_that_identifies_stands_beside_its_rows(
    spark: SparkSession, lake: Path, execution: Any, properties: dict[str, str]
) -> None:
    """Least and greatest of files of a row each are those of that row. Each value is there once, where its row is: not
    in the log, its checksums and checkpoints, nor once more in a footer, an index or a header of a page."""
    raw = str(lake / "raw" / "t")
    people(spark, 0).write.format("delta").save(raw)
    stated = {"delta.parquet.compression.codec": "uncompressed", **properties}
    target = {"path": str(lake / "treated" / "t"), "mode": "incremental", "properties": stated}
    source = {"format": "delta", "path": raw}
    conf = configured(lake, table("t", lake, PEOPLE, source=source, target=target, execution=execution))
    assert run(spark, conf, "t").execution == execution
    people(spark, 1).write.format("delta").mode("append").save(raw)
    assert (run(spark, conf, "t").mode, lakes.treated(spark, lake).count()) == ("incremental", 2)
    checkpointed(spark, lake)
    log = in_log(lake)
    assert b'"amount":5150' in log or b"5150" in log, "what does not identify is measured, and the search sees it"
    paths = [path for path in (lake / "treated" / "t").rglob("*.parquet") if path.parent.name != "_delta_log"]
    files = [path.read_bytes() for path in paths]
    assert [".snappy." in path.name for path in paths] == [False, False], "else a value may not be found"
    for at in (0, 1):
        for needle in needles(at):
            assert needle not in log
            assert [each.count(needle) for each in files].count(1) == 1, needle
            assert sum(each.count(needle) for each in files) == 1, needle
        assert str(NUMBER + at).encode() not in log


def test_a_name_with_a_dot_has_none_in_footers_of_sparks_path(spark: SparkSession, lake: Path) -> None:
    spark.createDataFrame([("Anna", "x")], "`first.name` string, note string").write.parquet(str(lake / "raw" / "t"))
    columns = {"`first.name`": lakes.column("keep"), "note": KEPT}
    assert run(spark, configured(lake, table("t", lake, columns, execution="spark")), "t").execution == "spark"
    (file,) = files_of(lake)
    group = pq.ParquetFile(file).metadata.row_group(0)
    assert [group.column(at).path_in_schema for at in (0, 1)] == ["first.name", "note"]
    assert bounded(file) == set()


def test_the_catalog_asks_for_them_column_by_column(spark: SparkSession, lake: Path) -> None:
    people(spark, 0).write.parquet(str(lake / "raw" / "t"))
    asked = {name: {**PEOPLE[name], **ASKED} for name in ("id", "home.street")}
    conf = configured(lake, table("t", lake, {**PEOPLE, **asked, "note": {**KEPT, "statistics": False}}))
    run(spark, conf, "t")
    stated = lakes.properties(spark, lake)[COLUMNS]
    assert stated == "`id`,`home`.`street`,`amount`"
    assert parquet_columns_with_statistics(lake) == {"id", "home.street", "amount"}
    assert f"{LAST}-home.street-0".encode() in in_log(lake)
    assert f"{LAST}-zip-0".encode() not in in_log(lake)


def test_a_table_is_clustered_by_columns_that_have_them(spark: SparkSession, lake: Path) -> None:
    people(spark, 0).write.parquet(str(lake / "raw" / "t"))
    target = {"path": str(lake / "treated" / "t"), "cluster_by": ["zip"]}
    run(spark, configured(lake, table("t", lake, PEOPLE, target=target)), "t")
    assert lakes.properties(spark, lake)[COLUMNS] == "`amount`,`note`,`zip`"


def commits(lake: Path) -> list[Path]:
    return sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))


def files_of(lake: Path) -> list[Path]:
    return [path for path in (lake / "treated" / "t").rglob("*.parquet") if path.parent.name != "_delta_log"]


def bounded(path: Path) -> set[str]:
    footer = pq.ParquetFile(path).metadata
    groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
    columns = [group.column(at) for group in groups for at in range(group.num_columns)]
    return {each.path_in_schema for each in columns if each.is_stats_set and each.statistics.has_min_max}


SMALL = {"k": 2, "at_most": 0.9}
MODES: dict[str, dict[str, Any]] = {
    "changes": {"target": {"mode": "changes", "key": ["id"]}},
    "partitions": {"target": {"mode": "partitions", "partition_by": ["note"]}, "where": "note = 'n0'"},
    "small classes": {"suppress": SMALL},
    "small classes by Spark": {"suppress": SMALL, "execution": "spark"},
    "boxes": {"mondrian": {"k": 2}},
    "boxes by Spark": {"mondrian": {"k": 2}, "execution": "spark"},
}


@pytest.mark.sweep
@pytest.mark.parametrize("name", MODES)
def test_every_way_of_writing_leaves_them_out(spark: SparkSession, lake: Path, name: str) -> None:
    """Rows that change, partitions that are replaced, and files that are written anew without rows or with boxes."""
    given = dict(MODES[name])
    target, where = {"path": str(lake / "treated" / "t"), **given.pop("target", {})}, given.pop("where", None)
    raw, fed = str(lake / "raw" / "t"), {"delta.enableChangeDataFeed": "true"}
    frame = spark.range(0, 40, 1, 2).selectExpr(
        "concat('C-', id) AS id", "concat('zip', id % 3) AS zip", "int(id % 5) AS age", "concat('n', id % 2) AS note"
    )
    frame.write.format("delta").options(**fed).save(raw)
    columns = {"id": PEOPLE["id"], "zip": lakes.column("keep"), "age": lakes.column("keep"), "note": KEPT}
    entry = table("t", lake, columns, source={"format": "delta", "path": raw}, **{"target": target, **given})
    conf = configured(lake, entry)
    run(spark, conf, "t", **({"mode": "full"} if where else {}))
    spark.sql(f"UPDATE delta.`{raw}` SET age = age + 1 WHERE id IN ('C-1', 'C-2', 'C-4')")
    run(spark, conf, "t", **({"where": where} if where else {}))
    found = [bounded(path) for path in files_of(lake)]
    assert len(found) > 1
    assert all(each <= {"note"} for each in found), found
    assert name == "partitions" or any(found), "what does not identify is measured"
    said = [json.loads(line) for path in commits(lake) for line in path.read_text().splitlines()]
    stats = [json.loads(each["add"]["stats"]) for each in said if "stats" in each.get("add", {})]
    assert {key for each in stats for key in (*each.get("minValues", {}), *each.get("maxValues", {}))} <= {"note"}


def test_what_a_table_of_before_goes_on_keeping() -> None:
    """By its list of columns, by the number of leaves, or by Delta's own number where it says nothing."""
    keep = {"technique": "keep"}
    text, inner = T.StringType(), struct(b=T.IntegerType(), c=T.StringType())
    schema = struct(a=text, s=inner, l=T.ArrayType(text), p=text, h=text)
    leaves = {"a": keep, "s.b": keep, "s.c": keep, "l[]": keep, "p": keep, "h": {"technique": "keyed_hash"}}
    plan = planned(leaves, schema, target=Target(path="/t", partition_by=("p",)))
    for properties, expected in (
        ({}, ["a", "s.b", "s.c", "h"]),
        ({COLUMNS: ""}, []),
        ({COLUMNS: "`s`.`c`, h"}, ["s.c", "h"]),
        ({COLUMNS.upper(): "s"}, ["s.b", "s.c"]),
        ({"delta.dataSkippingNumIndexedCols": "2"}, ["a", "s.b"]),
        ({"delta.dataSkippingNumIndexedCols": "-1"}, ["a", "s.b", "s.c", "h"]),
        ({COLUMNS: "a", "delta.dataSkippingNumIndexedCols": "0"}, ["a"]),
    ):
        assert list(map(str, file_statistics.still_kept(plan, properties))) == expected, properties
    assert file_statistics.asked_for(plan) == []
    by_number = Target(path="/t", properties={"delta.dataSkippingNumIndexedCols": "2"})
    assert list(map(str, file_statistics.asked_for(planned(leaves, schema, target=by_number)))) == ["a", "s.b"]
    assert list(map(str, file_statistics.unmeasured(planned(leaves, schema, target=by_number)))) == [
        "s.c", "l[]", "p", "h",
    ]  # fmt: skip


def test_a_plan_says_so() -> None:
    schema, leaves = (
        struct(a=T.StringType(), b=T.StringType()),
        {"a": {"technique": "keep"}, "b": {"technique": "keep"}},
    )
    plan = planned(leaves, schema, target=Target(path="/t", cluster_by=("a",)))
    assert plans.as_data(plan)["statistics"] == ["a"]
    assert "  the least and greatest values of a are kept\n" in plans.as_text(plan)
    assert "statistics" not in plans.as_data(planned(leaves, schema))


def test_two_thousand_columns_take_no_time() -> None:
    names = [f"c{at}" for at in range(2000)]
    schema = T.StructType([T.StructField(name, T.StringType()) for name in names])
    target = Target(path="/t", cluster_by=("c1999",), properties={"delta.dataSkippingNumIndexedCols": "2000"})
    plan = planned({name: {"technique": "keep"} for name in names}, schema, target=target)
    start = time.process_time()
    assert (len(file_statistics.asked_for(plan)), file_statistics.unmeasured(plan)) == (2000, [])
    assert time.process_time() - start < 2
