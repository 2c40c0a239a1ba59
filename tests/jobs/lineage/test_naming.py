"""Names of tables, held against OpenLineage's table of naming conventions, https://openlineage.io/docs/spec/naming."""

from __future__ import annotations

import os

import pytest

from jobs.lineage import naming

PATHS = {
    "/lake/raw/customers": ("file", "/lake/raw/customers", "file:///lake/raw/customers"),
    "/lake//raw/x/../customers/": ("file", "/lake/raw/customers", "file:///lake/raw/customers"),
    "//lake/a": ("file", "/lake/a", "file:///lake/a"),
    "file:/lake/a b": ("file", "/lake/a b", "file:///lake/a%20b"),
    "file:///lake/a": ("file", "/lake/a", "file:///lake/a"),
    "file://far/lake/a": ("file://far", "/lake/a", "file://far/lake/a"),
    "s3://bucket/raw/a/": ("s3://bucket", "raw/a", "s3://bucket/raw/a"),
    "s3a://bucket/raw/a": ("s3://bucket", "raw/a", "s3://bucket/raw/a"),
    "s3a://id:secret@bucket/raw": ("s3://bucket", "raw", "s3://bucket/raw"),
    "s3://bucket": ("s3://bucket", "/", "s3://bucket/"),
    "gs://bucket/raw/a": ("gs://bucket", "raw/a", "gs://bucket/raw/a"),
    "hdfs://name:8020/lake/a": ("hdfs://name:8020", "/lake/a", "hdfs://name:8020/lake/a"),
    "abfs://c@acc.dfs.core.windows.net/a": (
        "abfss://c@acc.dfs.core.windows.net",
        "a",
        "abfss://c@acc.dfs.core.windows.net/a",
    ),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_named_as_the_conventions_say(path: str) -> None:
    assert naming.of_path(path) == PATHS[path]


def test_a_relative_path_is_one_of_this_folder() -> None:
    assert naming.of_path("lake/a").name == f"{os.getcwd()}/lake/a"


@pytest.mark.parametrize("name", ["crm.customers", "spark_catalog.crm.customers", "`crm`.`Customers`"])
def test_a_table_by_name_is_hives(name: str) -> None:
    settings = {naming.METASTORE: "thrift://meta.example.org:9083,thrift://other:1"}
    assert naming.of_table(name, settings.get)[:2] == ("hive://meta.example.org:9083", "crm.customers")


def test_without_a_metastore_a_table_is_one_of_the_warehouse() -> None:
    settings = {naming.WAREHOUSE: "file:/lake/warehouse"}
    assert naming.of_table("customers", settings.get)[:2] == ("file:/lake/warehouse", "default.customers")
    assert naming.of_table("a.`b.c`", settings.get).name == "a.b.c"
