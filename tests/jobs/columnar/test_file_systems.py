"""Files by Arrow: on this machine, and in S3 by a real server."""

from __future__ import annotations

import dataclasses
import gc
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.fs as pafs
import pytest
from pyspark.sql import SparkSession

from jobs.columnar import fitting, s3
from jobs.columnar.file_systems import Access, access, parted
from jobs.columnar.unfit import NotColumnar
from tests.helpers.key_servers import free_port, kms_server

ODD = (
    "a b/c=1%2F2/x.parquet",
    "p+q/x#y?z.parquet",
    "c=2020-01-01 00%3A00%3A00/ß~é'\".parquet",
    "a&b/$x@,;=!*().parquet",
    "back\\slash/日本 𝄞.bin",
)
CREDENTIALS = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "hush", "region_name": "us-east-1"}


def in_s3(port: int) -> Access:
    keys = ("AKIA", "hush", "")
    return Access(buckets=(s3.Bucket("lake", "us-east-1", f"127.0.0.1:{port}", "http", by_path=True, keys=keys),))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Any]]:
    """The port of a server of S3 with a bucket ``lake``, and AWS's own client for it."""
    with kms_server() as port:
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **CREDENTIALS)
        client.create_bucket(Bucket="lake")
        yield port, client


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_taken_to_the_letter(name: str, server: tuple[int, Any], tmp_path: Path) -> None:
    port, client = server
    for uri in (f"s3a://lake/odd/{name}", f"file:{tmp_path}/{name}", f"file://{tmp_path}/{name}"):
        files = in_s3(port)
        with files.open_output(uri) as sink:
            sink.write(name.encode())
        folder, _, last = uri.rpartition("/")
        assert files.list_names(folder) == [last]
        assert files.open_input(uri).read() == name.encode()
        seen = client.get_object(Bucket="lake", Key=f"odd/{name}")["Body"].read() if uri[0] == "s" else b""
        assert name.encode() == (seen or (tmp_path / name).read_bytes())
        files.delete(uri)
        files.delete(uri)
        assert files.list_names(folder) == []
        with pytest.raises(NotColumnar) as caught:
            files.open_input(uri)
        assert last not in str(caught.value)


def test_writing_makes_one_object_and_no_folder(server: tuple[int, Any]) -> None:
    port, client = server
    with in_s3(port).open_output("s3a://lake/alone/a/b") as sink:
        sink.write(b"x" * 12_000_000)
    found = client.list_objects_v2(Bucket="lake", Prefix="alone/")["Contents"]
    assert [(each["Key"], each["Size"]) for each in found] == [("alone/a/b", 12_000_000)]


def failed_write(files: Access, uri: str, size: int) -> None:
    with files.open_output(uri) as sink:
        sink.write(b"x" * size)
        raise KeyError


@pytest.mark.parametrize("size", [10, 12_000_000])
def test_a_failed_write_leaves_no_file(size: int, server: tuple[int, Any], tmp_path: Path) -> None:
    port, client = server
    for uri in ("s3a://lake/failed/x", f"file:{tmp_path}/x"):
        with pytest.raises(KeyError):
            failed_write(in_s3(port), uri, size)
        gc.collect()
        assert in_s3(port).list_names(uri.rpartition("/")[0]) == []
    assert client.list_multipart_uploads(Bucket="lake").get("Uploads", []) == []


def test_places_that_were_not_asked_for(server: tuple[int, Any]) -> None:
    for uri in ("s3a://other/x", "hdfs://host/x"):
        with pytest.raises(NotColumnar):
            in_s3(server[0]).open(uri)


@pytest.mark.parametrize(
    "uri",
    ["s3a://lake//x", "s3a://lake/a/../x", "s3a://lake/x/", "file://host/x", "/x", "file:x", "s3a://AKIA:hush@lake/x"],
)
def test_a_path_that_hadoop_does_not_spell_so(uri: str) -> None:
    with pytest.raises(NotColumnar):
        parted(uri)


def test_a_path_in_parts() -> None:
    assert parted("s3a://lake/a:b/c?d#e%2F") == ("s3a", "lake", "/a:b/c?d#e%2F")
    assert parted("file:///x") == parted("file:/x") == ("file", "", "/x")
    assert parted("s3a://lake") == ("s3a", "lake", "")


def test_a_file_has_the_rights_that_hadoop_gives(spark: SparkSession, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    old = os.umask(0o077)
    try:
        spark.range(1).coalesce(1).write.parquet(str(theirs))
        with access(spark, [f"file:{tmp_path}"]).open_output(f"file:{ours}/x.parquet") as sink:
            sink.write(next(theirs.glob("*.parquet")).read_bytes())
    finally:
        os.umask(old)
    rights = stat.S_IMODE(next(theirs.glob("*.parquet")).stat().st_mode)
    assert stat.S_IMODE((ours / "x.parquet").stat().st_mode) == rights
    assert [row.id for row in spark.read.parquet(str(ours)).collect()] == [0]  # without a side file .x.parquet.crc


@pytest.mark.parametrize("scheme", ["hdfs", "abfss", "gs", "viewfs", "s3n"])
def test_what_arrow_does_not_reach_says_so(spark: SparkSession, scheme: str) -> None:
    with pytest.raises(NotColumnar, match=f"files of {scheme}: are reached by Spark only"):
        access(spark, [f"{scheme}://store/x"])


def test_s3_without_its_jars_is_not_columnar(spark: SparkSession) -> None:
    with pytest.raises(NotColumnar, match="Hadoop's file system cannot be had"):
        access(spark, ["s3a://lake/x"])


def test_a_server_that_is_not_there_is_not_columnar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked once, without the pauses of those who ask again."""
    once = pafs.AwsStandardS3RetryStrategy(max_attempts=1)
    monkeypatch.setattr(pafs, "AwsStandardS3RetryStrategy", lambda max_attempts: once)
    nobody = dataclasses.replace(in_s3(free_port()).buckets[0], region="us-east-2")
    with pytest.raises(NotColumnar, match="could not list a folder"):
        Access(buckets=(nobody,)).list_names("s3a://lake/x")


@pytest.mark.parametrize("other", ["gs://lake/t/x", "hdfs://lake/t/x", "viewfs://lake/t/x"])
def test_another_store_of_the_same_name_is_not_the_bucket(spark: SparkSession, other: str) -> None:
    files = in_s3(1)
    with pytest.raises(NotColumnar, match="outside the places"):
        files.open(other)
    assert fitting.one_of_each_store(["s3a://lake/a", other, "s3a://lake/b"]) == ["s3a://lake/b", other]
    with pytest.raises(NotColumnar, match=r"reached by Spark only|cannot be had"):
        access(spark, fitting.one_of_each_store([other, "s3a://lake/b"]))
