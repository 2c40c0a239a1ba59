"""One Spark session for the whole suite: two cores, few partitions, no UI, UTC."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from pyspark.sql import SparkSession

from jobs.spark_app.session import DELTA
from tests.helpers.standalone import LONG_LIVED, SHORT_LIVED

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no fault
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
hypothesis.settings.load_profile("suite")
# Every JVM of the suite but this session's is short-lived: it saves more by compiling little than fast code would win.
os.environ["SPARK_SUBMIT_OPTS"] = os.environ["SPARK_LAUNCHER_OPTS"] = SHORT_LIVED
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
os.environ["TZ"] = "UTC"

JOURNEYS = Path(__file__).parent / "journeys"
QUICK = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.cache.maxEntries": "2000",  # the same plans come again in a thousand tests
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",  # VACUUM plans as many tasks as this says
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-spark", action="store_true", help="leave out what starts Spark: the inner loop")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-spark"):
        hypothesis.settings.load_profile("quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Journeys start Spark in processes of their own, all others by the fixture."""
    if config.getoption("--without-spark"):
        left_out = {item for item in items if "spark" in item.fixturenames or JOURNEYS in item.path.parents}  # type: ignore[attr-defined]
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for key, value in {**DELTA, **QUICK}.items():
        builder = builder.config(key, value)
    builder = builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", LONG_LIVED)
        session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def _settings_at_first(spark: SparkSession) -> dict[str, str]:
    return _settings(spark)


@pytest.fixture(autouse=True)
def _settings_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test, and nothing that one calls, leaves a setting in the session that all share: by the mark of a run alone
    Delta passes over the writes of others without a word."""
    if "spark" not in request.fixturenames:
        yield
        return
    first, session = request.getfixturevalue("_settings_at_first"), request.getfixturevalue("spark")
    yield
    now = _settings(session)
    for name in now.keys() - first.keys():  # what one test left is not to fail the next
        session.conf.unset(name)
    assert now == first, "the session's settings are not as they were"


def _settings(session: SparkSession) -> dict[str, str]:
    """But for those that Spark and Delta set by themselves: a job's name, the last commit, how ids of columns are
    read."""
    of_spark = ("spark.app.name", "spark.databricks.delta.lastCommitVersionInSession", "spark.sql.parquet.fieldId.")
    return {name: value for name, value in session.conf.getAll.items() if not name.startswith(of_spark)}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An empty folder for the raw and treated tables of one test."""
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake"
