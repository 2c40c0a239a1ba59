"""Tasks that die and runs that fail: each row is in the table once, or the table is as before; no file is left over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake.problems import CommitConflict
from jobs.spark_app.failures import translated
from privacy_udfs.errors import LakenymError
from tests.helpers.lakes import column, configured, table, treated, write_conf
from tests.helpers.set_runs import FILE_BY_FILE, prepared, run

ROWS, GROUP = 60_000, 5_000
"""Of a file and of its row groups. The rows are so wide that a task writes before it has read them all."""
ENTRY = {"id": {"domain": "customer"}, "row": "keep", "note": "keep"}
OLD = {"org.apache.spark.legacyDateTime": ""}
DEATHS = ["raised", "killed", "finished"]
DRIVER = """
import dataclasses, os, signal, sys
from pathlib import Path
from jobs import pseudonymize
from jobs.columnar import task
from jobs.configuration import config
from jobs.spark_app import session

conf, deaths = config.load(Path(sys.argv[1])), Path(sys.argv[2])

def die(deaths, point):
    marker = deaths / f"{point}-{os.getpid()}"
    if len(list(deaths.glob(f"{point}-*"))) == 2:
        return
    marker.touch()
    if point == "raised":
        raise OSError("planted")
    os.kill(os.getpid(), signal.SIGKILL)

@dataclasses.dataclass(frozen=True)
class Dying:
    reader: object
    deaths: Path
    point: str

    def batches(self, stretch, access, wanted):
        for at, batch in enumerate(self.reader.batches(stretch, access, wanted)):
            if at == 10:
                die(self.deaths, self.point)
            yield batch

def dying(point):
    folder = deaths  # it travels by value, with all that it names
    def run(batches, work):
        from jobs.columnar import task
        if point != "finished":
            fits = dataclasses.replace(work.fits, reader=Dying(work.fits.reader, folder, point))
            work = dataclasses.replace(work, fits=fits)
        for told in task.run(batches, work):
            if point == "finished":
                die(folder, point)
            yield told
    return run

spark = session.start("attempts")
for point in sys.argv[3:]:
    task.run = dying(point)
    print("TREATED", point, pseudonymize.run(spark, conf, point, execution="columnar").rows)
spark.stop()
"""


def write_source(lake: Path, note: str, *sizes: int) -> None:
    """Files of these numbers of rows; one after the other the rows have numbers of their own."""
    (lake / "raw" / "t").mkdir(parents=True)
    start = 0
    for at, size in enumerate(sizes):
        numbers = pa.array(range(start, start + size))
        rows = pa.table({"id": numbers, "row": numbers, "note": pa.repeat(note, size)})
        pq.write_table(rows, lake / "raw" / "t" / f"{at}.parquet", row_group_size=GROUP)
        start += size


def entry(name: str, lake: Path) -> dict[str, Any]:
    return table(name, lake, ENTRY, source={"format": "parquet", "path": str(lake / "raw" / "t")})


def data_files(target: Path) -> set[str]:
    """All that lies in a target's folder, but for Delta's log, and for checksums, which only Spark's writer makes."""
    found = {path.relative_to(target) for path in target.rglob("*") if path.is_file() and path.suffix != ".crc"}
    return {str(path) for path in found if path.parts[0] != "_delta_log"}


def committed(target: Path) -> list[set[str]]:
    """The files that each commit added."""
    log = sorted((target / "_delta_log").glob("*.json"))
    commits = [[json.loads(line) for line in each.read_text().splitlines()] for each in log]
    return [{action["add"]["path"] for action in actions if "add" in action} for actions in commits]


