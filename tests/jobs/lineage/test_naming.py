"""Names of tables, held against OpenLineage's table of naming conventions, https://openlineage.io/docs/spec/naming."""

from __future__ import annotations

import os

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Source, Target
from jobs.lake import java
from jobs.lineage import naming, places

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
    "s3a://id:sec/ret@bucket/raw": ("s3://bucket", "raw", "s3://bucket/raw"),
    "s3a://id:sec/re/t@bucket": ("s3://bucket", "/", "s3://bucket/"),
    "https://me:secret@host:8443/a": ("https://host:8443", "/a", "https://host:8443/a"),
    "hdfs://me:secret@name:8020/a@b": ("hdfs://name:8020", "/a@b", "hdfs://name:8020/a%40b"),
    "hdfs://[::1]:8020/a@b": ("hdfs://[::1]:8020", "/a@b", "hdfs://[::1]:8020/a%40b"),
    "abfss://c:secret@acc.dfs.core.windows.net/a": (
        "abfss://acc.dfs.core.windows.net",
        "a",
        "abfss://acc.dfs.core.windows.net/a",
    ),
    "abfss://c:sec/ret@acc.dfs.core.windows.net/a": (
        "abfss://acc.dfs.core.windows.net",
        "a",
        "abfss://acc.dfs.core.windows.net/a",
    ),
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
    assert not any("secret" in str(each) or "re/t" in str(each) or "ret" in str(each) for each in PATHS[path])


def test_a_relative_path_is_one_of_this_folder() -> None:
    assert naming.of_path("lake/a").name == f"{os.getcwd()}/lake/a"


@pytest.mark.parametrize(
    "path",
    [
        "/lake/raw/a",
        "raw/a",
        "viewfs:/lake/raw",
        "viewfs:///lake/raw",
        "viewfs://lake.example.org/lake",
        "file:/lake/a",
    ],
)
def test_a_path_is_made_whole_as_hadoop_does_it(spark: SparkSession, path: str) -> None:
    """With another file system than the local one as that of paths without a scheme (fs.defaultFS)."""
    of_lake = spark.newSession()
    of_lake.conf.set("fs.defaultFS", "viewfs://lake.example.org")
    of_lake.conf.set("fs.viewfs.mounttable.lake.example.org.link./lake", "file:///lake")
    of_lake.conf.set("fs.viewfs.mounttable.lake.example.org.link./user", "file:///user")
    given = java.hadoop_path(of_lake, path)
    files = given.getFileSystem(of_lake._jsparkSession.sessionState().newHadoopConf())
    theirs = naming.of_path(str(files.makeQualified(given).toString()))
    for place in (Target(path=path), Source(path=path, format="delta")):
        ours = places.of(of_lake, place)
        assert (ours.namespace, ours.name, ours.uri) == theirs
    assert theirs.namespace == ("file" if path.startswith("file") else "viewfs://lake.example.org")


def test_a_password_of_a_metastore_is_not_told() -> None:
    settings = {naming.METASTORE: "thrift://me:secret@meta.example.org:9083"}
    assert "secret" not in str(naming.of_table("crm.customers", settings.get))
    settings = {naming.WAREHOUSE: "s3a://me:sec/ret@bucket/w"}
    assert naming.of_table("a.b", settings.get).namespace == "s3://bucket/w"


@pytest.mark.parametrize("name", ["crm.customers", "spark_catalog.crm.customers", "`crm`.`Customers`"])
def test_a_table_by_name_is_hives(name: str) -> None:
    settings = {naming.METASTORE: "thrift://meta.example.org:9083,thrift://other:1"}
    assert naming.of_table(name, settings.get)[:2] == ("hive://meta.example.org:9083", "crm.customers")


def test_without_a_metastore_a_table_is_one_of_the_warehouse() -> None:
    settings = {naming.WAREHOUSE: "file:/lake/warehouse"}
    assert naming.of_table("customers", settings.get)[:2] == ("file:/lake/warehouse", "default.customers")
    assert naming.of_table("a.`b.c`", settings.get).name == "a.b.c"
