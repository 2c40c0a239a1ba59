"""How a local table's log is written: with few processes and jobs, and as whole as ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.configuration.models import Execution
from jobs.lake import delta_commit
from jobs.lake.active_session import active
from jobs.lake.delta_commit import log_files
from jobs.lake.delta_commit.scala import java, java_class, java_session
from jobs.lake.java import hadoop_path
from tests.helpers.lakes import configured, table
from tests.helpers.sweeps import but_for

SETTINGS = {**log_files.ANEW, **log_files.LOCAL, **log_files.BARE}
(MANAGER,), (IMPLEMENTATION,) = log_files.LOCAL, log_files.BARE
LINKS = "org.apache.spark.sql.execution.streaming.checkpointing.FileContextBasedCheckpointFileManager"


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Config:
    spark.range(3).coalesce(1).write.format("delta").save(str(lake / "raw" / "t"))
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    return configured(lake, table("t", lake, {"id": {"domain": "customer"}}, source=source))


@pytest.fixture
def zone(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[str]:
    """Java's time zone, for a while."""
    zones = java_class(java(spark), "java.util.TimeZone")
    before = zones.getDefault()
    zones.setDefault(zones.getTimeZone(request.param))
    yield request.param
    zones.setDefault(before)


@pytest.mark.parametrize("execution", but_for(["columnar"], ["columnar", "spark"]))
def test_the_log_of_two_versions_is_whole(spark: SparkSession, lake: Path, conf: Config, execution: Execution) -> None:
    for version in range(2):
        assert pseudonymize.run(spark, conf, "t", execution=execution).version == version
    log = lake / "treated" / "t" / "_delta_log"
    told = sorted(path.name for path in log.iterdir() if path.name[0].isdigit())
    assert told == [f"{version:020}.{kind}" for version in (0, 1) for kind in ("crc", "json")]
    assert not list(log.glob(".*.json.crc"))
    for version in range(2):
        commit = [json.loads(line) for line in (log / f"{version:020}.json").read_text().splitlines()]
        checksum = json.loads((log / f"{version:020}.crc").read_text())
        added = [action["add"] for action in commit if "add" in action]
        assert [file["path"] for file in checksum["allFiles"]] == [file["path"] for file in added]
        assert checksum["tableSizeBytes"] == sum(file["size"] for file in added)
        assert checksum["setTransactions"][0]["version"] == version


@pytest.mark.parametrize("zone", but_for(["Europe/Amsterdam"], ["Europe/Amsterdam", "UTC"]), indirect=True)
def test_a_small_table_is_one_job_and_one_of_no_task(spark: SparkSession, conf: Config, zone: str) -> None:
    jobs = java_session(spark).sparkContext().dagScheduler()
    for expected in (2, 1):  # of a new table Delta asks for the files that it had
        begun = jobs.numTotalJobs()
        assert pseudonymize.run(spark, conf, "t").execution == "columnar"
        assert jobs.numTotalJobs() - begun == expected, zone


@pytest.mark.parametrize("left", [f".{2:020}.json.crc", f".{2:020}.crc.crc", "._last_checkpoint.crc"])
def test_a_checksum_of_hadoop_is_not_left_beside_another_file(spark: SparkSession, lake: Path, left: str) -> None:
    at = str(lake / "t")
    for _ in range(2):
        spark.range(3).write.format("delta").mode("append").save(at)
    begun = delta_commit.begin(spark, at, None)
    assert begun is not None
    assert IMPLEMENTATION in log_files._unchosen(begun, anew=True)
    (lake / "t" / "_delta_log" / left).write_bytes(b"crc")
    assert IMPLEMENTATION not in log_files._unchosen(begun, anew=True)


def test_the_file_of_the_last_checkpoint_can_be_read(spark: SparkSession, lake: Path, conf: Config) -> None:
    target, log = str(lake / "treated" / "t"), lake / "treated" / "t" / "_delta_log"
    pseudonymize.run(spark, conf, "t")
    spark.sql(f"ALTER TABLE delta.`{target}` SET TBLPROPERTIES ('delta.checkpointInterval' = '2')")
    spark.sql(f"ALTER TABLE delta.`{target}` SET TBLPROPERTIES ('x' = '1')")  # Spark's own checkpoint
    named = log / "_last_checkpoint"
    assert json.loads(named.read_text())["version"] == 2
    assert (log / "._last_checkpoint.crc").exists()
    for version in (3, 4):
        assert pseudonymize.run(spark, conf, "t").version == version
    assert json.loads(by_hadoop(spark, named))["version"] == 4


def by_hadoop(spark: SparkSession, file: Path) -> bytes:
    """What is in a file, which is held against the checksum beside it."""
    path = hadoop_path(spark, str(file))
    stream = path.getFileSystem(java_session(spark).sessionState().newHadoopConf()).open(path)
    return bytes(java_class(java(spark), "org.apache.commons.io.IOUtils").toByteArray(stream))


def test_what_someone_chose_stays(spark: SparkSession, lake: Path) -> None:
    own = spark.newSession()
    own.range(3).write.format("delta").save(str(lake / "t"))
    begun = delta_commit.begin(own, str(lake / "t"), None)
    assert begun is not None
    with active(own), log_files.quickly_written(begun, anew=True):
        assert [own.conf.get(name) for name in SETTINGS] == [quick for _, quick in SETTINGS.values()]
    assert [own.conf.get(name, None) for name in SETTINGS] == [None, None, None]
    own.conf.set(MANAGER, LINKS)
    with active(own), log_files.quickly_written(begun):
        assert (own.conf.get(MANAGER), own.conf.get(IMPLEMENTATION)) == (LINKS, log_files.BARE[IMPLEMENTATION][1])
    assert own.conf.get(MANAGER) == LINKS
