"""Places that Spark has no file system for: each way to one says which jars are missing, and nothing is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from jobs import shred, tokens
from jobs.erasure import keeping_out
from jobs.lake import small_files
from jobs.spark_app import failures
from jobs.subjects import asked

S3 = "s3a://bucket/x"
CURE = "Spark has no file system for s3a://, as its jars are missing: start Spark with --packages org.apache.hadoop:"
WAYS: dict[str, Callable[[SparkSession], object]] = {
    "a vault": lambda spark: tokens.create(spark, S3),
    "a table of keys": lambda spark: shred.create(spark, S3),
    "a list of the erased": lambda spark: keeping_out.make(spark, S3),
    "checkpoints": lambda spark: small_files.names(spark, S3),
    "a file that is written": lambda spark: small_files.create(spark, S3, "a", "text"),
    "ids of a table": lambda spark: asked.of_table(spark, "customer", S3, "id"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_what_is_missing_is_told(way: Callable[[SparkSession], object], spark: SparkSession) -> None:
    heard = list[failures.Failed]()

    def step() -> int:
        try:
            way(spark)
        except small_files.CannotStore as error:
            raise failures.RunFailed(str(error)) from None
        return 0

    assert failures.exit_code(heard.append, step) == 3  # type: ignore[arg-type]
    (failed,) = heard
    assert CURE in failed.message
    assert "defect" not in failed.message
