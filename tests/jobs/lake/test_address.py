"""One class says where a table is; by path and by name it answers the same questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.models import Source, Target
from jobs.configuration.policy_entries import Snapshots
from jobs.lake import databases
from jobs.lake.address import Address
from jobs.lake.append import append
from jobs.lake.columns import column, dotted


def test_it_is_a_path_or_a_name() -> None:
    for wrong in ({}, {"path": "/t", "table": "t"}):
        with pytest.raises(ValueError, match="either a path or a table's name"):
            Address(**wrong)
    places = (Source(path="/t", format="delta"), Target(path="/t"), Snapshots(path="/t"))
    assert {Address.of(place) for place in places} == {Address(path="/t")}
    assert Address.of(Source(table="a.b")) == Address.of(Target(table="a.b")) == Address(table="a.b")


@pytest.mark.parametrize(
    ("address", "sql"),
    [
        (Address(path="/lake/t"), "delta.`/lake/t`"),
        (Address(path="/it's `/t"), "delta.`/it's ``/t`"),
        (Address(table="crm.customers"), "`crm`.`customers`"),
        (Address(table="crm.it`s a-t"), "`crm`.`it``s a-t`"),
    ],
)
def test_sql_takes_it_whatever_characters_it_has(address: Address, sql: str) -> None:
    assert address.sql == sql
    assert dotted("a.b", "c`d") == "`a.b`.`c``d`"


@pytest.mark.parametrize("by", ["path", "name"])
def test_what_a_delta_table_says_of_itself(spark: SparkSession, lake: Path, by: str) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS addresses")
    address = Address(path=f"{lake}/it's a t") if by == "path" else Address(table="addresses.t")
    try:
        assert not address.exists(spark)
        for count in (1, 2):
            append(spark.range(count).withColumn("a.b", F.lit(1)), address, {"delta.appendOnly": "true"})
        assert address.exists(spark)
        assert address.is_delta(spark)
        assert address.version(spark) == 1
        assert [row["version"] for row in address.history(spark).collect()] == [1, 0]
        assert address.properties(spark)["delta.appendOnly"] == "true"
        assert address.read(spark).select(column("a.b")).count() == 3
        assert address.read(spark, {"versionAsOf": "0"}).count() == 1
        assert Address(path=address.location(spark)).read(spark).count() == 3
        assert databases.tables(spark, "addresses") == ([] if by == "path" else ["t"])
    finally:
        spark.sql("DROP DATABASE addresses CASCADE")


def test_a_view_is_there_and_no_delta_table(spark: SparkSession) -> None:
    assert not databases.exists(spark, "addresses")
    spark.sql("CREATE DATABASE addresses")
    spark.sql("CREATE VIEW addresses.v AS SELECT 1 AS a")
    try:
        view = Address(table="addresses.v")
        assert (view.exists(spark), view.is_delta(spark)) == (True, False)
        assert view.read(spark).collect()[0]["a"] == 1
        assert databases.tables(spark, "addresses") == []
    finally:
        spark.sql("DROP DATABASE addresses CASCADE")
