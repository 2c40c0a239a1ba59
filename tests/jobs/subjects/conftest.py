"""One treated lake for all tests of persons in tables, who leave it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from tests.helpers import persons


@pytest.fixture(scope="package")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("persons")


@pytest.fixture(scope="package")
def conf(spark: SparkSession, lake: Path) -> Config:
    """With a log, and a policy of who may approve subject access."""
    conf = persons.with_access(spark, lake)
    pseudonymize.run(spark, conf, "t")
    return conf