@pytest.fixture(scope="module")
def retried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table for each way to die, whose tasks died twice and were tried again. Their lake."""
    lake = tmp_path_factory.mktemp("attempts")
    write_source(lake, "x" * 1000, ROWS, ROWS)
    conf = write_conf(lake, *(entry(point, lake) for point in DEATHS))
    (lake / "deaths").mkdir()
    (lake / "driver.py").write_text(DRIVER)
    settings = ["--master", "local[2,5]", "--conf", "spark.ui.enabled=false"]
    settings += ["--conf", "spark.sql.files.maxPartitionBytes=4m"]  # each file is a task
    submit = [str(Path(sys.executable).parent / "spark-submit"), *settings]
    done = subprocess.run(
        [*submit, str(lake / "driver.py"), str(conf), str(lake / "deaths"), *DEATHS],
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    (lake / "output.log").write_bytes(done.stdout)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-3000:]
    return lake


@pytest.mark.parametrize("point", DEATHS)
def test_tasks_that_died_and_were_tried_again(spark: SparkSession, retried: Path, point: str) -> None:
    assert len(list((retried / "deaths").glob(f"{point}-*"))) == 2
    rows = treated(spark, retried, point)
    assert rows.count() == 2 * ROWS
    assert rows.select("row").distinct().count() == 2 * ROWS
    target = retried / "treated" / point
    assert [data_files(target)] == committed(target)
    assert "planted" not in (retried / "output.log").read_text(errors="replace")


# Runs that fail. Two tasks run at a time, so the third begins when one of the first two has written its file.


@pytest.fixture
def before(spark: SparkSession, lake: Path) -> tuple[SparkSession, Config]:
    """A treated table of two files."""
    write_source(lake, "10.0.0.1", 100, 100)
    conf = configured(lake, entry("t", lake))
    assert run(spark, conf, "t", "columnar", FILE_BY_FILE).execution == "columnar"
    assert len(data_files(lake / "treated" / "t")) == 2
    return spark, conf


def is_as_before(target: Path, versions: int = 1) -> None:
    """Only commits' files are there, and only so many commits."""
    commits = committed(target)
    assert len(commits) == versions
    assert data_files(target) == set().union(*commits)


def third_file(lake: Path, rows: pa.Table) -> Path:
    path = lake / "raw" / "t" / "z.parquet"
    pq.write_table(rows, path, compression="none", use_dictionary=False)
    assert path.stat().st_size < (lake / "raw" / "t" / "0.parquet").stat().st_size  # so it is the last part
    return path


def test_a_refused_value_leaves_nothing(before: tuple[SparkSession, Config], lake: Path) -> None:
    spark, _ = before
    third_file(lake, pa.table({"id": [1], "row": [200], "note": ["no address"]}))
    entry_of_ips = entry("t", lake)
    entry_of_ips["columns"]["note"] = column({"technique": "truncate_ip"})
    conf = configured(lake, entry_of_ips)
    with pytest.raises(LakenymError, match="truncate_ip cannot treat 1 of 1 values"):
        run(spark, conf, "t", "columnar", FILE_BY_FILE)
    is_as_before(lake / "treated" / "t")


def test_a_source_that_changes_meanwhile_leaves_nothing(before: tuple[SparkSession, Config], lake: Path) -> None:
    spark, conf = before
    path = third_file(lake, pa.table({"id": [1], "row": [200], "note": ["x"]}))
    own, held = prepared(spark, conf, "t", "columnar", FILE_BY_FILE)
    pq.write_table(pa.table({"id": [1, 2], "row": [200, 201], "note": ["x", "yy"]}), path, compression="none")
    with pytest.raises(LakenymError, match="was changed while the run looked at it"):
        translated("t", lambda: pseudonymize.execute(own, held))
    is_as_before(lake / "treated" / "t")


def test_a_file_that_turns_out_not_to_fit_leaves_nothing(before: tuple[SparkSession, Config], lake: Path) -> None:
    """What Spark's path writes instead is all there is then."""
    spark, conf = before
    third_file(lake, pa.table({"id": [1], "row": [200], "note": ["x"]}).replace_schema_metadata(OLD))
    with pytest.raises(Refused, match="execution: columnar is asked for, and"):
        run(spark, conf, "t", "columnar", FILE_BY_FILE)
    is_as_before(lake / "treated" / "t")
    result = run(spark, conf, "t", "auto", FILE_BY_FILE)
    assert (result.execution, result.rows) == ("spark", 201)
    assert result.not_columnar
    is_as_before(lake / "treated" / "t", 2)


def test_a_conflict_leaves_what_the_other_wrote(before: tuple[SparkSession, Config], lake: Path) -> None:
    spark, conf = before
    own, held = prepared(spark, conf, "t", "columnar", FILE_BY_FILE)
    target = lake / "treated" / "t"
    spark.newSession().sql(f"INSERT INTO delta.`{target}` SELECT * FROM delta.`{target}` LIMIT 1")
    with pytest.raises(CommitConflict, match="this run committed nothing"):
        pseudonymize.execute(own, held)
    is_as_before(target, 2)
    assert treated(spark, lake).count() == 201
